#include "tui/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/keys.h"
#include "tui/pane.h"

#define HOT_SHARE    0.2
#define WARM_SHARE   0.05
#define SECONDS_WIDE 99999.99 /* what a column of seconds has room for, with hundredths */

static const uint64_t intervals_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};

#define INTERVALS (sizeof(intervals_ms) / sizeof(intervals_ms[0]))

void board_init(struct board *board, const struct board_options *options, struct live *live,
		struct trace_tree *tree)
{
	*board = (struct board){
		.options = *options,
		.live = live,
		.spots = spots_create(tree),
		.pane = options->pane,
		.metric = options->metric,
		.level = options->level,
		.facts = {.cpu = -1},
	};
	ranking_init(&board->ranking);
}

void board_deinit(struct board *board)
{
	live_destroy(board->frozen);
	spots_destroy(board->spots);
	ranking_deinit(&board->ranking);
	ranking_rows_deinit(&board->callers);
	free(board->table.rows);
	free(board->table.ids);
	*board = (struct board){0};
}

const struct live *board_live(const struct board *board)
{
	return board->frozen ? board->frozen : board->live;
}

uint64_t board_interval_ns(const struct board *board)
{
	return board->options.interval_ns;
}

void board_look(struct board *board, const struct feed *feed)
{
	struct feed_facts facts = board->facts;

	feed->look(&facts, feed->data);
	if (!board->frozen) {
		board->facts = facts;
		return;
	}
	/* That it has ended is no part of the picture. */
	board->facts.ended = facts.ended;
	memcpy(board->facts.end, facts.end, sizeof(facts.end));
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct board_row *left = a, *right = b;
	unsigned first = *(unsigned *)data;

	for (unsigned i = 0; i <= BOARD_VALUES; i++) {
		unsigned column = i ? i - 1 : first;

		if (left->values[column] != right->values[column])
			return left->values[column] < right->values[column] ? 1 : -1;
	}
	return left->id < right->id ? -1 : left->id > right->id;
}

static void board_gather(struct board *board)
{
	struct board_table *table = &board->table;

	table->count = 0;
	pane_of(board->pane)->gather(board);
	if (table->count)
		qsort_r(table->rows, table->count, sizeof(*table->rows), compare_rows,
			&board->sort[board->pane]);
	for (size_t i = 0; i < table->count; i++)
		table->ids[i] = table->rows[i].id;
	list_settle(&board->lists[board->pane], table->ids, table->count, table->page);
}

static void format_value(const struct pane_column *column, double value, char *text, size_t size)
{
	if (column->kind == PANE_SHARE)
		snprintf(text, size, "%.1f", value * 100);
	else if (column->kind == PANE_COUNT)
		snprintf(text, size, "%.0f", value);
	else
		snprintf(text, size, value < SECONDS_WIDE ? "%.2f s" : "%.0f s", value);
}

static enum canvas_style value_style(const struct pane_column *column, double value)
{
	if (column->kind != PANE_SHARE || value < WARM_SHARE)
		return CANVAS_PLAIN;
	return value < HOT_SHARE ? CANVAS_WARM : CANVAS_HOT;
}

static void draw_headings(const struct board *board, struct canvas *canvas, int row)
{
	const struct pane *pane = pane_of(board->pane);
	int column = 0;

	canvas_style_row(canvas, row, CANVAS_HEADING);
	for (unsigned i = 0; i < pane->column_count; i++) {
		canvas_put_right(canvas, row, column, pane->columns[i].columns,
				 i == board->sort[board->pane] ? CANVAS_BOLD : CANVAS_PLAIN,
				 pane->columns[i].title);
		column += pane->columns[i].columns;
	}
	pane->draw_title(board, canvas, row, column + 2);
}

static void draw_item(struct board *board, const struct board_row *item, struct canvas *canvas,
		      int row)
{
	const struct pane *pane = pane_of(board->pane);
	int column = 0;

	for (unsigned i = 0; i < pane->column_count; i++) {
		char text[48];

		format_value(&pane->columns[i], item->values[i], text, sizeof(text));
		canvas_put_right(canvas, row, column, pane->columns[i].columns,
				 value_style(&pane->columns[i], item->values[i]), text);
		column += pane->columns[i].columns;
	}
	pane->draw_text(board, item, canvas, row, column + 2);
}

