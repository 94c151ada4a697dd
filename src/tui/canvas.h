#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"

/*
 * A picture made of text: what is drawn is kept as runs, for a terminal that is painted (screen.h)
 * or a stream that is written. Texts come from the programs that are watched and are not trusted:
 * what could steer a terminal, or is not UTF-8, is replaced; what does not fit ends in an ellipsis.
 */
enum canvas_style {
	CANVAS_PLAIN,
	CANVAS_BOLD,
	CANVAS_DIM,
	CANVAS_HOT,
	CANVAS_WARM,
	CANVAS_GOOD,
	CANVAS_BAD,
	CANVAS_HEADING, /* of a whole row, as the next */
	CANVAS_SELECTED,
	CANVAS_STYLES,
};

struct canvas_run {
	int row, column, columns;
	enum canvas_style style;
	size_t offset, bytes; /* in text */
};

struct canvas {
	int rows, columns;
	struct canvas_run *runs; /* as they were drawn, until canvas_sort */
	size_t count, room;
	struct buffer text;
	uint8_t *row_styles; /* enum canvas_style; CANVAS_PLAIN: its runs have their own */
	int row_room;
	int cursor_row, cursor_column; /* -1: not shown */
};

void canvas_init(struct canvas *canvas);
void canvas_deinit(struct canvas *canvas);

/* Empty, of a new size. */
void canvas_clear(struct canvas *canvas, int rows, int columns);

/* Draws from (row, column) on, at most so many columns wide, and no further than the edge. Returns
 * the columns taken. What lies outside is left out; runs of one row are drawn from left to right.
 */
int canvas_put(struct canvas *canvas, int row, int column, int columns, enum canvas_style style,
	       const char *text);
/* The same, flush with the right end of those columns. */
void canvas_put_right(struct canvas *canvas, int row, int column, int columns,
		      enum canvas_style style, const char *text);
/* Returns the columns taken. */
int canvas_format(struct canvas *canvas, int row, int column, enum canvas_style style,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Columns that a text takes where they do not end. */
int canvas_columns(const char *text);

/* A style for a row from edge to edge, whatever is drawn there. */
void canvas_style_row(struct canvas *canvas, int row, enum canvas_style style);

/* Puts runs in the order of rows and columns. */
void canvas_sort(struct canvas *canvas);

/* Row by row, without blanks at the ends of rows and without empty rows at the end. */
void canvas_write(struct canvas *canvas, bool color, FILE *out);
