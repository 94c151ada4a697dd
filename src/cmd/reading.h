#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cmd/command.h"

/*
 * What the reading verbs have in common: their settings, the option tables over them, and the way
 * from a capture to a report.
 */
struct reading_settings {
	struct {
		int metric; /* enum metric */
		uint32_t temporary_threshold;
		uint64_t from_ns, to_ns;
	} which;
	struct {
		struct option_list threads, functions, files, modules;
		bool hide_import_system, hide_interpreter;
	} filter;
	struct {
		bool inverted, split_threads;
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

enum reading_layout {
	LAYOUT_ICICLE, /* root on top */
	LAYOUT_FLAME,
};

#define READING_ROWS_DEFAULT (-1l)

extern const struct reading_settings reading_defaults;

extern const struct option_group reading_metric_options;       /* --peak .. --to */
extern const struct option_group reading_filter_options;       /* --thread .. --hide-interpreter */
extern const struct option_group reading_output_options;       /* --json, -o .. --color */
extern const struct option_group reading_plain_output_options; /* -o .. --color */

/* Rows of the tables that commands with less than all of shape, page or output put together. */
#define READING_OPTION(member) offsetof(struct reading_settings, member)
#define READING_OPTION_INVERTED                                                      \
	{                                                                            \
		.name = "inverted", .kind = OPTION_FLAG,                             \
		.help = "begin with who allocated, and go from there to who called", \
		.setting = READING_OPTION(shape.inverted)                            \
	}
#define READING_OPTION_SPLIT_THREADS                                  \
	{                                                             \
		.name = "split-threads", .kind = OPTION_FLAG,         \
		.help = "keep threads apart instead of merging them", \
		.setting = READING_OPTION(shape.split_threads)        \
	}
#define READING_OPTION_MAX_ROWS(what)                                                      \
	{                                                                                  \
		.name = "max-rows", .letter = 'n', .kind = OPTION_NUMBER, .argument = "N", \
		.help = what, .setting = READING_OPTION(shape.max_rows)                    \
	}

struct reading_request {
	const char *capture; /* "-": standard input */
	const char *format;  /* in the registry of reports */
	const char *path;    /* where to; NULL or "-": standard output */
	long max_rows;       /* where the user chose none; JSON then has all */
	bool binary;         /* not for a terminal */
	bool is_text;        /* unless JSON is chosen; it then says itself what is damaged */
	bool source_lines;
};

/* Reads the capture, writes the report, says on stderr what was damaged and what was written.
 * Returns the exit status, or a negative error. */
int reading_report(const struct reading_settings *settings, const struct reading_request *request,
		   struct error *err);

/* The same for a report that is text or JSON: to standard output unless -o says otherwise. */
int reading_text(const struct reading_settings *settings, const char *capture, const char *format,
		 long max_rows, struct error *err);

/* "app.sonde" -> "app.html", with the metric in it unless that is the default; to be freed. */
char *reading_default_path(const char *capture, int metric, const char *extension);
