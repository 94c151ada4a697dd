#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cmd/options.h"
#include "collector/sampling.h"

/* What the commands that record time have in common: their settings, and the options over them. */
enum sampling_what {
	SAMPLING_NONE,
	SAMPLING_CPU,
	SAMPLING_WALL,
	SAMPLING_GIL,
};

enum sampling_pausing {
	SAMPLING_PAUSES_IF_NEEDED,
	SAMPLING_PAUSES_NEVER,
	SAMPLING_PAUSES_ALWAYS,
};

struct sampling_settings {
	int what; /* enum sampling_what */
	long rate_hz;
	bool subprocesses;
	int pausing; /* enum sampling_pausing */
	bool python_only;
};

#define SAMPLING_RATE_HZ      1000
#define SAMPLING_RATE_MOST_HZ 1000000
#define SAMPLING_DEFAULTS                   \
	{                                   \
		.rate_hz = SAMPLING_RATE_HZ \
	}

/* Rows of an option table; `member` is the struct sampling_settings in the command's settings.
 * SAMPLING_OPTIONS: all of it, for a recording. SAMPLING_HOW_OPTIONS: without which time. */
#define SAMPLING_OPTIONS(type, member)                                                           \
	{.name = "cpu",                                                                          \
	 .kind = OPTION_SELECT,                                                                  \
	 .value = SAMPLING_CPU,                                                                  \
	 .help = "sample the stacks of all threads; reports show the time on a CPU, or waiting " \
		 "for one, unless told otherwise",                                               \
	 .setting = offsetof(type, member.what)},                                                \
		{.name = "wall",                                                                 \
		 .kind = OPTION_SELECT,                                                          \
		 .value = SAMPLING_WALL,                                                         \
		 .also = "idle",                                                                 \
		 .help = "the same; reports show all time, that of waiting threads too (also "   \
			 "--idle)",                                                              \
		 .setting = offsetof(type, member.what)},                                        \
		{.name = "gil",                                                                  \
		 .kind = OPTION_SELECT,                                                          \
		 .value = SAMPLING_GIL,                                                          \
		 .help = "the same; reports show the time with the GIL",                         \
		 .setting = offsetof(type, member.what)},                                        \
		SAMPLING_HOW_OPTIONS(type, member)

#define SAMPLING_HOW_OPTIONS(type, member)                                                      \
	{.name = "rate",                                                                        \
	 .letter = 'r',                                                                         \
	 .kind = OPTION_NUMBER,                                                                 \
	 .argument = "HZ",                                                                      \
	 .help = "samples a second of each thread (1000)",                                      \
	 .setting = offsetof(type, member.rate_hz)},                                            \
		{.name = "subprocesses",                                                        \
		 .letter = 's',                                                                 \
		 .kind = OPTION_FLAG,                                                           \
		 .help = "sample processes that it started or starts, too, as they appear "     \
			 "(always of a command behind --)",                                     \
		 .setting = offsetof(type, member.subprocesses)},                               \
		{.name = "python-only",                                                         \
		 .kind = OPTION_FLAG,                                                           \
		 .help = "leave out threads that Python does not know",                         \
		 .setting = offsetof(type, member.python_only)},                                \
		{.name = "never-pause",                                                         \
		 .kind = OPTION_SELECT,                                                         \
		 .value = SAMPLING_PAUSES_NEVER,                                                \
		 .help = "never stop a thread: a stack that changes while it is read, several " \
			 "times over, is counted as unknown",                                   \
		 .setting = offsetof(type, member.pausing)},                                    \
	{                                                                                       \
		.name = "pause-always", .kind = OPTION_SELECT, .value = SAMPLING_PAUSES_ALWAYS, \
		.help = "stop every thread for each reading: exact, and costly",                \
		.setting = offsetof(type, member.pausing)                                       \
	}

/* ERROR_USAGE: a rate that cannot be, or, where time is not recorded, a wish how to. */
int sampling_check(const struct sampling_settings *settings, bool recorded, struct error *err);
bool sampling_is_wanted(const struct sampling_settings *settings);
enum capture_time_metric sampling_metric(const struct sampling_settings *settings);
/* all: also what the target starts, whether asked for or not. */
struct sampling_options sampling_choose(const struct sampling_settings *settings, bool all);
