#include "tui/pane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const struct pane *pane_of(enum board_pane pane)
{
	static const struct pane *const panes[PANES] = {
		[PANE_SPOTS] = &pane_spots,
		[PANE_CALLERS] = &pane_callers,
		[PANE_THREADS] = &pane_threads,
		[PANE_PROCESSES] = &pane_processes,
	};

	return panes[pane];
}

struct board_row *pane_add(struct board *board, uint64_t id, uint32_t number)
{
	struct board_table *table = &board->table;
	struct board_row *row;

	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->rows = reallocarray(table->rows, table->room, sizeof(*table->rows));
		table->ids = reallocarray(table->ids, table->room, sizeof(*table->ids));
		if (!table->rows || !table->ids)
			abort();
	}
	row = &table->rows[table->count++];
	*row = (struct board_row){.id = id, .number = number};
	return row;
}

double pane_share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

const char *pane_command(const char *command, int columns)
{
	size_t word = strcspn(command, " ");
	const char *slash = memrchr(command, '/', word);

	return slash && canvas_columns(command) > columns ? slash + 1 : command;
}

#define PLACE_COLUMNS_MIN 8 /* of which the end still says something */

/* The longest end of a path that takes at most so many columns, from a folder on if that can be;
 * what is left out there is told by an ellipsis, unless it is a bare name. NULL: nothing fits. */
static const char *fit_path(const char *path, int columns, bool *ellipsis)
{
	const char *slash = path;

	*ellipsis = false;
	if (canvas_columns(path) <= columns)
		return path;
	*ellipsis = true;
	while ((slash = strchr(slash + 1, '/'))) {
		if (canvas_columns(slash) + 1 <= columns)
			return slash;
	}
	slash = strrchr(path, '/');
	if (slash && canvas_columns(slash + 1) <= columns) {
		*ellipsis = false;
		return slash + 1;
	}
	if (columns < PLACE_COLUMNS_MIN)
		return NULL;
	while (canvas_columns(path) + 1 > columns) {
		uint32_t c;
		size_t length = text_decode(path, strlen(path), &c);

		path += length ? length : 1;
	}
	return path;
}

void pane_draw_spot(struct canvas *canvas, int row, int column, const struct spot *spot)
{
	char place[4096], text[sizeof(place) + 16];
	int function = canvas_columns(spot->function);
	int room = canvas->columns - column - function - 3;
	bool ellipsis;
	const char *fitting;

	column += canvas_put(canvas, row, column, canvas->columns, CANVAS_PLAIN, spot->function);
	if (!spot->file[0])
		return;
	if (spot->line)
		snprintf(place, sizeof(place), "%s:%u", spot->file, spot->line);
	else
		snprintf(place, sizeof(place), "%s", spot->file);
	fitting = room > 0 ? fit_path(place, room, &ellipsis) : NULL;
	if (!fitting)
		return;
	snprintf(text, sizeof(text), " (%s%s)", ellipsis ? "\u2026" : "", fitting);
	canvas_put(canvas, row, column, canvas->columns, CANVAS_DIM, text);
}
