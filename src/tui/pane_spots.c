#include "tui/pane.h"

#include <stddef.h>

enum {
	OWN_SHARE,
	TOTAL_SHARE,
	OWN_TIME,
	TOTAL_TIME,
	COLUMNS
};

void pane_rank(struct board *board)
{
	const struct ranking_options options = {
		.metric = board->metric,
		.level = board->level,
		.one_process = board->focus.one_process,
		.process = board->focus.process,
		.tid = board->focus.tid,
	};

	ranking_make(&board->ranking, board_live(board), board->spots, &options);
}

static void gather(struct board *board)
{
	const struct ranking *ranking = &board->ranking;
	double watched_ns;

	pane_rank(board);
	watched_ns = ranking->watched_ns[board->span];
	for (uint32_t i = 0; i < ranking->rows.count; i++) {
		const struct ranking_row *from = &ranking->rows.items[i];
		const struct spot *spot = spots_get(board->spots, board->level, from->spot);
		struct board_row *row;

		if (!needle_passes(&board->filter, spot->function) &&
		    !needle_passes(&board->filter, spot->file))
			continue;
		row = pane_add(board, from->spot, from->spot);
		row->values[OWN_SHARE] = pane_share(from->own_ns[board->span], watched_ns);
		row->values[TOTAL_SHARE] = pane_share(from->total_ns[board->span], watched_ns);
		row->values[OWN_TIME] = from->own_ns[LIVE_ALL] / 1e9;
		row->values[TOTAL_TIME] = from->total_ns[LIVE_ALL] / 1e9;
	}
}

static void draw_title(const struct board *board, struct canvas *canvas, int row, int column)
{
	canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN,
		   board->level == SPOT_LINE ? "Function (line)" : "Function (where it begins)");
}

static void draw_text(struct board *board, const struct board_row *item, struct canvas *canvas,
		      int row, int column)
{
	pane_draw_spot(canvas, row, column, spots_get(board->spots, board->level, item->number));
}

static void enter(struct board *board, const struct board_row *item)
{
	board->path[0] = item->number;
	board->path_count = 1;
	board->pane = PANE_CALLERS;
	list_home(&board->lists[PANE_CALLERS]);
}

const struct pane pane_spots = {
	.columns =
		{
			[OWN_SHARE] = {"%Own", "own share", 7, PANE_SHARE},
			[TOTAL_SHARE] = {"%Total", "total share", 8, PANE_SHARE},
			[OWN_TIME] = {"OwnTime", "own time", 11, PANE_SECONDS},
			[TOTAL_TIME] = {"TotalTime", "total time", 11, PANE_SECONDS},
		},
	.column_count = COLUMNS,
	.gather = gather,
	.draw_title = draw_title,
	.draw_text = draw_text,
	.enter = enter,
	.keys = "q quit  ? help  F lines  T threads  Enter callers  / filter  < > sort  p pause",
	.line_keys = "q quit  ? help  F functions  T threads  Enter callers  / filter  < > sort  p",
};
