#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "analysis/profile.h"
#include "cmd/command.h"
#include "report/report.h"

/*
 * What the reading verbs have in common: their settings, the option tables over them, and the way
 * from a capture to a report.
 */
struct reading_settings {
	struct {
		int metric; /* enum metric, or READING_METRIC_USUAL */
		uint32_t temporary_threshold;
		uint64_t from_ns, to_ns;
	} which;
	struct {
		struct option_list threads, functions, files, modules, states;
		bool hide_import_system, hide_interpreter;
	} filter;
	struct {
		bool inverted, split_threads, lines;
		int order;     /* enum reading_order */
		long max_rows; /* READING_ROWS_DEFAULT: what the verb thinks best */
	} shape;
	struct {
		int format; /* place in the choices of --format */
		int layout; /* enum reading_layout */
		bool dark;
		const char *title;
	} page;
	struct {
		const char *path;
		bool force, quiet, json;
		int color; /* enum terminal_color */
	} output;
};

enum reading_order {
	ORDER_TOTAL,
	ORDER_OWN,
};

enum reading_layout {
	LAYOUT_ICICLE, /* root on top */
	LAYOUT_FLAME,
};

#define READING_METRIC_USUAL (-1) /* what the capture shows by itself */
#define READING_ROWS_DEFAULT (-1l)

/* What settings begin with. */
#define READING_DEFAULTS                                                                          \
	.which = {.metric = READING_METRIC_USUAL, .temporary_threshold = 1, .to_ns = UINT64_MAX}, \
	.shape = {                                                                                \
		.lines = true,                                                                    \
		.max_rows = READING_ROWS_DEFAULT,                                                 \
	}

extern const struct reading_settings reading_defaults;

extern const struct option_group reading_bytes_options;        /* --peak .. --total */
extern const struct option_group reading_time_options;         /* --wall .. --state */
extern const struct option_group reading_filter_options;       /* --thread .. --to */
extern const struct option_group reading_output_options;       /* --json, -o .. --color */
extern const struct option_group reading_plain_output_options; /* -o .. --color */

/* Rows of the tables that commands with less than all of shape, page or output put together. */
#define READING_OPTION(member) offsetof(struct reading_settings, member)
#define READING_OPTION_INVERTED                                                              \
	{                                                                                    \
		.name = "inverted", .kind = OPTION_FLAG,                                     \
		.help = "begin with the function that allocated, or ran, and go from there " \
			"to who called",                                                     \
		.setting = READING_OPTION(shape.inverted)                                    \
	}
/* How a flame graph looks, four of them. */
#define READING_OPTIONS_LOOK                                                       \
	{.name = "icicle",                                                         \
	 .kind = OPTION_SELECT,                                                    \
	 .value = LAYOUT_ICICLE,                                                   \
	 .help = "callers on top, growing downwards (default)",                    \
	 .setting = READING_OPTION(page.layout)},                                  \
		{.name = "flame",                                                  \
		 .kind = OPTION_SELECT,                                            \
		 .value = LAYOUT_FLAME,                                            \
		 .help = "callers at the bottom, growing upwards",                 \
		 .setting = READING_OPTION(page.layout)},                          \
		{.name = "dark",                                                   \
		 .kind = OPTION_FLAG,                                              \
		 .help = "begin with the dark page, whatever the browser prefers", \
		 .setting = READING_OPTION(page.dark)},                            \
	{                                                                          \
		.name = "title", .kind = OPTION_TEXT, .argument = "TEXT",          \
		.help = "title of the page", .setting = READING_OPTION(page.title) \
	}
#define READING_OPTION_SPLIT_THREADS                                                   \
	{                                                                              \
		.name = "split-threads", .kind = OPTION_FLAG, .also = "threads",       \
		.help = "keep threads apart instead of merging them (also --threads)", \
		.setting = READING_OPTION(shape.split_threads)                         \
	}
#define READING_OPTION_LINES                                                                     \
	{                                                                                        \
		.name = "lines", .kind = OPTION_FLAG, .on_by_default = true, .also = "nolineno", \
		.help = "make the lines of a function one (also --nolineno)",                    \
		.setting = READING_OPTION(shape.lines)                                           \
	}
#define READING_OPTION_MAX_ROWS(what)                                                      \
	{                                                                                  \
		.name = "max-rows", .letter = 'n', .kind = OPTION_NUMBER, .argument = "N", \
		.help = what, .setting = READING_OPTION(shape.max_rows)                    \
	}

struct reading_request {
	const char *capture;   /* "-": standard input */
	const char *format;    /* in the registry of reports */
	const char *path;      /* where to; NULL or "-": standard output */
	const char *extension; /* not NULL: without a path, a file named after the capture */
	long max_rows;         /* where the user chose none; JSON then has all */
	bool binary;           /* not for a terminal */
	bool is_text;          /* unless JSON is chosen; it then says itself what is damaged */
	bool source_lines;
	bool both; /* bytes and time, where the capture holds both */
};

/* Reads the capture, writes the report, says on stderr what was damaged and what was written.
 * Returns the exit status, or a negative error. */
int reading_report(const struct reading_settings *settings, const struct reading_request *request,
		   struct error *err);

/*
 * The steps of that, for reports of more than one capture.
 *
 * reading_check: can the window be, and the request's path be written to? It comes before a long
 * look at standard input. reading_profile: reads one of the captures, and says what is damaged
 * unless the report does. reading_write: opens where the report goes, has it written and says where
 * it is; its exit status, or a negative error. `reader` is for the text of source lines.
 */
typedef int reading_writer(const void *data, const struct report_options *options, FILE *out,
			   struct error *err);
int reading_check(const struct reading_settings *settings, const struct reading_request *request,
		  struct error *err);
int reading_profile(const struct reading_settings *settings, const struct reading_request *request,
		    struct capture_reader *reader, struct profile **out, struct error *err);
int reading_write(const struct reading_settings *settings, const struct reading_request *request,
		  struct capture_reader *reader, reading_writer *writer, const void *data,
		  struct error *err);

/* The same for a report that is text or JSON: to standard output unless -o says otherwise. */
int reading_text(const struct reading_settings *settings, const char *capture, const char *format,
		 long max_rows, struct error *err);
/* The same of bytes and of time, as far as the capture holds both. */
int reading_both(const struct reading_settings *settings, const char *capture, const char *format,
		 long max_rows, struct error *err);

/* "app.sonde" -> "app.html", or "app.leaks.html" of a metric (NULL: the usual one); to be freed. */
char *reading_default_path(const char *capture, const char *metric, const char *extension);
