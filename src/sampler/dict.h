#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sampler/type.h"

/*
 * The items of a dict of another process, or the attributes of an instance, in the order of
 * insertion. Bounded: of a table that says that it is larger than DICT_ENTRIES_MOST the rest is
 * left out.
 */
#define DICT_ENTRIES_MOST (1u << 20)
#define DICT_SPLIT_MOST   64u /* of a split table; Python makes none of more than 30 */

struct dict_cursor {
	const struct space *space;
	uint64_t entries; /* address of the first entry */
	uint32_t entry_size, key, value;
	uint64_t next, count;
	/* Split tables: the values are apart, and filled in an order of their own. */
	uint64_t values;
	bool has_order;
	uint8_t order[DICT_SPLIT_MOST];
};

/* False if it is no dict, or not readable. *used: how many items it says that it has. */
bool dict_open(const struct space *space, uint64_t dict, struct dict_cursor *cursor,
	       uint64_t *used);
/* The attributes that an instance of a class holds itself; false if it has none. */
bool dict_open_attributes(const struct space *space, uint64_t object, const struct type *type,
			  struct dict_cursor *cursor);
/* The next item; false at the end, and where memory cannot be read. */
bool dict_next(struct dict_cursor *cursor, uint64_t *key, uint64_t *value);

/* Goes on to the item of a str key; false if it is not there. */
bool dict_find(struct dict_cursor *cursor, const char *name, uint64_t *value);
