#pragma once

#include "tui/canvas.h"
#include "tui/board.h"

/* One kind of table: its columns of numbers, and what stands behind them. One file each. */
struct pane_column {
	const char *title;
	const char *meaning; /* "sorted by .." */
	int columns;
	enum {
		PANE_SHARE,
		PANE_SECONDS,
		PANE_COUNT,
	} kind;
};

struct pane {
	struct pane_column columns[BOARD_VALUES];
	unsigned column_count;
	/* Fills board->table, in any order. */
	void (*gather)(struct board *board);
	void (*draw_title)(const struct board *board, struct canvas *canvas, int row, int column);
	void (*draw_text)(struct board *board, const struct board_row *item, struct canvas *canvas,
			  int row, int column);
	void (*enter)(struct board *board, const struct board_row *item);
	/* For the last row of the screen, and where lines are shown if that differs. */
	const char *keys, *line_keys;
};

/* Makes board->ranking of what is drawn. */
void pane_rank(struct board *board);

extern const struct pane pane_spots, pane_callers, pane_threads, pane_processes;

const struct pane *pane_of(enum board_pane pane);

struct board_row *pane_add(struct board *board, uint64_t id, uint32_t number);

/* Draws "function (file:line)" from a column to the edge; the file's folders go first. */
void pane_draw_spot(struct canvas *canvas, int row, int column, const struct spot *spot);

/* A command line, without the folders of its first word where it takes more columns than that. */
const char *pane_command(const char *command, int columns);

/* part of whole; 0 when there is no whole. */
double pane_share(double part, double whole);

/* The first rows of the screen: who is watched, how well, what it does, what is shown. */
#define HEADER_ROWS 4
void header_draw(struct board *board, struct canvas *canvas);

/* What every key does. */
void keys_draw(struct canvas *canvas);
