#include "tui/loop.h"

#include <time.h>

#include "tui/keys.h"
#include "tui/pane.h"

#define PULL_NS      50000000ull /* between two looks at the queue, however seldom it is drawn */
#define FOREVER_NS   3600000000000ull
#define TEXT_COLUMNS 16384 /* where there is no limit */
#define TEXT_ROWS    1000000

struct loop {
	struct board *board;
	const struct feed *feed;
	struct events *events;
	const struct loop_options *options;
	struct canvas canvas;
	struct loop_result result;
	uint64_t now_ns, begun_ns, due_ns;
	uint64_t drawn;
	bool over;
	bool ended;  /* what was fed, and the last of it was taken */
	bool redraw; /* of everything */
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void loop_end(struct loop *loop, enum loop_end end)
{
	loop->over = true;
	loop->result.end = end;
}

static void loop_draw_text(struct loop *loop)
{
	const struct loop_options *options = loop->options;
	size_t rows = loop->board->options.rows;

	if (rows == 0 || rows > TEXT_ROWS)
		rows = TEXT_ROWS;
	/* One row says how many more there are. */
	canvas_clear(&loop->canvas, HEADER_ROWS + 1 + (int)rows + 1,
		     options->columns ? options->columns : TEXT_COLUMNS);
	board_draw(loop->board, &loop->canvas);
	if (loop->drawn)
		fputc('\n', options->out);
	canvas_write(&loop->canvas, options->color, options->out);
	if (fflush(options->out) != 0 || ferror(options->out))
		loop_end(loop, LOOP_CLOSED);
}

static void loop_draw_screen(struct loop *loop)
{
	int rows, columns;

	screen_measure(loop->options->screen, &rows, &columns);
	canvas_clear(&loop->canvas, rows, columns);
	board_draw(loop->board, &loop->canvas);
	screen_paint(loop->options->screen, &loop->canvas, loop->redraw);
	loop->redraw = false;
}

static void loop_draw(struct loop *loop)
{
	if (loop->options->screen)
		loop_draw_screen(loop);
	else
		loop_draw_text(loop);
	loop->drawn++;
	/* On a grid, but never to catch up. */
	loop->due_ns += board_interval_ns(loop->board);
	if (loop->due_ns <= loop->now_ns)
		loop->due_ns = loop->now_ns + board_interval_ns(loop->board);
	if (loop->options->iterations && loop->drawn >= loop->options->iterations && !loop->over)
		loop_end(loop, LOOP_ENOUGH);
}

static void loop_take(struct loop *loop)
{
	struct board *board = loop->board;

	if (loop->ended)
		return;
	loop->feed->pull(board->live, loop->feed->data);
	board_look(board, loop->feed);
	if (board->facts.ended) {
		/* What came between the last pull and the end. */
		loop->feed->pull(board->live, loop->feed->data);
		loop->ended = true;
		loop->due_ns = loop->now_ns;
		return;
	}
	if (!board->frozen)
		live_advance(board->live, board->facts.now_ns);
}

static void loop_suspend(struct loop *loop)
{
	if (loop->options->screen)
		screen_suspend(loop->options->screen);
	events_stop_here();
	if (loop->options->screen)
		screen_resume(loop->options->screen);
	loop->redraw = true;
	loop->due_ns = loop->now_ns;
}

static void loop_signal(struct loop *loop, const struct occurrence *event)
{
	switch (event->signal) {
	case SIGWINCH:
		loop->due_ns = loop->now_ns;
		break;
	case SIGTSTP:
		loop_suspend(loop);
		break;
	case SIGCHLD:
	case SIGPIPE:
		break;
	default:
		loop->result.signal = event->signal;
		loop->result.by_terminal = event->by_terminal;
		loop_end(loop, LOOP_SIGNAL);
		break;
	}
}

static void loop_keys(struct loop *loop)
{
	uint32_t key;

	while (screen_key(loop->options->screen, &key)) {
		if (key == KEY_OF_REDRAW)
			loop->redraw = true;
		else if (!board_key(loop->board, key))
			loop_end(loop, LOOP_QUIT);
		loop->due_ns = loop->now_ns;
	}
}

static void loop_wait(struct loop *loop)
{
	uint64_t wait_ns = loop->due_ns > loop->now_ns ? loop->due_ns - loop->now_ns : 0;
	int fd = loop->options->screen ? screen_fd(loop->options->screen) : -1;
	struct occurrence event;

	if (loop->ended)
		wait_ns = FOREVER_NS;
	else if (wait_ns > PULL_NS)
		wait_ns = PULL_NS;
	event = events_wait(loop->events, fd, wait_ns);
	loop->now_ns = clock_ns();
	if (event.signal)
		loop_signal(loop, &event);
	if (event.readable && !loop->over)
		loop_keys(loop);
	if (event.gone && !loop->over) {
		loop->result.signal = SIGHUP;
		loop_end(loop, LOOP_SIGNAL);
	}
}

static bool loop_is_due(const struct loop *loop)
{
	return loop->now_ns >= loop->due_ns;
}

struct loop_result loop_run(struct board *board, const struct feed *feed, struct events *events,
			    const struct loop_options *options)
{
	struct loop loop = {
		.board = board,
		.feed = feed,
		.events = events,
		.options = options,
		.begun_ns = clock_ns(),
	};

	canvas_init(&loop.canvas);
	loop.now_ns = loop.due_ns = loop.begun_ns;
	/* Text begins when there is something to tell. */
	if (!options->screen)
		loop.due_ns += board_interval_ns(board);
	while (!loop.over) {
		loop_take(&loop);
		if (loop_is_due(&loop))
			loop_draw(&loop);
		if (!loop.over && loop.ended && (!options->screen || !options->stay))
			loop_end(&loop, LOOP_ENDED);
		if (!loop.over && options->duration_ns &&
		    loop.now_ns - loop.begun_ns >= options->duration_ns)
			loop_end(&loop, LOOP_ENOUGH);
		if (!loop.over)
			loop_wait(&loop);
	}
	canvas_deinit(&loop.canvas);
	return loop.result;
}
