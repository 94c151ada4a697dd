#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "analysis/diff.h"
#include "report/report.h"

/*
 * A report of what changed between two captures. As other reports it computes nothing and opens
 * nothing. One file a format; diff_reports is the registry.
 */
struct diff_report_options {
	struct report_options report;
	const char *before_name, *after_name; /* what the captures are called */
	bool width_before;                    /* graphs: a box is as wide as what was before */
};

struct diff_report {
	const char *name;        /* "table", "html", "svg" */
	const char *extension;   /* of a file that holds it */
	const char *description; /* one line for help */
	/* Returns 0, or -ERROR_FAILED when the stream could not take it. */
	int (*write)(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		     struct error *err);
};

/* NULL if there is no such format. */
const struct diff_report *diff_report_find(const char *name);
extern const struct diff_report *const diff_reports[]; /* NULL-terminated */

/* The formats, each defined in the file of its name. */
extern const struct diff_report diff_report_table;
extern const struct diff_report diff_report_html;
extern const struct diff_report diff_report_svg;

/* What diff_report_table writes when JSON is asked for: sonde.diff/1. */
int diff_json_write(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		    struct error *err);
