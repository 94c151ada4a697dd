#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "analysis/profile.h"

/*
 * A report writes a profile in one format. It computes nothing and opens nothing: analysis made
 * the numbers, cmd opened the stream. One file a format; report_formats is the registry.
 */
struct report_options {
	bool json;
	bool color;  /* ANSI colours */
	int columns; /* terminal width, 0: unlimited */
	bool dark;   /* flame graph page: start dark (else as the browser prefers) */
	bool inverted;
	bool icicle; /* root on top */
	bool split_threads;
	bool by_own;   /* summary: largest own amount first, not largest total */
	long max_rows; /* 0: all; what is left out is said */
	const char *title;
	/* Source text for tooltips, or NULL: the line of a file, or NULL when it cannot be had. The
	 * result is valid until the next call. */
	const char *(*source_line)(const char *file, unsigned line, void *data);
	void *source_data;
};

/* What a format makes of a profile beyond its rows: options that profile_create must have had. */
enum report_needs {
	REPORT_COURSE = 1u << 0, /* course */
	REPORT_CALLS = 1u << 1,  /* merge_lines: one call, whatever lines it goes through */
	REPORT_BOTH = 1u << 2,   /* both */
};

struct report_format {
	const char *name;        /* "table", "flamegraph-html", "collapsed" .. */
	const char *extension;   /* of a file that holds it: "html", "json", "txt" .. */
	const char *description; /* one line for help */
	unsigned needs;          /* enum report_needs */
	bool binary;             /* not for a terminal */
	/* Returns 0; -ERROR_FAILED when the stream could not take it; or -ERROR_USAGE, nothing
	 * written, when the format has no words for what the profile is of. */
	int (*write)(const struct profile *profile, const struct report_options *options, FILE *out,
		     struct error *err);
};

/* What every write ends with: flushes, and turns a sticky error of the stream into an error. */
int report_finish(FILE *out, struct error *err);

/* NULL if there is no such format. */
const struct report_format *report_find(const char *name);
extern const struct report_format *const report_formats[]; /* NULL-terminated */