static void draw_table(struct board *board, struct canvas *canvas, int row)
{
	const struct board_table *table = &board->table;
	const struct list *list = &board->lists[board->pane];

	for (size_t i = 0; i < table->page && list->top + i < table->count; i++, row++) {
		if (list->top + i == list->cursor && !board->options.plain)
			canvas_style_row(canvas, row, CANVAS_SELECTED);
		draw_item(board, &table->rows[list->top + i], canvas, row);
	}
	if (!board->options.plain || list->top + table->page >= table->count)
		return;
	canvas_format(canvas, row, 2, CANVAS_DIM, "and %zu more",
		      table->count - list->top - table->page);
}

static void draw_footer(const struct board *board, struct canvas *canvas)
{
	const struct pane *pane = pane_of(board->pane);
	int row = canvas->rows - 1, column;
	const char *keys;

	if (board->filter.editing) {
		column = canvas_put(canvas, row, 0, canvas->columns, CANVAS_BOLD, "only with: ");
		column += canvas_put(canvas, row, column, canvas->columns - column - 1,
				     CANVAS_PLAIN, board->filter.text);
		canvas->cursor_row = row;
		canvas->cursor_column = column;
		return;
	}
	if (board->facts.ended) {
		canvas_format(canvas, row, 0, CANVAS_BAD, "%s; q quits", board->facts.end);
		return;
	}
	keys = board->level == SPOT_LINE && pane->line_keys ? pane->line_keys : pane->keys;
	canvas_put(canvas, row, 0, canvas->columns, CANVAS_DIM, keys);
}

void board_draw(struct board *board, struct canvas *canvas)
{
	int rows = canvas->rows - HEADER_ROWS - 1;

	if (board->help) {
		keys_draw(canvas);
		return;
	}
	if (!board->options.plain)
		rows--;
	board->table.page = rows > 0 ? (size_t)rows : 0;
	if (board->options.rows && board->table.page > board->options.rows)
		board->table.page = board->options.rows;
	board_gather(board);
	header_draw(board, canvas);
	draw_headings(board, canvas, HEADER_ROWS);
	draw_table(board, canvas, HEADER_ROWS + 1);
	if (!board->options.plain)
		draw_footer(board, canvas);
}

static void board_pause(struct board *board)
{
	if (board->frozen) {
		live_destroy(board->frozen);
		board->frozen = NULL;
	} else {
		board->frozen = live_copy(board->live);
	}
}

static void board_reset(struct board *board)
{
	live_reset(board->live);
	live_destroy(board->frozen);
	board->frozen = NULL;
}

static void board_change_interval(struct board *board, bool shorter)
{
	uint64_t *interval_ns = &board->options.interval_ns;

	for (size_t i = 0; i < INTERVALS; i++) {
		uint64_t next_ns = intervals_ms[shorter ? INTERVALS - 1 - i : i] * 1000000;

		if (shorter ? next_ns < *interval_ns : next_ns > *interval_ns) {
			*interval_ns = next_ns;
			return;
		}
	}
}

static void board_show(struct board *board, enum board_pane pane)
{
	board->pane = board->pane == pane ? PANE_SPOTS : pane;
}

/* Spots of the other level are other spots. */
static void board_change_level(struct board *board)
{
	board->level = board->level == SPOT_LINE ? SPOT_FUNCTION : SPOT_LINE;
	list_home(&board->lists[PANE_SPOTS]);
	list_home(&board->lists[PANE_CALLERS]);
	board->path_count = 0;
	if (board->pane == PANE_CALLERS)
		board->pane = PANE_SPOTS;
}

static void board_sort(struct board *board, unsigned column)
{
	if (column < pane_of(board->pane)->column_count)
		board->sort[board->pane] = column;
	list_home(&board->lists[board->pane]);
}

