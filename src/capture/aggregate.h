#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/rows.h"
#include "capture/tally.h"

/*
 * The recording side of an aggregate capture: a tally instead of events. Its states are written now
 * and then, as differences; how often is a matter of budget, so that neither many rows nor a long
 * recording make the file large: the rows may take AGGREGATE_FREE_BYTES, some bytes for every row,
 * and some for every second. What is older than that allows waits, until the end at the latest.
 */
struct aggregate {
	struct tally *tally;
	struct rows_writer rows;
	struct slot_list {
		slot_id *slots;
		size_t count, size;
	} idle;
	slot_id fresh;
	uint64_t states_bytes;     /* on disk, of all states */
	uint64_t last_state_bytes; /* of the last one */
	uint64_t written_events;   /* allocations and releases that the last state has */
};

#define AGGREGATE_FREE_BYTES       (1u << 20)
#define AGGREGATE_BYTES_PER_ROW    64u
#define AGGREGATE_BYTES_PER_SECOND 4096u /* in the first hour */
#define AGGREGATE_BYTES_LATER      1024u /* per second, after it */

void aggregate_init(struct aggregate *a, uint32_t temporary_threshold, uint64_t sample_rate_bytes);
void aggregate_deinit(struct aggregate *a);

slot_id aggregate_alloc(struct aggregate *a, const struct event *event);
void aggregate_free(struct aggregate *a, const struct event *event);
void aggregate_shrink(struct aggregate *a, const struct event *event);

/* Whether a new state is worth its bytes at this session time. */
bool aggregate_is_due(const struct aggregate *a, uint64_t time_ns);
/* Whether anything changed since the last state. */
bool aggregate_changed(const struct aggregate *a);
/* Says that a whole state was sealed and took so many bytes. */
void aggregate_sealed(struct aggregate *a, uint64_t bytes);
