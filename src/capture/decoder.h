#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event_code.h"

/*
 * Turns the payloads of event chunks into events. Nothing in them is trusted: what is handed out
 * names sites, threads and slots that exist. With `whole`, every chunk of the capture is given, one
 * after the other, and then a slot is given out only while no block has it, and released or shrunk
 * only while one has. Without, chunks may be left out, and that is for the caller to see to.
 */
struct decoder;

struct decoder *decoder_create(bool whole);
void decoder_destroy(struct decoder *d);

struct decoder_chunk {
	const unsigned char *payload; /* must stay until the chunk is decoded */
	size_t length;
	uint32_t events;            /* that it says to have */
	uint64_t first_ns, last_ns; /* that it says to be within */
	stack_id stacks;            /* highest ids there are */
	thread_id threads;
};

/* NULL, or what is wrong. */
const char *decoder_begin(struct decoder *d, const struct decoder_chunk *chunk);
/* Hands out the next events of the chunk; fewer than max at its end, or at what is wrong with it.
 */
size_t decoder_run(struct decoder *d, struct event *events, size_t max);
/* NULL, or what was wrong with the chunk; known once decoder_run gave fewer than asked for. */
const char *decoder_problem(const struct decoder *d);
/* Share of the chunk that is decoded. */
double decoder_progress(const struct decoder *d);
