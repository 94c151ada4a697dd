#include "tui/pane.h"

static const struct {
	const char *key, *what;
} keys[] = {
	{"Up Down PgUp PgDn Home End", "move (j and k too)"},
	{"Enter", "functions: who calls it; threads, processes: it alone"},
	{"Esc, Backspace", "back: from callers, to all threads, without filter"},
	{"F", "functions, or lines"},
	{"T", "threads, or functions"},
	{"P", "processes, or functions"},
	{"m  c w g", "CPU, wall or GIL time: the next, or this one"},
	{"s", "shares of the last seconds, or since the start"},
	{"< >  1 2 3 4", "sort by another column, or by this one"},
	{"/", "only what has a text in its name or file"},
	{"p, Space", "hold the picture; sampling goes on"},
	{"r", "count anew from now on"},
	{"+ -", "draw more often, or more seldom"},
	{"Ctrl-L", "draw the screen anew"},
	{"?, h", "this help"},
	{"q, Ctrl-C", "quit"},
};

#define KEYS        ((int)(sizeof(keys) / sizeof(keys[0])))
#define KEY_COLUMNS 28

void keys_draw(struct canvas *canvas)
{
	int row = 0;

	canvas_put(canvas, row++, 0, canvas->columns, CANVAS_BOLD, "sonde top: keys");
	for (int i = 0; i < KEYS; i++, row++) {
		canvas_put(canvas, row, 0, KEY_COLUMNS - 1, CANVAS_BOLD, keys[i].key);
		canvas_put(canvas, row, KEY_COLUMNS, canvas->columns, CANVAS_PLAIN, keys[i].what);
	}
	canvas_put(canvas, ++row, 0, canvas->columns, CANVAS_PLAIN,
		   "100 % is one thread all the time: CPU time of two busy threads is 200 %.");
	canvas_put(canvas, ++row, 0, canvas->columns, CANVAS_PLAIN,
		   "%Own is spent in the function itself, %Total together with what it calls.");
	canvas_put(canvas, ++row, 0, canvas->columns, CANVAS_PLAIN,
		   "OwnTime and TotalTime count from the start, or from r.");
	canvas_put(canvas, canvas->rows - 1, 0, canvas->columns, CANVAS_DIM, "any key goes back");
}
