#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tui/board.h"
#include "tui/events.h"
#include "tui/feed.h"
#include "tui/screen.h"

/* Draws a board again and again, on a screen or as text, until somebody or something ends it. */
struct loop_options {
	struct screen *screen; /* NULL: text */
	FILE *out;             /* of text */
	bool color;            /* of text */
	int columns;           /* of text; 0: no limit */
	uint64_t iterations;   /* drawings; 0: no limit */
	uint64_t duration_ns;  /* 0: no limit */
	bool stay;             /* on the screen, when nothing comes any more */
};

enum loop_end {
	LOOP_QUIT,   /* a key */
	LOOP_ENOUGH, /* iterations or duration */
	LOOP_ENDED,  /* nothing comes any more */
	LOOP_CLOSED, /* nobody reads the text any more */
	LOOP_SIGNAL,
};

struct loop_result {
	enum loop_end end;
	int signal;
	bool by_terminal; /* the signal went to everything in the foreground */
};

struct loop_result loop_run(struct board *board, const struct feed *feed, struct events *events,
			    const struct loop_options *options);
