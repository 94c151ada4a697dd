#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The cursor in a list whose rows change places between two looks: it stays on its row, wherever
 * that goes, once somebody has moved it; until then, and again after list_home, on the first place.
 */
struct list {
	bool chosen;
	uint64_t id; /* of the chosen row */
	size_t cursor, top;
};

/* The rows are these now, and so many fit on the screen. */
void list_settle(struct list *list, const uint64_t *ids, size_t count, size_t page);

/* Goes by so many rows. The ids are those of the last list_settle. */
void list_move(struct list *list, long rows, const uint64_t *ids, size_t count);
void list_home(struct list *list);
