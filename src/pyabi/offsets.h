#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyabi/tables.h"

/*
 * Takes values from _Py_DebugOffsets, which nobody has vouched for, into a structure of ours, and
 * keeps account of what lies where in the target: a field is taken only if it is inside the
 * structure it belongs to, aligned to its size, and not on top of a field that was taken before.
 */

enum offsets_structure {
	OFFSETS_RUNTIME,
	OFFSETS_INTERP,
	OFFSETS_TSTATE,
	OFFSETS_FRAME,
	OFFSETS_CODE,
	OFFSETS_GEN,
	OFFSETS_BYTES,
	OFFSETS_UNICODE,
	OFFSETS_OBJECT, /* the last that struct pyabi_layout needs, and the first of .. objects */
	OFFSETS_TYPE,
	OFFSETS_HEAP_TYPE,
	OFFSETS_TUPLE,
	OFFSETS_LIST,
	OFFSETS_SET,
	OFFSETS_DICT,
	OFFSETS_FLOAT,
	OFFSETS_LONG,
	OFFSETS_STRUCTURES,
};

/* A field of the target, and the uint32_t member of ours that its offset goes to. */
struct offsets_field {
	uint8_t at;        /* enum pyabi_at */
	uint8_t structure; /* enum offsets_structure */
	uint8_t width;     /* bytes of the field in the target */
	uint16_t member;   /* offsetof() in ours */
};

#define OFFSETS_PLACED_MAX 96u

struct offsets {
	const struct pyabi_offsets *form;
	const struct pyabi_unsaid *unsaid;
	bool free_threaded;
	const char *bytes; /* of _Py_DebugOffsets: form->size of them */
	uint32_t size[OFFSETS_STRUCTURES];
	size_t count;
	struct {
		uint32_t structure;
		uint32_t begin;
		uint32_t end;
	} placed[OFFSETS_PLACED_MAX];
};

/* Whether structures of such a version are settled: from a minor version's first release candidate
 * on. */
bool offsets_version_known(uint32_t version_hex);

/* Checks the header, and the sizes of the structures from `first` to `last`, the only ones to be
 * placed in. debug_offsets, size: as pyabi_layout_init takes them, and must stay there. Returns 0,
 * else what pyabi_layout_init returns. */
int offsets_init(uint32_t version_hex, const void *debug_offsets, size_t size,
		 enum offsets_structure first, enum offsets_structure last,
		 struct offsets *offsets);

/* Whether this version's _Py_DebugOffsets have it. */
bool offsets_say(const struct offsets *offsets, enum pyabi_at at);
uint64_t offsets_value(const struct offsets *offsets, enum pyabi_at at);

/* Whether a field of `width` bytes can stand at `offset`; it stands there from now on if so. */
bool offsets_place(struct offsets *offsets, enum offsets_structure structure, uint64_t offset,
		   uint32_t width);

/* All of these, into the structure at `ours`; what this version does not say is left as it is. */
bool offsets_place_fields(struct offsets *offsets, const struct offsets_field *fields, size_t count,
			  void *ours);
