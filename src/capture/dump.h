#pragma once

#include <stdio.h>

/*
 * For tests: all that a reader says of a capture, as text, one thing a line. Looks at everything on
 * the way: that ids resolve, that blocks live when they are released; what does not hold is said in
 * a line that begins with "BROKEN". Returns how many such lines there are.
 */
unsigned dump_capture(const char *path, FILE *out);