static void board_back(struct board *board)
{
	if (board->pane == PANE_CALLERS) {
		if (--board->path_count == 0)
			board->pane = PANE_SPOTS;
		list_home(&board->lists[PANE_CALLERS]);
	} else if (board->filter.bytes) {
		needle_clear(&board->filter);
	} else if (board->focus.one_process) {
		board->focus.one_process = false;
		board->focus.tid = 0;
	} else {
		board->pane = PANE_SPOTS;
	}
}

static void board_enter(struct board *board)
{
	const struct board_table *table = &board->table;
	size_t cursor = board->lists[board->pane].cursor;

	if (cursor < table->count)
		pane_of(board->pane)->enter(board, &table->rows[cursor]);
}

static void board_move(struct board *board, long rows)
{
	list_move(&board->lists[board->pane], rows, board->table.ids, board->table.count);
}

static bool board_key_moves(struct board *board, uint32_t key)
{
	long page = board->table.page > 1 ? (long)board->table.page - 1 : 1;

	switch (key) {
	case KEY_OF_UP:
	case 'k':
		board_move(board, -1);
		return true;
	case KEY_OF_DOWN:
	case 'j':
		board_move(board, 1);
		return true;
	case KEY_OF_PAGE_UP:
		board_move(board, -page);
		return true;
	case KEY_OF_PAGE_DOWN:
		board_move(board, page);
		return true;
	case KEY_OF_HOME:
		list_home(&board->lists[board->pane]);
		return true;
	case KEY_OF_END:
		board_move(board, (long)board->table.count);
		return true;
	default:
		return false;
	}
}

/* What is shown, and of what. */
static bool board_key_chooses(struct board *board, uint32_t key)
{
	unsigned columns = pane_of(board->pane)->column_count;

	switch (key) {
	case 'F':
	case 'f':
		board_change_level(board);
		return true;
	case 'T':
	case 't':
		board_show(board, PANE_THREADS);
		return true;
	case 'P':
		board_show(board, PANE_PROCESSES);
		return true;
	case 'm':
		board->metric = (board->metric + 1) % LIVE_METRICS;
		return true;
	case 'c':
		board->metric = LIVE_CPU;
		return true;
	case 'w':
		board->metric = LIVE_WALL;
		return true;
	case 'g':
		board->metric = LIVE_GIL;
		return true;
	case 's':
		board->span = board->span == LIVE_ALL ? LIVE_WINDOW : LIVE_ALL;
		return true;
	case '<':
		board_sort(board, (board->sort[board->pane] + columns - 1) % columns);
		return true;
	case '>':
		board_sort(board, (board->sort[board->pane] + 1) % columns);
		return true;
	default:
		if (key >= '1' && key < '1' + BOARD_VALUES)
			board_sort(board, key - '1');
		return key >= '1' && key < '1' + BOARD_VALUES;
	}
}

static void board_key_acts(struct board *board, uint32_t key)
{
	switch (key) {
	case KEY_OF_ENTER:
	case '\n':
		board_enter(board);
		break;
	case KEY_OF_ESCAPE:
	case KEY_OF_BACKSPACE:
		board_back(board);
		break;
	case '/':
		board->filter.editing = true;
		break;
	case 'p':
	case ' ':
		board_pause(board);
		break;
	case 'r':
		board_reset(board);
		break;
	case '+':
	case '=':
		board_change_interval(board, true);
		break;
	case '-':
		board_change_interval(board, false);
		break;
	case '?':
	case 'h':
	case KEY_OF_HELP:
		board->help = true;
		break;
	default:
		break;
	}
}

bool board_key(struct board *board, uint32_t key)
{
	if (board->help) {
		board->help = false;
		return true;
	}
	if (board->filter.editing) {
		needle_key(&board->filter, key);
		list_home(&board->lists[board->pane]);
		return true;
	}
	if (key == 'q' || key == 'Q')
		return false;
	if (!board_key_moves(board, key) && !board_key_chooses(board, key))
		board_key_acts(board, key);
	return true;
}
