#include "pyabi/offsets.h"

#include <string.h>

#include "pyabi/layout.h"

/* Which size _Py_DebugOffsets gives a structure, and the largest that is believed. The runtime and
 * the interpreter hold static objects: 0.6 MB in 3.15. */
static const struct {
	uint8_t size_at;
	uint32_t most_bytes;
} limits[OFFSETS_STRUCTURES] = {
	[OFFSETS_RUNTIME] = {PYABI_AT_RUNTIME_SIZE, 64u << 20},
	[OFFSETS_INTERP] = {PYABI_AT_INTERP_SIZE, 64u << 20},
	[OFFSETS_TSTATE] = {PYABI_AT_TSTATE_SIZE, 64u << 10},
	[OFFSETS_FRAME] = {PYABI_AT_FRAME_SIZE, 1024},
	[OFFSETS_CODE] = {PYABI_AT_CODE_SIZE, 1024},
	[OFFSETS_GEN] = {PYABI_AT_GEN_SIZE, 1024},
	[OFFSETS_BYTES] = {PYABI_AT_BYTES_SIZE, 256},
	[OFFSETS_UNICODE] = {PYABI_AT_UNICODE_SIZE, 256},
	[OFFSETS_OBJECT] = {PYABI_AT_OBJECT_SIZE, 64},
	[OFFSETS_TYPE] = {PYABI_AT_TYPE_SIZE, 4096},
	[OFFSETS_HEAP_TYPE] = {PYABI_AT_HEAP_TYPE_SIZE, 8192},
	[OFFSETS_TUPLE] = {PYABI_AT_TUPLE_SIZE, 256},
	[OFFSETS_LIST] = {PYABI_AT_LIST_SIZE, 256},
	[OFFSETS_SET] = {PYABI_AT_SET_SIZE, 1024},
	[OFFSETS_DICT] = {PYABI_AT_DICT_SIZE, 256},
	[OFFSETS_FLOAT] = {PYABI_AT_FLOAT_SIZE, 256},
	[OFFSETS_LONG] = {PYABI_AT_LONG_SIZE, 256},
};

bool offsets_say(const struct offsets *offsets, enum pyabi_at at)
{
	return offsets->form->at[at] != 0;
}

uint64_t offsets_value(const struct offsets *offsets, enum pyabi_at at)
{
	uint64_t value;

	memcpy(&value, offsets->bytes + offsets->form->at[at], sizeof(value));
	return value;
}

static const struct pyabi_offsets *form_of(uint32_t version_hex)
{
	for (size_t i = 0; i < pyabi_offsets_count; i++) {
		if (pyabi_offsets[i].minor == (version_hex >> 16 & 0xff))
			return &pyabi_offsets[i];
	}
	return NULL;
}

/* Release levels in PY_VERSION_HEX: 0xa alpha, 0xb beta, 0xc candidate, 0xf final. */
bool offsets_version_known(uint32_t version_hex)
{
	return version_hex >> 24 == 3 && (version_hex >> 4 & 0xf) >= 0xc;
}

int offsets_init(uint32_t version_hex, const void *debug_offsets, size_t size,
		 enum offsets_structure first, enum offsets_structure last, struct offsets *offsets)
{
	const struct pyabi_offsets *form = form_of(version_hex);
	uint64_t free_threaded;

	memset(offsets, 0, sizeof(*offsets));
	if (form == NULL)
		return -1;
	if (debug_offsets == NULL || size < form->size ||
	    memcmp(debug_offsets, PYABI_COOKIE, strlen(PYABI_COOKIE)) != 0)
		return -2;
	offsets->form = form;
	offsets->bytes = debug_offsets;
	free_threaded = offsets_value(offsets, PYABI_AT_FREE_THREADED);
	if (offsets_value(offsets, PYABI_AT_VERSION) != version_hex || free_threaded > 1)
		return -2;
	offsets->free_threaded = free_threaded;
	offsets->unsaid = &form->unsaid[free_threaded];
	for (unsigned i = first; i <= last; i++) {
		uint64_t bytes = offsets_say(offsets, limits[i].size_at)
					 ? offsets_value(offsets, limits[i].size_at)
					 : limits[i].most_bytes;

		if (bytes == 0 || bytes > limits[i].most_bytes)
			return -2;
		offsets->size[i] = (uint32_t)bytes;
	}
	return 0;
}

bool offsets_place(struct offsets *offsets, enum offsets_structure structure, uint64_t offset,
		   uint32_t width)
{
	if (offset % width != 0 || offset > offsets->size[structure] ||
	    offsets->size[structure] - offset < width || offsets->count == OFFSETS_PLACED_MAX)
		return false;
	for (size_t i = 0; i < offsets->count; i++) {
		if (offsets->placed[i].structure == structure && offset < offsets->placed[i].end &&
		    offsets->placed[i].begin < offset + width)
			return false;
	}
	offsets->placed[offsets->count].structure = structure;
	offsets->placed[offsets->count].begin = (uint32_t)offset;
	offsets->placed[offsets->count].end = (uint32_t)offset + width;
	offsets->count++;
	return true;
}

bool offsets_place_fields(struct offsets *offsets, const struct offsets_field *fields, size_t count,
			  void *ours)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t offset;
		uint32_t value;

		if (!offsets_say(offsets, fields[i].at))
			continue;
		offset = offsets_value(offsets, fields[i].at);
		value = (uint32_t)offset;
		if (!offsets_place(offsets, fields[i].structure, offset, fields[i].width))
			return false;
		memcpy((char *)ours + fields[i].member, &value, sizeof(value));
	}
	return true;
}
