#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pyabi/layout.h"
#include "target/maps.h"
#include "target/target.h"

/* Searches the memory of a process for what no symbol tells, within a budget of bytes. */
struct scan {
	const struct target *target;
	const struct target_maps *maps;
	uint64_t budget_bytes; /* what may still be read */
};

/* Addresses in [start, end) where the interpreter's description of itself begins; the first that
 * `accept` takes is the answer. */
bool scan_find_cookie(struct scan *scan, uint64_t start, uint64_t end,
		      bool (*accept)(void *data, uint64_t address), void *data, uint64_t *address);

/* The text that Py_GetVersion keeps of its version. */
bool scan_find_version(struct scan *scan, uint64_t start, uint64_t end, uint32_t *version_hex);

/* A _PyRuntime of this layout, by where its pointers lead. */
bool scan_find_runtime(struct scan *scan, uint64_t start, uint64_t end,
		       const struct pyabi_layout *layout, uint64_t *address);

/* Whether there is a main interpreter and its threads are its own. False also where it is just
 * being made or unmade. */
bool scan_is_runtime(const struct target *target, const struct pyabi_layout *layout,
		     uint64_t address);
