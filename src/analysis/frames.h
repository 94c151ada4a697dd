#pragma once

#include <stdbool.h>

#include "analysis/profile.h"

/*
 * What single frames are: part of the import system, of the interpreter, of a module, of a
 * function. Told from names alone; a capture says nothing about sys.path.
 */

/* importlib and runpy: their frozen parts, and their files in a standard library (a directory
 * pythonX.Y or an archive pythonXY.zip). */
bool frames_is_import_system(const struct capture_frame *frame);

/* Frozen modules, and CPython's own C functions: what lies in its executable, library or sources,
 * or is named Py... or _Py.... */
bool frames_is_interpreter(const struct capture_frame *frame);

/* Is the frame's file that of `module` (dotted) or of one inside it? "a.b" is a/b.py, a/b/..., or
 * an extension module a/b.*.so, below any directory, or the frozen module a.b. */
bool frames_in_module(const struct capture_frame *frame, const char *module);

/* becomes[f] of stacks_replace: the first frame with the kind, function and file of f: lines
 * merged. The caller frees it; [*count + 1] elements. */
frame_id *frames_merge_lines(const struct capture_reader *reader, uint32_t *count);

/* The same as the options want it: 0 for frames to hide, lines merged or not. NULL when every frame
 * stays as it is. */
frame_id *frames_choose(const struct capture_reader *reader, const struct profile_options *options,
			uint32_t *count);
