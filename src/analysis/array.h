#pragma once

#include <stddef.h>

/* Memory for arrays of which there is one per analysis. Out of memory aborts sonde. */

/* count elements of zero bytes; at least one is allocated. */
void *array_create(size_t count, size_t element_bytes);

/* Room for one more element behind the first `used`: returns the array, perhaps moved. */
void *array_grow(void *array, size_t used, size_t *allocated, size_t element_bytes);
