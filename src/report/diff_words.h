#pragma once

#include <stddef.h>
#include <stdio.h>

#include "report/diff.h"
#include "report/style.h"

/* How changes are put. */

/* "+1.5 MiB", "-300 B", "0 B". 40 bytes do. */
char *diff_words_change(enum unit unit, const struct diff_amount *amount, char *buffer,
			size_t size);
/* Against what was: "+26.0 %", "-3.1 %", "new", "gone"; "" where nothing changed. 40 bytes do. */
char *diff_words_relative(const struct diff_amount *amount, char *buffer, size_t size);

/* Is there a change that may be chance? */
bool diff_words_is_doubtful(const struct diff_amount *amount);

/*
 * What every report begins with. Text: a line with the metric, both totals and the change, then
 * where they come from, then a line for everything that makes the numbers of either less than the
 * whole truth, and for how they were made comparable.
 */
void diff_words_heading(const struct diff *diff, const struct diff_report_options *options,
			FILE *out);

/* What a graph is called: the title that was asked for, or what was run. Raw: to be escaped. */
void diff_words_title(const struct diff *diff, const struct diff_report_options *options,
		      char *buffer, size_t size);

/* By how much `before` was scaled. */
double diff_words_scale(const struct diff *diff);
