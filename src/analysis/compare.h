#pragma once

/* A step of a comparison function for qsort: returns from it unless a and b are equal. */
#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)
