#pragma once

#include <stdbool.h>

/* Python's own allocators: the raw, mem and obj domains of PyMem_SetAllocator. */

/* Whether this Python has what it takes to wrap them. */
bool domains_find(void *handle);
/* Wraps all three; the calling thread holds the GIL. Once. */
void domains_wrap(void);
