#include "tui/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_MAX      (64u << 20)
#define REPLACEMENT   "\xef\xbf\xbd"
#define ELLIPSIS      "\u2026"
#define FORMATTED_MAX 1024

static const char *const sequences[CANVAS_STYLES] = {
	[CANVAS_PLAIN] = "",         [CANVAS_BOLD] = "\033[1m",    [CANVAS_DIM] = "\033[2m",
	[CANVAS_HOT] = "\033[1;31m", [CANVAS_WARM] = "\033[33m",   [CANVAS_GOOD] = "\033[32m",
	[CANVAS_BAD] = "\033[1;31m", [CANVAS_HEADING] = "\033[7m", [CANVAS_SELECTED] = "\033[7m",
};

void canvas_init(struct canvas *canvas)
{
	*canvas = (struct canvas){.cursor_row = -1};
	buffer_init(&canvas->text, TEXT_MAX);
}

void canvas_deinit(struct canvas *canvas)
{
	free(canvas->runs);
	free(canvas->row_styles);
	buffer_deinit(&canvas->text);
	*canvas = (struct canvas){0};
}

void canvas_clear(struct canvas *canvas, int rows, int columns)
{
	canvas->rows = rows > 0 ? rows : 0;
	canvas->columns = columns > 0 ? columns : 0;
	canvas->count = 0;
	canvas->cursor_row = -1;
	buffer_clear(&canvas->text);
	if (canvas->rows > canvas->row_room) {
		canvas->row_styles = realloc(canvas->row_styles, (size_t)canvas->rows);
		if (!canvas->row_styles)
			abort();
		canvas->row_room = canvas->rows;
	}
	if (canvas->rows)
		memset(canvas->row_styles, CANVAS_PLAIN, (size_t)canvas->rows);
}

static bool turns_direction(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The next character as it is shown, with its columns; returns the bytes it takes in `text`. */
static size_t next_shown(const char *text, size_t bytes, char shown[8], int *columns)
{
	uint32_t c = 0;
	size_t taken = text_decode(text, bytes, &c);

	if (!taken || c < 0x20 || (c >= 0x7f && c < 0xa0) || turns_direction(c)) {
		memcpy(shown, REPLACEMENT, sizeof(REPLACEMENT));
		taken = taken ? taken : 1;
	} else {
		memcpy(shown, text, taken);
		shown[taken] = '\0';
	}
	*columns = (int)text_columns(shown);
	return taken;
}

int canvas_columns(const char *text)
{
	size_t bytes = strlen(text);
	char shown[8];
	int width, columns = 0;

	while (bytes) {
		size_t taken = next_shown(text, bytes, shown, &width);

		columns += width;
		text += taken;
		bytes -= taken;
	}
	return columns;
}

/* Adds what fits in `columns`; returns the columns taken. */
static int add_shown(struct canvas *canvas, const char *text, int columns)
{
	bool cut = canvas_columns(text) > columns;
	int room = cut ? columns - 1 : columns, used = 0, width;
	size_t bytes = strlen(text);
	char shown[8];

	while (bytes) {
		size_t taken = next_shown(text, bytes, shown, &width);

		if (used + width > room)
			break;
		buffer_add(&canvas->text, shown, strlen(shown));
		used += width;
		text += taken;
		bytes -= taken;
	}
	if (cut) {
		buffer_add(&canvas->text, ELLIPSIS, strlen(ELLIPSIS));
		used++;
	}
	return used;
}

int canvas_put(struct canvas *canvas, int row, int column, int columns, enum canvas_style style,
	       const char *text)
{
	struct canvas_run run = {.row = row, .column = column, .style = style};

	if (columns > canvas->columns - column)
		columns = canvas->columns - column;
	if (row < 0 || row >= canvas->rows || column < 0 || columns <= 0 || !*text)
		return 0;
	run.offset = canvas->text.used;
	run.columns = add_shown(canvas, text, columns);
	run.bytes = canvas->text.used - run.offset;
	if (canvas->text.failed)
		abort();
	if (canvas->count == canvas->room) {
		canvas->room = canvas->room ? 2 * canvas->room : 256;
		canvas->runs = reallocarray(canvas->runs, canvas->room, sizeof(*canvas->runs));
		if (!canvas->runs)
			abort();
	}
	canvas->runs[canvas->count++] = run;
	return run.columns;
}

void canvas_put_right(struct canvas *canvas, int row, int column, int columns,
		      enum canvas_style style, const char *text)
{
	int width = canvas_columns(text);

	if (width > columns)
		width = columns;
	canvas_put(canvas, row, column + columns - width, width, style, text);
}

int canvas_format(struct canvas *canvas, int row, int column, enum canvas_style style,
		  const char *format, ...)
{
	char text[FORMATTED_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return canvas_put(canvas, row, column, canvas->columns, style, text);
}

void canvas_style_row(struct canvas *canvas, int row, enum canvas_style style)
{
	if (row >= 0 && row < canvas->rows)
		canvas->row_styles[row] = (uint8_t)style;
}

static void write_run(const struct canvas *canvas, const struct canvas_run *run, int column,
		      bool color, FILE *out)
{
	enum canvas_style style = canvas->row_styles[run->row];

	if (style == CANVAS_PLAIN)
		style = run->style;
	if (run->column > column)
		fprintf(out, "%*s", run->column - column, "");
	if (color)
		fputs(sequences[style], out);
	fwrite(canvas->text.data + run->offset, 1, run->bytes, out);
	if (color && style != CANVAS_PLAIN)
		fputs("\033[0m", out);
}

static int compare_runs(const void *a, const void *b)
{
	const struct canvas_run *left = a, *right = b;

	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	return left->column < right->column ? -1 : left->column > right->column;
}

void canvas_sort(struct canvas *canvas)
{
	if (canvas->count)
		qsort(canvas->runs, canvas->count, sizeof(*canvas->runs), compare_runs);
}

void canvas_write(struct canvas *canvas, bool color, FILE *out)
{
	int row = 0, column = 0;

	canvas_sort(canvas);
	for (size_t i = 0; i < canvas->count; i++) {
		const struct canvas_run *run = &canvas->runs[i];

		for (; row < run->row; row++, column = 0)
			fputc('\n', out);
		write_run(canvas, run, column, color, out);
		column = run->column + run->columns;
	}
	if (canvas->count)
		fputc('\n', out);
}
