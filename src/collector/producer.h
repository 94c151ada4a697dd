#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

/*
 * For tests: plays the agent's part, as wire.h states it. One struct producer per thread. Where the
 * agent would wait for the collector, so does this, for as long as it takes.
 */
struct producer {
	struct wire_session *session; /* may be NULL: no clock, nobody to wake */
	struct wire_area *area;
	struct wire_thread *shared;
	uint64_t *ring;
	uint32_t slot;
	uint64_t head, time;
	void (*pause)(
		void *data); /* called between looking at the turn and publishing; may be NULL */
	void *pause_data;
};

/* Takes a slot for the calling thread, under the name of tid. False if there is none. */
bool producer_begin(struct producer *producer, struct wire_session *session, struct wire_area *area,
		    uint32_t tid);

void producer_alloc(struct producer *producer, unsigned allocator, uint64_t address, uint64_t bytes,
		    uint32_t node);
void producer_free(struct producer *producer, uint64_t address);
void producer_realloc_begin(struct producer *producer, uint64_t address);
/* Success is producer_alloc; these are the other two ends. */
void producer_realloc_failed(struct producer *producer);
void producer_realloc_freed(struct producer *producer);
void producer_map(struct producer *producer, unsigned allocator, uint64_t address, uint64_t bytes,
		  uint32_t node);
void producer_unmap_begin(struct producer *producer, uint64_t address, uint64_t bytes);
void producer_unmap_end(struct producer *producer, bool gone);
void producer_name(struct producer *producer, const char *name);
/* Any words at all. */
void producer_words(struct producer *producer, const uint64_t *words, unsigned count);

/* Defines; not interned: every call makes a new one. */
uint32_t producer_code(struct wire_area *area, const char *name, const char *file, int first_line,
		       const void *table, uint32_t table_bytes);
uint32_t producer_node(struct wire_area *area, uint32_t parent, uint32_t code, uint32_t instr);

/* What an agent does when it is loaded: finds the session by the environment and claims an area
 * for this process. ready: recording begins at once. Returns NULL when there is no session. */
struct wire_area *producer_join(struct wire_session **session, bool ready);
void producer_ready(struct wire_session *session, struct wire_area *area);
void producer_done(struct wire_session *session, struct wire_area *area, enum wire_stop why);
