#pragma once

#include <stdbool.h>

/* Whether the terminal that TERM names can do what terminfo calls by this name: "cup". Apart from
 * the screen, because term.h makes macros of everyday words. */
bool capability_exists(const char *name);
