#include "tui/pane.h"

#include <stdio.h>
#include <string.h>

#define STATE_COLUMNS   17
#define TID_COLUMNS     9
#define WHERE_FROM      110 /* columns of the screen, for the function that a thread is in */
#define BLOCKED_FROM    150 /* and for what it was blocked on */
#define NAME_COLUMNS    24
#define BLOCKED_COLUMNS 30

enum {
	RUNNING,
	HOLDS_GIL,
	WAITS_GIL,
	BLOCKED,
	COLUMNS
};

static uint64_t blocked_of(const struct live_states *states)
{
	uint64_t blocked = 0;

	for (unsigned i = 0; i < SAMPLE_WAIT_END; i++)
		blocked += states->blocked[i];
	return blocked;
}

static const char *name_of(const struct live_thread *thread)
{
	return thread->rest ? "<threads that have ended>" : thread->name;
}

static bool many_processes(const struct live *live)
{
	return live_processes(live) > 1;
}

static void gather(struct board *board)
{
	const struct live *live = board_live(board);

	for (uint32_t i = 0; i < live_threads(live); i++) {
		const struct live_thread *thread = live_thread(live, i);
		struct live_states states;
		struct board_row *row;
		double samples;

		if (!thread || !needle_passes(&board->filter, name_of(thread)))
			continue;
		if (board->focus.one_process && !board->focus.tid &&
		    thread->process != board->focus.process)
			continue;
		live_thread_states(live, i, board->span, &states);
		if (!states.samples && !live_thread_is_there(live, i))
			continue;
		row = pane_add(board, (uint64_t)thread->process << 32 | (uint32_t)thread->tid, i);
		samples = (double)states.samples;
		row->values[RUNNING] = pane_share((double)states.running, samples);
		row->values[HOLDS_GIL] = pane_share((double)states.holds_gil, samples);
		row->values[WAITS_GIL] = pane_share((double)states.waits_gil, samples);
		row->values[BLOCKED] = pane_share((double)blocked_of(&states), samples);
	}
}

static void draw_title(const struct board *board, struct canvas *canvas, int row, int column)
{
	canvas_put(canvas, row, column, STATE_COLUMNS, CANVAS_PLAIN, "Now");
	column += STATE_COLUMNS;
	canvas_put_right(canvas, row, column, TID_COLUMNS - 1, CANVAS_PLAIN, "TID");
	column += TID_COLUMNS;
	if (many_processes(board_live(board))) {
		canvas_put_right(canvas, row, column, TID_COLUMNS - 1, CANVAS_PLAIN, "PID");
		column += TID_COLUMNS;
	}
	canvas_put(canvas, row, column, NAME_COLUMNS, CANVAS_PLAIN, "Thread");
	column += NAME_COLUMNS + 1;
	if (canvas->columns >= BLOCKED_FROM) {
		canvas_put(canvas, row, column, BLOCKED_COLUMNS, CANVAS_PLAIN, "Blocked on");
		column += BLOCKED_COLUMNS + 1;
	}
	if (canvas->columns >= WHERE_FROM)
		canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN, "In");
}

/* "futex 80 %, poll 12 %": the largest first. */
static void draw_blocked(const struct board *board, uint32_t thread, struct canvas *canvas, int row,
			 int column)
{
	struct live_states states;
	char text[256] = "";
	size_t used = 0;

	live_thread_states(board_live(board), thread, board->span, &states);
	for (;;) {
		unsigned most = 0;

		for (unsigned i = 1; i < SAMPLE_WAIT_END; i++) {
			if (states.blocked[i] > states.blocked[most])
				most = i;
		}
		if (!states.blocked[most])
			break;
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s %.0f %%", used ? ", " : "",
			most ? sample_wait_name(most) : "unknown",
			100.0 * (double)states.blocked[most] / (double)states.samples);
		if (used >= sizeof(text))
			break;
		states.blocked[most] = 0;
	}
	canvas_put(canvas, row, column, BLOCKED_COLUMNS, CANVAS_PLAIN, text);
}

static enum canvas_style style_of(const struct sample *sample)
{
	if (sample->flags & SAMPLE_RUNNING)
		return CANVAS_GOOD;
	return sample->flags & SAMPLE_WAITS_GIL ? CANVAS_WARM : CANVAS_DIM;
}

static void draw_state(const struct live *live, uint32_t number, struct canvas *canvas, int row,
		       int column)
{
	const struct live_thread *thread = live_thread(live, number);
	bool is_there = live_thread_is_there(live, number);

	if (thread->rest)
		return;
	canvas_put(canvas, row, column, STATE_COLUMNS - 1,
		   is_there ? style_of(&thread->last) : CANVAS_DIM,
		   is_there ? live_state_text(&thread->last) : "ended");
}

static void draw_number(struct canvas *canvas, int row, int column, pid_t number)
{
	char text[16] = "-";

	if (number)
		snprintf(text, sizeof(text), "%d", (int)number);
	canvas_put_right(canvas, row, column, TID_COLUMNS - 1, CANVAS_PLAIN, text);
}

static void draw_text(struct board *board, const struct board_row *item, struct canvas *canvas,
		      int row, int column)
{
	const struct live *live = board_live(board);
	const struct live_thread *thread = live_thread(live, item->number);
	bool wide = canvas->columns >= WHERE_FROM;

	draw_state(live, item->number, canvas, row, column);
	column += STATE_COLUMNS;
	draw_number(canvas, row, column, thread->tid);
	column += TID_COLUMNS;
	if (many_processes(live)) {
		const struct live_process *process = live_process(live, thread->process);

		draw_number(canvas, row, column, process ? process->pid : 0);
		column += TID_COLUMNS;
	}
	canvas_put(canvas, row, column, wide ? NAME_COLUMNS : canvas->columns, CANVAS_PLAIN,
		   name_of(thread));
	column += NAME_COLUMNS + 1;
	if (canvas->columns >= BLOCKED_FROM) {
		draw_blocked(board, item->number, canvas, row, column);
		column += BLOCKED_COLUMNS + 1;
	}
	if (wide && live_thread_is_there(live, item->number)) {
		spots_reach(board->spots, SPOT_LINE, thread->last.stack);
		pane_draw_spot(canvas, row, column,
			       spots_get(board->spots, SPOT_LINE,
					 spots_of(board->spots, SPOT_LINE, thread->last.stack)));
	}
}

static void enter(struct board *board, const struct board_row *item)
{
	const struct live_thread *thread = live_thread(board_live(board), item->number);

	if (thread->rest)
		return;
	board->focus.one_process = true;
	board->focus.process = thread->process;
	board->focus.tid = thread->tid;
	memcpy(board->focus.name, thread->name, sizeof(board->focus.name));
	board->pane = PANE_SPOTS;
	list_home(&board->lists[PANE_SPOTS]);
}

const struct pane pane_threads = {
	.columns =
		{
			[RUNNING] = {"%Run", "running", 7, PANE_SHARE},
			[HOLDS_GIL] = {"%GIL", "holding the GIL", 7, PANE_SHARE},
			[WAITS_GIL] = {"%Wait", "waiting for the GIL", 7, PANE_SHARE},
			[BLOCKED] = {"%Block", "blocked", 8, PANE_SHARE},
		},
	.column_count = COLUMNS,
	.gather = gather,
	.draw_title = draw_title,
	.draw_text = draw_text,
	.enter = enter,
	.keys = "q quit  ? help  T functions  Enter only this one  / filter  < > sort  p pause",
};
