#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Scattered small reads of another process's memory, as following pointers makes them: whole pages
 * are read and a few kept, because what lies together is asked for together. Bounded: after so many
 * reads of the target, or so much time, nothing more can be read until pages_begin. What is kept is
 * as old as pages_begin; it is right while the target stands still, and as torn as the target's own
 * changes make it otherwise.
 */
#define PAGES_BYTES 4096u
#define PAGES_KEPT  256u

/* Reads one place whole, or returns false. */
typedef bool pages_source(const void *data, uint64_t address, void *out, size_t bytes);

struct pages {
	pages_source *read;
	const void *data;
	uint32_t reads_left;       /* 0: nothing more is read */
	uint64_t deadline_ns;      /* CLOCK_MONOTONIC, 0: none */
	uint64_t page[PAGES_KEPT]; /* number of the page kept in each place, 0: none */
	unsigned char (*bytes)[PAGES_BYTES];
};

void pages_init(struct pages *pages, pages_source *read, const void *data);
void pages_deinit(struct pages *pages);

/* Forgets what was kept and allows so many reads within so much time (0: any). */
void pages_begin(struct pages *pages, uint32_t reads, uint64_t time_ns);

/* True if all of it was read; `out` may have been written to in any case. */
bool pages_read(struct pages *pages, uint64_t address, void *out, size_t bytes);

/* Fixed widths; false as above. */
bool pages_read_u32(struct pages *pages, uint64_t address, uint32_t *value);
bool pages_read_u64(struct pages *pages, uint64_t address, uint64_t *value);
/* A zero-terminated string, cut to what fits. */
bool pages_read_string(struct pages *pages, uint64_t address, char *text, size_t size);
