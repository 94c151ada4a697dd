#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"
#include "capture/writer.h"

/*
 * Turns rounds of samples into the payload of sample chunks. One encoder lives as long as its
 * writer; sample_encoder_begin starts the payload of the next chunk. Out of memory aborts sonde.
 */
struct sample_encoder;

/* period_ns: expected from round to round; it sets how exact times are. 0: not known. */
struct sample_encoder *sample_encoder_create(uint64_t period_ns);
void sample_encoder_destroy(struct sample_encoder *e);

void sample_encoder_begin(struct sample_encoder *e, uint64_t first_ns);

/* Threads of a round: a larger one is given in pieces. */
#define SAMPLE_ENCODER_THREADS 4096u

/* What the threads of one group, in which are those of `key`, did. Times never go backwards. Ids
 * above `stacks` and `threads` count as 0. */
struct sample_round {
	uint64_t key;
	uint64_t time_ns;
	const struct capture_sample *samples;
	size_t count;
	stack_id stacks;
	thread_id threads;
};
void sample_encoder_round(struct sample_encoder *e, const struct sample_round *round);

/* Whether the chunk has to be sealed before another round. */
bool sample_encoder_is_full(const struct sample_encoder *e);

/* The payload so far. Nothing may be added before the next sample_encoder_begin. */
struct sample_payload {
	const unsigned char *codes, *arguments, *times;
	size_t code_bytes, argument_bytes, time_bytes;
	uint32_t samples;
};
/* False: no memory for it. */
bool sample_encoder_payload(struct sample_encoder *e, struct sample_payload *payload);
