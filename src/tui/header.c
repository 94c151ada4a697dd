#include <stdio.h>

#include "base/text.h"
#include "tui/pane.h"

#define GAP        2
#define PARTS_MAX  8
#define PART_BYTES 160

/* Texts in a row, one behind the other; where they do not fit, an ellipsis says so. */
struct flow {
	struct {
		const char *text; /* own, or borrowed until it is drawn */
		char own[PART_BYTES];
		enum canvas_style style;
	} parts[PARTS_MAX];
	unsigned count;
};

static void flow_borrow(struct flow *flow, enum canvas_style style, const char *text)
{
	if (!*text || flow->count == PARTS_MAX)
		return;
	flow->parts[flow->count].text = text;
	flow->parts[flow->count++].style = style;
}

static void flow_put(struct flow *flow, enum canvas_style style, const char *text)
{
	if (flow->count == PARTS_MAX)
		return;
	snprintf(flow->parts[flow->count].own, PART_BYTES, "%s", text);
	flow_borrow(flow, style, flow->parts[flow->count].own);
}

static void flow_draw(const struct flow *flow, struct canvas *canvas, int row)
{
	int column = 0;

	for (unsigned i = 0; i < flow->count; i++) {
		bool last = i + 1 == flow->count;
		int wanted = canvas_columns(flow->parts[i].text);
		/* What is followed leaves room for an ellipsis behind it, or is cut itself. */
		bool fits = column + wanted <= canvas->columns - (last ? 0 : GAP + 1);

		canvas_put(canvas, row, column, fits || last ? canvas->columns : wanted - 1,
			   flow->parts[i].style, flow->parts[i].text);
		if (!fits)
			return;
		column += wanted + GAP;
	}
}

/* Columns that are left behind what is in it. */
static int flow_room(const struct flow *flow, const struct canvas *canvas)
{
	int used = 0;

	for (unsigned i = 0; i < flow->count; i++)
		used += canvas_columns(flow->parts[i].text) + GAP;
	return canvas->columns - used;
}

static void flow_count(struct flow *flow, enum canvas_style style, uint64_t count, const char *what)
{
	char number[32], text[96];

	snprintf(text, sizeof(text), "%s %s", text_count(count, number, sizeof(number)), what);
	flow_put(flow, style, text);
}

/* The process that was asked for. */
static const struct live_process *first_process(const struct live *live)
{
	return live_process(live, 0);
}

static void draw_who(const struct board *board, struct canvas *canvas)
{
	const struct live *live = board_live(board);
	const struct live_process *process = first_process(live);
	struct flow flow = {0};
	unsigned others = 0;
	char text[64];

	flow_put(&flow, CANVAS_BOLD, "sonde top");
	if (!process) {
		snprintf(text, sizeof(text), "PID %d", (int)board->facts.pid);
		flow_put(&flow, CANVAS_PLAIN, text);
		flow_put(&flow, CANVAS_WARM, "no Python was seen in it yet");
		flow_draw(&flow, canvas, 0);
		return;
	}
	for (uint32_t i = 1; i < live_processes(live); i++)
		others += live_process(live, i) && !live_process(live, i)->ended;
	snprintf(text, sizeof(text), "PID %d", (int)process->pid);
	flow_put(&flow, CANVAS_PLAIN, text);
	if (others) {
		snprintf(text, sizeof(text), "and %u more", others);
		flow_put(&flow, CANVAS_PLAIN, text);
	}
	snprintf(text, sizeof(text), "Python %s", process->python_version);
	flow_put(&flow, CANVAS_PLAIN, process->python_version[0] ? text : "");
	flow_borrow(&flow, CANVAS_PLAIN, pane_command(process->command, flow_room(&flow, canvas)));
	flow_draw(&flow, canvas, 0);
}

static void draw_how(const struct board *board, struct canvas *canvas)
{
	const struct feed_facts *facts = &board->facts;
	double reached = live_rate_hz(board_live(board), LIVE_WINDOW);
	struct flow flow = {0};
	char number[32], text[96];

	snprintf(text, sizeof(text), "watched %s",
		 text_duration(facts->now_ns, number, sizeof(number)));
	flow_put(&flow, CANVAS_PLAIN, text);
	snprintf(text, sizeof(text), "reached %.*f of %g Hz", reached < 99.95 ? 1 : 0, reached,
		 facts->rate_hz);
	flow_put(&flow, CANVAS_PLAIN, text);
	flow_count(&flow, facts->rounds_missed ? CANVAS_WARM : CANVAS_PLAIN, facts->rounds_missed,
		   "missed");
	if (facts->dropped)
		flow_count(&flow, CANVAS_BAD, facts->dropped, "dropped");
	if (facts->unreadable)
		flow_count(&flow, CANVAS_WARM, facts->unreadable, "unreadable");
	flow_count(&flow, CANVAS_PLAIN, live_samples(board_live(board)), "samples");
	flow_draw(&flow, canvas, 1);
}

