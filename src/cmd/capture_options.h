#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cmd/options.h"
#include "cmd/terminal.h"

/* What the commands that write a capture have in common: where it goes, and what is said of it. */
struct capture_settings {
	const char *path;
	bool force, quiet;
	int color; /* enum terminal_color */
};

/* Rows of an option table; `member` is the struct capture_settings in the command's settings; name:
 * what the capture is called without -o. */
#define CAPTURE_OPTIONS(type, member, name_without)                                   \
	{.name = "output",                                                            \
	 .letter = 'o',                                                               \
	 .kind = OPTION_TEXT,                                                         \
	 .argument = "FILE",                                                          \
	 .completes = COMPLETES_FILE,                                                 \
	 .help = "the capture, instead of " name_without                              \
		 "; %p in it becomes the process id, %h the host, %t the time",       \
	 .setting = offsetof(type, member.path)},                                     \
		{.name = "force",                                                     \
		 .letter = 'f',                                                       \
		 .kind = OPTION_FLAG,                                                 \
		 .help = "overwrite FILE if it exists",                               \
		 .setting = offsetof(type, member.force)},                            \
		{.name = "quiet",                                                     \
		 .letter = 'q',                                                       \
		 .kind = OPTION_FLAG,                                                 \
		 .help = "say nothing, unless something is wrong",                    \
		 .setting = offsetof(type, member.quiet)},                            \
	{                                                                             \
		.name = "color", .kind = OPTION_CHOICE, .argument = "WHEN",           \
		.choices = terminal_color_choices,                                    \
		.help = "auto, always or never; auto minds NO_COLOR and FORCE_COLOR", \
		.setting = offsetof(type, member.color)                               \
	}
