#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A lock-free hash index of 64-bit entries that only grows. It is a row of tables, each twice the
 * size of the one before; what is new goes into the newest, what is looked for is looked for in
 * all, newest first. A lookup that succeeds in an older table is put into the newest as well, so
 * that a program in its steady state probes one table once. Memory comes from mmap and is never
 * given back while recording.
 *
 *   1. An entry is 0 (free), INDEX_DEAD (may be used again), or belongs to a key.
 *   2. A probe ends at the first free entry. Entries never become free again.
 *   3. Two threads that add the same key at once may both succeed, with entries of their own.
 */
#define INDEX_TABLES     18u
#define INDEX_FIRST_BITS 12u
#define INDEX_DEAD       1ull

struct index_table {
	uint32_t mask;
	_Atomic uint32_t used;
	_Atomic uint64_t entries[];
};

struct index {
	_Atomic(struct index_table *) tables[INDEX_TABLES];
	_Atomic uint32_t count;
};

/* Whether `entry` is the one for `key`. */
typedef bool index_match(uint64_t entry, const void *key);

/* The entry for key, 0 if there is none. */
uint64_t index_find(struct index *index, uint64_t hash, index_match *match, const void *key);
/* Puts entry in, unless one for the key is met on the way: then that one is returned. Returns
 * entry, or 0 when there is no memory (entry is not in, which callers may live with). */
uint64_t index_add(struct index *index, uint64_t hash, uint64_t entry, index_match *match,
		   const void *key);
/* Makes every entry for key INDEX_DEAD; true if there was one. The caller sees to it that nobody
 * adds the same key meanwhile. */
bool index_kill(struct index *index, uint64_t hash, index_match *match, const void *key);

static inline uint64_t index_mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93ull;
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93ull;
	return value ^ value >> 32;
}
