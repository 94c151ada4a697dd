#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event_code.h"

/*
 * Turns events into the payload of event chunks, and gives out slots. One encoder lives as long as
 * its writer; encoder_begin starts the payload of the next chunk. Out of memory aborts sonde.
 */
struct encoder;

struct encoder *encoder_create(void);
void encoder_destroy(struct encoder *e);

/* Times are in units of 1,024 ns. */
void encoder_begin(struct encoder *e, uint64_t units);
/* Time goes on within the chunk; never backwards. */
void encoder_time(struct encoder *e, uint64_t units);

uint64_t encoder_units(const struct encoder *e);

slot_id encoder_alloc(struct encoder *e, thread_id thread, uint32_t allocator, stack_id stack,
		      uint64_t bytes);
/* A slot that is not in use is left alone, and nothing written: false. */
bool encoder_free(struct encoder *e, thread_id thread, slot_id slot);
bool encoder_shrink(struct encoder *e, thread_id thread, slot_id slot, uint64_t bytes);

/* The payload so far, in two parts: the codes behind their length, and the arguments. */
struct encoder_payload {
	const unsigned char *codes, *arguments;
	size_t code_bytes, argument_bytes;
	uint32_t events;
};
struct encoder_payload encoder_payload(struct encoder *e);

/* Bytes of both parts are at most this and some more when the chunk is full. */
#define ENCODER_CHUNK_BYTES (256u << 10)

/* Bytes that may still be added before the chunk is full; negative once it is. */
ptrdiff_t encoder_room(const struct encoder *e);
