#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"

/*
 * Memory of a process that does not exist, for tests that play the target's part: what they define
 * here is not taken from the library. A struct memory is passed where a struct target is wanted.
 */
struct memory_region {
	uint64_t start;
	size_t bytes;
	unsigned char *data;
};

#define MEMORY_REGIONS 64u

struct memory {
	struct memory_region regions[MEMORY_REGIONS];
	size_t count;
	bool gone; /* the process is */
	unsigned calls;
	size_t places, bytes; /* of all calls */
	/* Called before a place is read, `place` of its call; may change the memory. */
	void (*before)(struct memory *memory, size_t place, uint64_t address, void *data);
	void *data;
};

static inline struct target *memory_target(struct memory *memory)
{
	return (struct target *)memory;
}

/* Zeroed; stays where it is. */
static inline unsigned char *memory_map(struct memory *memory, uint64_t start, size_t bytes)
{
	unsigned char *data = calloc(1, bytes ? bytes : 1);

	if (!data || memory->count == MEMORY_REGIONS)
		abort();
	memory->regions[memory->count++] = (struct memory_region){start, bytes, data};
	return data;
}

static inline void memory_unmap(struct memory *memory, uint64_t start)
{
	for (size_t i = 0; i < memory->count; i++) {
		if (memory->regions[i].start == start) {
			free(memory->regions[i].data);
			memory->regions[i] = memory->regions[--memory->count];
			return;
		}
	}
	abort();
}

static inline void memory_deinit(struct memory *memory)
{
	while (memory->count)
		memory_unmap(memory, memory->regions[0].start);
}

/* The bytes at an address; NULL where they are not, or not in one region. */
static inline unsigned char *memory_at(const struct memory *memory, uint64_t address, size_t bytes)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];

		if (address >= region->start && address - region->start <= region->bytes &&
		    bytes <= region->bytes - (address - region->start))
			return region->data + (address - region->start);
	}
	return NULL;
}

static inline void memory_put(struct memory *memory, uint64_t address, const void *from,
			      size_t bytes)
{
	unsigned char *at = memory_at(memory, address, bytes);

	if (!at)
		abort();
	if (bytes)
		memcpy(at, from, bytes);
}

static inline void memory_put_word(struct memory *memory, uint64_t address, uint64_t word)
{
	memory_put(memory, address, &word, sizeof(word));
}

static inline uint64_t memory_word(const struct memory *memory, uint64_t address)
{
	const unsigned char *at = memory_at(memory, address, sizeof(uint64_t));
	uint64_t word;

	if (!at)
		abort();
	memcpy(&word, at, sizeof(word));
	return word;
}

ssize_t target_read_places(const struct target *target, const struct iovec *local,
			   const struct iovec *remote, size_t count)
{
	struct memory *memory = (struct memory *)(uintptr_t)target;

	if (count > TARGET_PLACES_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (memory->gone) {
		errno = ESRCH;
		return -1;
	}
	memory->calls++;
	for (size_t i = 0; i < count; i++) {
		uint64_t address = (uintptr_t)remote[i].iov_base;
		const unsigned char *at;

		if (local[i].iov_len != remote[i].iov_len)
			abort();
		if (memory->before)
			memory->before(memory, i, address, memory->data);
		at = memory_at(memory, address, remote[i].iov_len);
		if (!at)
			return (ssize_t)i;
		memcpy(local[i].iov_base, at, remote[i].iov_len);
		memory->places++;
		memory->bytes += remote[i].iov_len;
	}
	return (ssize_t)count;
}

bool target_read(const struct target *target, uint64_t address, void *out, size_t bytes)
{
	struct iovec local = {out, bytes}, remote = {(void *)(uintptr_t)address, bytes};

	return target_read_places(target, &local, &remote, 1) == 1;
}

bool target_read_pointer(const struct target *target, uint64_t address, uint64_t *out)
{
	return target_read(target, address, out, sizeof(*out));
}
