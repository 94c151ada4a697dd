#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tui/canvas.h"

/* The terminal: pictures on it, keys from it. At most one at a time; used by one thread. */
struct screen;

/* Whether standard output is a terminal that can be painted, and keys come from one. */
bool screen_is_possible(void);

/* Takes the terminal over. Fails with ERROR_UNSUPPORTED. */
int screen_open(bool color, struct screen **out, struct error *err);
/* Leaves it as it was. */
void screen_close(struct screen *screen);

/* Gives it back for a while, as to a shell. */
void screen_suspend(struct screen *screen);
void screen_resume(struct screen *screen);

/* Asks the terminal how large it is now. */
void screen_measure(struct screen *screen, int *rows, int *columns);
/* redraw: whatever may be there already. */
void screen_paint(struct screen *screen, struct canvas *canvas, bool redraw);

/* Readable when there may be a key. */
int screen_fd(const struct screen *screen);
/* A character or an enum key; false: there is none. */
bool screen_key(struct screen *screen, uint32_t *key);