static double gil_share(const struct live *live, enum live_span span)
{
	double held_ns = 0;

	for (uint32_t i = 0; i < live_processes(live); i++) {
		struct live_states states;

		live_process_states(live, i, span, &states);
		held_ns += (double)states.holds_gil * live_sample_ns(live, i, span);
	}
	return pane_share(held_ns, live_watched_ns(live, span));
}

static void draw_what(const struct board *board, struct canvas *canvas)
{
	const struct live *live = board_live(board);
	struct live_now now = live_now(live);
	struct flow flow = {0};
	char number[32], text[128];

	snprintf(text, sizeof(text), "CPU %s",
		 board->facts.cpu < 0 ? "-"
				      : text_percent(board->facts.cpu, number, sizeof(number)));
	flow_put(&flow, CANVAS_PLAIN, text);
	snprintf(text, sizeof(text), "GIL held %s",
		 text_percent(gil_share(live, board->span), number, sizeof(number)));
	flow_put(&flow, CANVAS_PLAIN, text);
	snprintf(text, sizeof(text), "%u thread%s: %u run, %u want the GIL, %u blocked",
		 now.threads, now.threads == 1 ? "" : "s", now.running, now.waits_gil, now.blocked);
	flow_put(&flow, CANVAS_PLAIN, text);
	flow_draw(&flow, canvas, 2);
}

static void draw_focus(const struct board *board, struct flow *flow)
{
	const struct live_process *process = live_process(board_live(board), board->focus.process);
	char text[128];

	if (!board->focus.one_process)
		return;
	if (board->focus.tid)
		snprintf(text, sizeof(text), "only thread %d %s", (int)board->focus.tid,
			 board->focus.name);
	else
		snprintf(text, sizeof(text), "only process %d", process ? (int)process->pid : 0);
	flow_put(flow, CANVAS_BOLD, text);
}

static void draw_view(const struct board *board, struct canvas *canvas)
{
	static const char *const metrics[LIVE_METRICS] = {
		[LIVE_CPU] = "CPU time",
		[LIVE_WALL] = "wall time",
		[LIVE_GIL] = "time with the GIL",
	};
	static const char *const subjects[PANES] = {
		[PANE_THREADS] = "threads",
		[PANE_PROCESSES] = "processes",
	};
	const struct pane *pane = pane_of(board->pane);
	struct flow flow = {0};
	char span[48], text[PART_BYTES];

	snprintf(span, sizeof(span), "last %g s", (double)board->options.window_ns / 1e9);
	if (board->span == LIVE_ALL)
		snprintf(span, sizeof(span), "since the start");
	if (subjects[board->pane])
		snprintf(text, sizeof(text), "%s, %s, by %s", subjects[board->pane], span,
			 pane->columns[board->sort[board->pane]].meaning);
	else
		snprintf(text, sizeof(text), "%s of %s, %s, by %s", metrics[board->metric],
			 board->level == SPOT_LINE ? "lines" : "functions", span,
			 pane->columns[board->sort[board->pane]].meaning);
	flow_put(&flow, CANVAS_PLAIN, text);
	if (board->frozen)
		flow_put(&flow, CANVAS_BAD, "PAUSED");
	draw_focus(board, &flow);
	if (board->filter.bytes) {
		snprintf(text, sizeof(text), "only with \"%s\"", board->filter.text);
		flow_put(&flow, CANVAS_BOLD, text);
	}
	if (!board->options.plain) {
		snprintf(text, sizeof(text), "every %g s", (double)board_interval_ns(board) / 1e9);
		flow_put(&flow, CANVAS_DIM, text);
	}
	flow_draw(&flow, canvas, 3);
}

void header_draw(struct board *board, struct canvas *canvas)
{
	draw_who(board, canvas);
	draw_how(board, canvas);
	draw_what(board, canvas);
	draw_view(board, canvas);
}
