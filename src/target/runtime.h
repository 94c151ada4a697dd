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
 * Finds it, in this order: the symbol _PyRuntime in what the dynamic linker knows, of any module;
 * that symbol or the section .PyRuntime in the file of the program or of what is called a Python
 * (which may be deleted, replaced or below another root); what begins with the cookie of
 * _Py_DebugOffsets, and, before 3.13, what its pointers show to be it, in their writable memory. Of
 * several the one that has an interpreter. The version: the offsets' header, the symbol Py_Version,
 * the text that the interpreter keeps of its version, the file's name.
 *
 * Fails with ERROR_NOT_FOUND, ERROR_PERMISSION, or ERROR_UNSUPPORTED: a version that sonde does not
 * know, a build that it does not, no Python at all, or one without an interpreter. *retry then:
 * that may still change. A process that is some seconds old and has no Python gets none by itself,
 * but by loading one or by exec, which target_executable shows.
 */
int target_find_runtime(const struct target *target, struct target_runtime *runtime, bool *retry,
			struct error *err);
void target_runtime_deinit(struct target_runtime *runtime);
