#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "pyabi/layout.h"
#include "target/target.h"

/* The CPython inside a process. */
struct target_runtime {
	uint64_t address; /* of _PyRuntime */
	uint32_t version_hex;
	bool is_debug_build;
	struct pyabi_layout layout;
	char *module; /* the file it was found in, as the target sees it; to be freed */
};

/*
 * Finds it, in this order: the .PyRuntime section or the _PyRuntime symbol of the executable or of
 * a mapped libpython (also stripped, deleted, replaced, or below another root); the cookie of
 * _Py_DebugOffsets in writable memory. The version: the offsets' header, the Py_Version symbol, the
 * text that the interpreter keeps of its version, the file's name.
 *
 * Fails with ERROR_UNSUPPORTED: no Python in it (`*retry` true while that may still change: it has
 * just begun, or no interpreter has been made yet), a version that sonde does not know
 * (pyabi_refusal), musl; ERROR_PERMISSION.
 */
int target_find_runtime(const struct target *target, struct target_runtime *runtime, bool *retry,
			struct error *err);
void target_runtime_deinit(struct target_runtime *runtime);
