#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"

/*
 * Turns the payloads of sample chunks into samples. Nothing in them is trusted: what is handed out
 * names stacks and threads that exist, at times within the chunk that never go backwards. Chunks
 * know nothing of each other. Memory: some times the bytes of a payload.
 */
struct sample_decoder;

struct sample_decoder *sample_decoder_create(void);
void sample_decoder_destroy(struct sample_decoder *d);

struct sample_chunk {
	const unsigned char *payload; /* must stay until the chunk is decoded */
	size_t length;
	uint32_t samples;           /* that it says to have */
	uint64_t first_ns, last_ns; /* that it says to be within */
	stack_id stacks;            /* highest ids there are */
	thread_id threads;
};

/* NULL, or what is wrong. */
const char *sample_decoder_begin(struct sample_decoder *d, const struct sample_chunk *chunk);
/* Hands out the next samples of the chunk; fewer than max at its end, or at what is wrong with it.
 */
size_t sample_decoder_run(struct sample_decoder *d, struct sample_event *samples, size_t max);
/* NULL, or what was wrong with the chunk; known once sample_decoder_run gave fewer than asked for.
 */
const char *sample_decoder_problem(const struct sample_decoder *d);
/* Share of the chunk that is decoded. */
double sample_decoder_progress(const struct sample_decoder *d);
