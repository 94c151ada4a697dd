#include "tui/pane.h"

#include <stdio.h>

#define PID_COLUMNS    9
#define PYTHON_COLUMNS 12

enum {
	CPU,
	HOLDS_GIL,
	THREADS,
	COLUMNS
};

static void gather(struct board *board)
{
	const struct live *live = board_live(board);
	double watched_ns = live_watched_ns(live, board->span);

	for (uint32_t i = 0; i < live_processes(live); i++) {
		const struct live_process *process = live_process(live, i);
		double sample_ns = live_sample_ns(live, i, board->span);
		struct live_states states;
		struct board_row *row;

		if (!process || !needle_passes(&board->filter, process->command))
			continue;
		live_process_states(live, i, board->span, &states);
		row = pane_add(board, i, i);
		row->values[CPU] = pane_share((double)states.running * sample_ns, watched_ns);
		row->values[HOLDS_GIL] =
			pane_share((double)states.holds_gil * sample_ns, watched_ns);
		for (uint32_t t = 0; t < live_threads(live); t++) {
			const struct live_thread *thread = live_thread(live, t);

			if (thread && thread->process == i && live_thread_is_there(live, t))
				row->values[THREADS]++;
		}
	}
}

static void draw_title(const struct board *board, struct canvas *canvas, int row, int column)
{
	(void)board;
	canvas_put_right(canvas, row, column, PID_COLUMNS - 1, CANVAS_PLAIN, "PID");
	column += PID_COLUMNS;
	canvas_put(canvas, row, column, PYTHON_COLUMNS, CANVAS_PLAIN, "Python");
	column += PYTHON_COLUMNS;
	canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN, "Command");
}

static void draw_text(struct board *board, const struct board_row *item, struct canvas *canvas,
		      int row, int column)
{
	const struct live_process *process = live_process(board_live(board), item->number);
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)process->pid);
	canvas_put_right(canvas, row, column, PID_COLUMNS - 1, CANVAS_PLAIN, pid);
	column += PID_COLUMNS;
	canvas_put(canvas, row, column, PYTHON_COLUMNS - 1, CANVAS_PLAIN,
		   process->python_version[0] ? process->python_version : "-");
	column += PYTHON_COLUMNS;
	if (process->ended)
		column += canvas_put(canvas, row, column, canvas->columns, CANVAS_DIM, "ended: ");
	canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN,
		   pane_command(process->command, canvas->columns - column));
}

static void enter(struct board *board, const struct board_row *item)
{
	board->focus.one_process = true;
	board->focus.process = item->number;
	board->focus.tid = 0;
	board->pane = PANE_SPOTS;
	list_home(&board->lists[PANE_SPOTS]);
}

const struct pane pane_processes = {
	.columns =
		{
			[CPU] = {"%CPU", "running", 7, PANE_SHARE},
			[HOLDS_GIL] = {"%GIL", "holding the GIL", 8, PANE_SHARE},
			[THREADS] = {"Threads", "threads", 9, PANE_COUNT},
		},
	.column_count = COLUMNS,
	.gather = gather,
	.draw_title = draw_title,
	.draw_text = draw_text,
	.enter = enter,
	.keys = "q quit  ? help  P functions  Enter only this one  / filter  < > sort  p pause",
};
