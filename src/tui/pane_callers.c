#include "tui/pane.h"

#include <stddef.h>

enum {
	PART,
	SHARE,
	TIME,
	COLUMNS
};

static void gather(struct board *board)
{
	const struct ranking *ranking = &board->ranking;
	double whole_ns = 0;

	pane_rank(board);
	ranking_callers(ranking, board->path, 1, &board->callers);
	for (uint32_t i = 0; i < board->callers.count; i++)
		whole_ns += board->callers.items[i].total_ns[board->span];
	ranking_callers(ranking, board->path, board->path_count, &board->callers);
	for (uint32_t i = 0; i < board->callers.count; i++) {
		const struct ranking_row *from = &board->callers.items[i];
		const struct spot *spot = spots_get(board->spots, board->level, from->spot);
		struct board_row *row;

		if (!needle_passes(&board->filter, spot->function) &&
		    !needle_passes(&board->filter, spot->file))
			continue;
		row = pane_add(board, from->spot, from->spot);
		row->values[PART] = pane_share(from->total_ns[board->span], whole_ns);
		row->values[SHARE] =
			pane_share(from->total_ns[board->span], ranking->watched_ns[board->span]);
		row->values[TIME] = from->total_ns[LIVE_ALL] / 1e9;
	}
}

/* "Callers of inner < middle < outer" */
static void draw_title(const struct board *board, struct canvas *canvas, int row, int column)
{
	column += canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN, "Callers of ");
	for (uint32_t i = board->path_count; i-- > 0;) {
		const struct spot *spot = spots_get(board->spots, board->level, board->path[i]);

		column += canvas_put(canvas, row, column, canvas->columns, CANVAS_BOLD,
				     spot->function);
		if (i)
			column += canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN,
					     " > ");
	}
}

static void draw_text(struct board *board, const struct board_row *item, struct canvas *canvas,
		      int row, int column)
{
	pane_draw_spot(canvas, row, column, spots_get(board->spots, board->level, item->number));
}

static void enter(struct board *board, const struct board_row *item)
{
	if (board->path_count == BOARD_PATH_MAX || item->number == SPOT_NOBODY)
		return;
	board->path[board->path_count++] = item->number;
	list_home(&board->lists[PANE_CALLERS]);
}

const struct pane pane_callers = {
	.columns =
		{
			[PART] = {"%Calls", "share of its time", 7, PANE_SHARE},
			[SHARE] = {"%Total", "total share", 8, PANE_SHARE},
			[TIME] = {"TotalTime", "total time", 11, PANE_SECONDS},
		},
	.column_count = COLUMNS,
	.gather = gather,
	.draw_title = draw_title,
	.draw_text = draw_text,
	.enter = enter,
	.keys = "q quit  ? help  Enter callers of the caller  Esc back  < > sort  p pause",
};
