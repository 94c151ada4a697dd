#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/format.h"

/*
 * A capture file being read: where its chunks are, and what is in them. Only pread touches the
 * file, so one that shrinks or changes under the reader makes a chunk that does not check, and no
 * signal.
 */
struct input;

struct input_chunk {
	struct format_chunk
		head;    /* as the index or the chunk itself says; checked when it is loaded */
	uint64_t offset; /* of its header */
};

/* Finds the chunks by the index, or by walking from one to the next. Fails with ERROR_CAPTURE if
 * this is no capture. What is wrong but not fatal is in input_damage. "-": standard input. */
int input_open(const char *path, struct input **out, struct error *err);
void input_close(struct input *in);

size_t input_chunks(const struct input *in, const struct input_chunk **chunks);
uint32_t input_version(const struct input *in);
bool input_complete(const struct input *in);
uint64_t input_bytes(const struct input *in);
const char *input_damage(const struct input *in); /* NULL: none */

/* Reads, checks and unpacks a chunk. NULL, or what is wrong with it. The payload stays until the
 * next load. */
const char *input_load(struct input *in, size_t index, const unsigned char **payload,
		       size_t *length);
