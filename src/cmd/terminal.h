#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The values of --color, in the order of terminal_color_choices. */
enum terminal_color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

extern const char *const terminal_color_choices[]; /* NULL-terminated */

/* Whether to colour what goes to fd: the option, else NO_COLOR, else FORCE_COLOR, else whether it
 * is a terminal that can. */
bool terminal_color(enum terminal_color choice, int fd);

/* Columns for what goes to fd: COLUMNS where it is set, else the terminal's, else 0: unlimited. */
int terminal_columns(int fd);

/* Columns for help on stdout: never so wide that lines are hard to read. */
int terminal_help_columns(void);

/*
 * A line on stderr that says how far a long reading is. Shown only on a terminal, only after the
 * first half second, and gone when it is finished. terminal_progress_draw fits
 * profile_options.progress.
 */
struct terminal_progress {
	const char *what; /* "reading app.sonde" */
	bool shown;
	bool silent;
	long long begun_ns, drawn_ns;
};

void terminal_progress_begin(struct terminal_progress *progress, const char *what, bool quiet);
void terminal_progress_draw(double share, void *progress);
void terminal_progress_end(struct terminal_progress *progress);
