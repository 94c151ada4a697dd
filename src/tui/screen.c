#include "tui/screen.h"

#include <curses.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"
#include "tui/capability.h"
#include "tui/keys.h"

#define ESCAPE_DELAY_MS 25
#define RUN_MAX         4096 /* columns of a run that are painted */

enum {
	PAIR_HOT = 1,
	PAIR_WARM,
	PAIR_GOOD,
};

struct screen {
	SCREEN *terminal;
	FILE *keyboard; /* NULL: stdin */
	bool color;
	bool utf8;
};

static FILE *open_keyboard(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? NULL : fdopen(fd, "r+");
}

static bool has_keyboard(void)
{
	int fd;

	if (isatty(STDIN_FILENO))
		return true;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool screen_is_possible(void)
{
	return isatty(STDOUT_FILENO) && has_keyboard() && capability_exists("cup");
}

static void take_terminal(struct screen *screen)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (screen->color && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_HOT, COLOR_RED, -1);
		init_pair(PAIR_WARM, COLOR_YELLOW, -1);
		init_pair(PAIR_GOOD, COLOR_GREEN, -1);
	} else {
		screen->color = false;
	}
}

int screen_open(bool color, struct screen **out, struct error *err)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		abort();
	/* Characters alone: numbers stay as they are. */
	screen->utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen->color = color;
	if (!isatty(STDIN_FILENO))
		screen->keyboard = open_keyboard();
	set_escdelay(ESCAPE_DELAY_MS);
	/* COLUMNS and LINES would stay when the window changes. */
	use_env(FALSE);
	screen->terminal = newterm(NULL, stdout, screen->keyboard ? screen->keyboard : stdin);
	if (!screen->terminal) {
		if (screen->keyboard)
			fclose(screen->keyboard);
		free(screen);
		return error_set(err, ERROR_UNSUPPORTED,
				 "the terminal cannot be painted; use --plain");
	}
	take_terminal(screen);
	*out = screen;
	return 0;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->terminal);
	if (screen->keyboard)
		fclose(screen->keyboard);
	free(screen);
}

void screen_suspend(struct screen *screen)
{
	(void)screen;
	endwin();
}

void screen_resume(struct screen *screen)
{
	(void)screen;
	clearok(curscr, TRUE);
	refresh();
}

void screen_measure(struct screen *screen, int *rows, int *columns)
{
	struct winsize size;

	(void)screen;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	*rows = LINES;
	*columns = COLS;
}

static attr_t attributes(const struct screen *screen, enum canvas_style style)
{
	switch (style) {
	case CANVAS_BOLD:
		return A_BOLD;
	case CANVAS_DIM:
		return A_DIM;
	case CANVAS_HOT:
	case CANVAS_BAD:
		return A_BOLD | (screen->color ? (attr_t)COLOR_PAIR(PAIR_HOT) : 0);
	case CANVAS_WARM:
		return screen->color ? (attr_t)COLOR_PAIR(PAIR_WARM) : A_BOLD;
	case CANVAS_GOOD:
		return screen->color ? (attr_t)COLOR_PAIR(PAIR_GOOD) : A_NORMAL;
	case CANVAS_HEADING:
	case CANVAS_SELECTED:
		return A_REVERSE;
	default:
		return A_NORMAL;
	}
}

/* A character as this terminal and its C library can show it, in the columns that we gave it. */
static int add_character(const struct screen *screen, uint32_t c, const char *utf8, wchar_t *out)
{
	int columns = (int)text_columns(utf8);

	if (c < 0x80 || (screen->utf8 && wcwidth((wchar_t)c) == columns)) {
		*out = (wchar_t)c;
		return 1;
	}
	for (int i = 0; i < columns; i++)
		out[i] = c == 0x2026 ? L'~' : L'?';
	return columns;
}

static void paint_run(const struct screen *screen, const struct canvas *canvas,
		      const struct canvas_run *run)
{
	const char *text = (const char *)canvas->text.data + run->offset;
	enum canvas_style of_row = canvas->row_styles[run->row];
	attr_t attribute = attributes(screen, run->style);
	wchar_t wide[RUN_MAX + 2];
	size_t bytes = run->bytes;
	int used = 0;

	if (of_row != CANVAS_PLAIN)
		attribute = attributes(screen, of_row) | (attribute & A_BOLD);
	while (bytes && used < RUN_MAX) {
		uint32_t c = 0;
		size_t length = text_decode(text, bytes, &c);
		char one[5] = "";

		memcpy(one, text, length);
		used += add_character(screen, c, one, wide + used);
		text += length;
		bytes -= length;
	}
	attrset((int)attribute);
	mvaddnwstr(run->row, run->column, wide, used);
}

void screen_paint(struct screen *screen, struct canvas *canvas, bool redraw)
{
	erase();
	canvas_sort(canvas);
	for (int row = 0; row < canvas->rows; row++) {
		if (canvas->row_styles[row] == CANVAS_PLAIN)
			continue;
		attrset((int)attributes(screen, canvas->row_styles[row]));
		mvhline(row, 0, ' ', canvas->columns);
	}
	for (size_t i = 0; i < canvas->count; i++)
		paint_run(screen, canvas, &canvas->runs[i]);
	attrset(A_NORMAL);
	curs_set(canvas->cursor_row >= 0);
	if (canvas->cursor_row >= 0)
		move(canvas->cursor_row, canvas->cursor_column);
	if (redraw)
		clearok(curscr, TRUE);
	refresh();
}

int screen_fd(const struct screen *screen)
{
	return screen->keyboard ? fileno(screen->keyboard) : STDIN_FILENO;
}

static uint32_t function_key(wint_t code)
{
	switch (code) {
	case KEY_UP:
		return KEY_OF_UP;
	case KEY_DOWN:
		return KEY_OF_DOWN;
	case KEY_LEFT:
		return KEY_OF_LEFT;
	case KEY_RIGHT:
		return KEY_OF_RIGHT;
	case KEY_PPAGE:
		return KEY_OF_PAGE_UP;
	case KEY_NPAGE:
		return KEY_OF_PAGE_DOWN;
	case KEY_HOME:
		return KEY_OF_HOME;
	case KEY_END:
		return KEY_OF_END;
	case KEY_BACKSPACE:
		return KEY_OF_BACKSPACE;
	case KEY_ENTER:
		return KEY_OF_ENTER;
	case KEY_F(1):
		return KEY_OF_HELP;
	default:
		return 0;
	}
}

bool screen_key(struct screen *screen, uint32_t *key)
{
	wint_t code;
	int kind;

	(void)screen;
	do {
		kind = get_wch(&code);
		if (kind == ERR)
			return false;
		*key = kind == KEY_CODE_YES ? function_key(code) : (uint32_t)code;
	} while (*key == 0);
	if (*key == 0x7f || *key == '\b')
		*key = KEY_OF_BACKSPACE;
	if (*key == ('L' & 0x1f))
		*key = KEY_OF_REDRAW;
	return true;
}
