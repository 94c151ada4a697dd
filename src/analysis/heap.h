#pragma once

#include "analysis/profile.h"

/* Reads the capture's events, or its sums if it is an aggregate one, and makes the rows, the memory
 * part and the timeline of a profile of bytes. */
void heap_read(struct profile *profile);
