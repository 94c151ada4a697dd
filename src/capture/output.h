#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * A capture file being written: its header, sealed chunks one after the other, index and trailer.
 *
 *  1. On disk are whole sealed chunks, and at most one that is being written.
 *  2. The first failure stays: the file is cut back to its last sealed chunk, and from then on
 * every chunk is thrown away and the same error returned.
 */
struct output;

/* The system calls behind it; tests put others in their place. Each fails with -1 and errno. */
struct output_calls {
	int (*open)(const char *path, int flags, mode_t mode);
	ssize_t (*write)(int fd, const void *bytes, size_t count);
	int (*truncate)(int fd, off_t length);
	int (*sync)(int fd);
	int (*close)(int fd);
};
extern struct output_calls output_calls;

/* Creates the file with mode 0600 and writes its header. A path that exists is an error unless
 * replace. */
int output_open(const char *path, bool replace, struct output **out, struct error *err);

struct output_part {
	const void *bytes;
	size_t length;
};

#define OUTPUT_PARTS 3u

/* The payload is its parts one after the other; each is compressed by itself. */
struct output_chunk {
	uint16_t type;  /* enum format_chunk_type */
	uint16_t flags; /* FORMAT_REQUIRED, FORMAT_PARTIAL */
	uint32_t events;
	uint64_t first_ns, last_ns;
	struct output_part parts[OUTPUT_PARTS];
};
int output_seal(struct output *o, const struct output_chunk *chunk);

/* Makes an error found elsewhere the sticky one, if there is none yet. */
void output_fail(struct output *o, const char *what);
/* 0, or the sticky error. */
int output_status(const struct output *o, struct error *err);
uint64_t output_bytes(const struct output *o); /* on disk */

/* Writes the index, which carries the time of the end, and the trailer; syncs, closes, frees.
 * Returns the sticky error. */
int output_close(struct output *o, bool complete, uint64_t end_ns, struct error *err);
/* Removes what was begun. */
void output_abandon(struct output *o);
