#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pyabi/test_samples.h"
#include "sampler/codes.h"
#include "sampler/stack.h"
#include "sampler/test_memory.h"

/*
 * A Python that does not exist: its thread states, frames and code objects, laid out as each of the
 * known ones does, in memory that does not exist either.
 */
#define PYTHON_TABLES 5u /* 3.8 to 3.12 */
#define PYTHON_KINDS \
	(PYTHON_TABLES + (unsigned)(sizeof(offsets_samples) / sizeof(offsets_samples[0])))

#define PYTHON_RUNTIME     0x1000000ull
#define PYTHON_HEAP        0x2000000ull
#define PYTHON_CHUNKS      0x10000000ull
#define PYTHON_CHUNK_BYTES 16384u
#define PYTHON_C_STACK     0x7f0000000000ull
#define PYTHON_C_BYTES     65536u
/* Code objects have so many units: those before PYTHON_NOTHING call Python functions, then there
 * are some that call nothing, some that resume generators, and some that call C. */
#define PYTHON_UNITS   80u
#define PYTHON_NOTHING 40u
#define PYTHON_RESUMES 52u
#define PYTHON_CALLS_C 64u
#define PYTHON_WITHIN  11u /* the last of each, behind nothing else */
#ifndef PYTHON_HEAP_BYTES
#define PYTHON_HEAP_BYTES (1u << 20)
#endif

struct python {
	struct memory memory;
	struct target_runtime runtime;
	struct pyabi_layout *layout; /* runtime's */
	struct trace_tree *tree;
	struct codes codes;
	struct stack stack;
	uint64_t used;   /* of the heap */
	uint64_t c_used; /* of the C stack */
	uint64_t code_type;
	uint64_t interp, gil, tstate, cframe;
	/* The stack so far. */
	uint64_t frame; /* innermost, 0: none */
	uint64_t code;  /* its code, 0: none */
	uint64_t chunk, top;
	unsigned chunks;
	bool from_c; /* C code calls the next one */
};

/* One of the Pythons: 0 to PYTHON_KINDS - 1. */
static inline void python_layout(unsigned kind, struct pyabi_layout *layout)
{
	uint32_t version_hex = 0x030800f0u + (kind << 16);
	const void *offsets = NULL;
	size_t bytes = 0;

	if (kind >= PYTHON_TABLES) {
		const struct offsets_sample *sample = &offsets_samples[kind - PYTHON_TABLES];

		version_hex = sample->layout.version_hex;
		offsets = sample->offsets;
		bytes = sample->count * 8;
	}
	if (pyabi_layout_init(version_hex, false, offsets, bytes, layout) < 0)
		abort();
}

static inline bool python_has(const struct python *python, enum pyabi_feature feature)
{
	return (python->layout->features & feature) != 0;
}

/* A field of a structure, unless this Python has none. */
static inline void python_put(struct python *python, uint64_t address, uint32_t offset,
			      uint64_t value, unsigned bytes)
{
	if (offset != PYABI_NONE)
		memory_put(&python->memory, address + offset, &value, bytes);
}

/* Zeroed memory; its address is a multiple of 16. */
static inline uint64_t python_take(struct python *python, size_t bytes)
{
	uint64_t address = PYTHON_HEAP + python->used;

	python->used += (bytes + 15) / 16 * 16 + 16;
	if (python->used > PYTHON_HEAP_BYTES)
		abort();
	return address;
}

/* A str of ASCII, at an address that has room for it. */
static inline void python_put_str(struct python *python, uint64_t address, const char *text)
{
	const struct pyabi_layout *layout = python->layout;
	uint32_t state = 1u << layout->unicode_kind_shift | 1u << layout->unicode_compact_shift |
			 1u << layout->unicode_ascii_shift;

	python_put(python, address, layout->unicode_length, strlen(text), 8);
	python_put(python, address, layout->unicode_state, state, 4);
	memory_put(&python->memory, address + layout->unicode_ascii_data, text, strlen(text));
}

static inline uint64_t python_str(struct python *python, const char *text)
{
	uint64_t address = python_take(python, 80 + strlen(text));

	python_put_str(python, address, text);
	return address;
}

static inline uint64_t python_bytes(struct python *python, size_t bytes)
{
	uint64_t address = python_take(python, python->layout->bytes_data + bytes);

	python_put(python, address, python->layout->bytes_size, bytes, 8);
	return address;
}

/* One more chunk of the data stack. */
static inline void python_add_chunk(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t before = python->chunk;

	if (layout->tstate_datastack_chunk == PYABI_NONE)
		return;
	if (before)
		python_put(python, before, layout->chunk_top,
			   (python->top - before - layout->chunk_data) / 8, 8);
	/* In no order of addresses, and apart. */
	python->chunk = PYTHON_CHUNKS + (python->chunks++ * 7 + 3) % 32 * 0x100000;
	memory_map(&python->memory, python->chunk, PYTHON_CHUNK_BYTES);
	python_put(python, python->chunk, layout->chunk_previous, before, 8);
	python_put(python, python->chunk, layout->chunk_size, PYTHON_CHUNK_BYTES, 8);
	python_put(python, python->tstate, layout->tstate_datastack_chunk, python->chunk, 8);
	/* The first word of the first one is left out. */
	python->top = python->chunk + layout->chunk_data + (before ? 0 : 8);
}

static inline uint64_t python_interpreter(struct python *python, int64_t id, bool own_gil)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t interp = python_take(python, 9000);
	uint64_t gil = python->gil;

	python_put(python, interp, layout->interp_id, (uint64_t)id, 8);
	python_put(python, interp, layout->interp_code_object_generation, 1, 8);
	if (layout->runtime_gil != PYABI_NONE)
		gil = PYTHON_RUNTIME + layout->runtime_gil;
	else if (own_gil)
		gil = python_take(python, 256);
	python_put(python, interp, layout->interp_gil, gil, 8);
	if (own_gil && layout->gil_enabled != PYABI_NONE)
		python_put(python, gil, layout->gil_enabled, 1, 4);
	python->gil = gil;
	return interp;
}

static inline uint64_t python_thread_state(struct python *python, uint64_t interp, uint64_t pthread,
					   uint64_t native_id)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t tstate = python_take(python, 1024);

	python_put(python, tstate, layout->tstate_interp, interp, 8);
	python_put(python, tstate, layout->tstate_thread_id, pthread, 8);
	python_put(python, tstate, layout->tstate_native_thread_id, native_id, 8);
	if (python_has(python, PYABI_CFRAME))
		python_put(python, tstate, layout->tstate_frame, python_take(python, 64), 8);
	return tstate;
}

/* Which thread state comes first, and which is behind another one; likewise interpreters. */
static inline void python_link(struct python *python, uint64_t interp, const uint64_t *states,
			       size_t count)
{
	python_put(python, interp, python->layout->interp_tstate_head, count ? states[0] : 0, 8);
	for (size_t i = 0; i < count; i++)
		python_put(python, states[i], python->layout->tstate_next,
			   i + 1 < count ? states[i + 1] : 0, 8);
}

static inline void python_link_interpreters(struct python *python, const uint64_t *interps,
					    size_t count)
{
	python_put(python, PYTHON_RUNTIME, python->layout->runtime_interpreters_head,
		   count ? interps[0] : 0, 8);
	for (size_t i = 0; i < count; i++)
		python_put(python, interps[i], python->layout->interp_next,
			   i + 1 < count ? interps[i + 1] : 0, 8);
}

static inline void python_hold_gil(struct python *python, uint64_t gil, uint64_t tstate)
{
	python_put(python, gil, python->layout->gil_last_holder, tstate, 8);
	python_put(python, gil, python->layout->gil_locked, tstate != 0, 4);
}

/* One interpreter with one thread, which has called nothing yet. */
static inline void python_init(struct python *python, unsigned kind)
{
	memset(python, 0, sizeof(*python));
	python->layout = &python->runtime.layout;
	python_layout(kind, python->layout);
	python->runtime.version_hex = python->layout->version_hex;
	python->runtime.address = PYTHON_RUNTIME;
	memory_map(&python->memory, PYTHON_RUNTIME, 8192);
	memory_map(&python->memory, PYTHON_HEAP, PYTHON_HEAP_BYTES);
	memory_map(&python->memory, PYTHON_C_STACK, PYTHON_C_BYTES);
	python->code_type = python_take(python, 64);
	python->interp = python_interpreter(python, 0, true);
	python->tstate = python_thread_state(python, python->interp, 0x7f1234500000, 1234);
	python_link(python, python->interp, &python->tstate, 1);
	python_link_interpreters(python, &python->interp, 1);
	python_add_chunk(python);
	if (python_has(python, PYABI_CFRAME)) {
		python->cframe = PYTHON_C_STACK + PYTHON_C_BYTES - 64;
		python_put(python, python->tstate, python->layout->tstate_frame, python->cframe, 8);
	}
	python->tree = trace_tree_create();
	codes_init(&python->codes, memory_target(&python->memory), python->layout, python->tree);
	stack_init(&python->stack, python->tstate);
}

static inline void python_deinit(struct python *python)
{
	stack_deinit(&python->stack);
	codes_deinit(&python->codes);
	trace_tree_destroy(python->tree);
	memory_deinit(&python->memory);
}

/* An opcode that has these flags (enum pyabi_opcode_flag) and none of those. */
static inline uint8_t python_opcode(const struct python *python, uint8_t flags, uint8_t not_flags)
{
	const struct pyabi_opcodes *opcodes = pyabi_opcodes_of(python->layout->version_hex);

	for (unsigned i = 1; opcodes && i < 256; i++) {
		uint8_t its = opcodes->opcodes[i].flags;

		if ((its & flags) == flags && !(its & not_flags) &&
		    opcodes->opcodes[i].units != PYABI_OPCODE_ANY_UNITS)
			return (uint8_t)i;
	}
	return 0;
}

/* Units of a code object become what an opcode of these flags is. */
static inline void python_put_opcode(struct python *python, uint64_t code, unsigned from,
				     unsigned upto, uint8_t flags, uint8_t not_flags)
{
	if (python->layout->code_bytecode == PYABI_NONE)
		return;
	for (unsigned unit = from; unit < upto; unit++)
		python_put(python, code, python->layout->code_bytecode + 2 * unit,
			   python_opcode(python, flags, not_flags), 2);
}

/* What a frame of it takes. */
static inline void python_set_words(struct python *python, uint64_t code, uint32_t words)
{
	const struct pyabi_layout *layout = python->layout;

	python_put(python, code, layout->code_framesize, words, 4);
	if (layout->frame_specials_size != PYABI_NONE) {
		python_put(python, code, layout->code_nlocalsplus, 1, 4);
		python_put(python, code, layout->code_stacksize,
			   words - layout->frame_specials_size - 1, 4);
	}
}

/* A code object; `words` of a frame of it. */
static inline uint64_t python_code(struct python *python, const char *name, const char *file,
				   uint32_t words)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t code = python_take(python, 256 + PYTHON_UNITS * 2), array;

	python_put(python, code, layout->object_type, python->code_type, 8);
	python_put(python, code, layout->code_name, python_str(python, name), 8);
	python_put(python, code, layout->code_qualname, python_str(python, name), 8);
	python_put(python, code, layout->code_filename, python_str(python, file), 8);
	python_put(python, code, layout->code_linetable, python_bytes(python, 0), 8);
	python_put(python, code, layout->code_firstlineno, 10, 4);
	python_put(python, code, layout->code_firsttraceable, 1, 4);
	python_put(python, code, layout->code_size, PYTHON_UNITS, 8);
	if (layout->code_code != PYABI_NONE)
		python_put(python, code, layout->code_code, python_bytes(python, 2 * PYTHON_UNITS),
			   8);
	if (layout->code_tlbc != PYABI_NONE) {
		array = python_take(python, 64);
		python_put(python, code, layout->code_tlbc, array, 8);
		python_put(python, array, layout->tlbc_size, 1, 8);
		python_put(python, array, layout->tlbc_entries, code + layout->code_bytecode, 8);
	}
	python_put_opcode(python, code, 0, PYTHON_NOTHING, PYABI_OPCODE_PUSHES,
			  PYABI_OPCODE_RESUMES | PYABI_OPCODE_CAN_RESUME);
	python_put_opcode(python, code, PYTHON_NOTHING, PYTHON_RESUMES, 0, 0xff);
	python_put_opcode(python, code, PYTHON_RESUMES, PYTHON_CALLS_C, PYABI_OPCODE_RESUMES,
			  PYABI_OPCODE_PUSHES | PYABI_OPCODE_CAN_PUSH);
	python_put_opcode(python, code, PYTHON_CALLS_C, PYTHON_UNITS, PYABI_OPCODE_CALLS,
			  (uint8_t)~PYABI_OPCODE_CALLS);
	python_set_words(python, code, words);
	return code;
}

/* An instruction of a code object, as its frame has it, and as struct trace_node does. */
static inline uint64_t python_instr(const struct python *python, uint64_t code, unsigned unit)
{
	return python_has(python, PYABI_INSTR_INDEX)
		       ? 2 * unit
		       : code + python->layout->code_bytecode + 2 * (uint64_t)unit;
}

static inline uint32_t python_place(const struct python *python, unsigned unit)
{
	return python_has(python, PYABI_INSTR_INDEX) ? 2 * unit
						     : python->layout->code_bytecode + 2 * unit;
}

/* The innermost frame becomes `frame`. */
static inline void python_set_leaf(struct python *python, uint64_t frame)
{
	python->frame = frame;
	if (python->cframe)
		python_put(python, python->cframe, python->layout->cframe_current_frame, frame, 8);
	else
		python_put(python, python->tstate, python->layout->tstate_frame, frame, 8);
}

/* C code that calls Python: what it calls next begins another run of the interpreter. */
static inline void python_enter_c(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t frame;
	uint8_t owner;

	python->from_c = true;
	if (layout->frame_owner == PYABI_NONE || layout->frame_owner_shim == 0xff)
		return;
	python->c_used += 128;
	frame = PYTHON_C_STACK + PYTHON_C_BYTES - 64 - python->c_used;
	owner = (uint8_t)(layout->frame_owner_cstack == 0xff ? layout->frame_owner_shim
							     : layout->frame_owner_cstack);
	python_put(python, frame, layout->frame_previous, python->frame, 8);
	python_put(python, frame, layout->frame_owner, owner, 1);
	python->code = 0;
	python_set_leaf(python, frame);
}

/* What a caller looks like while what it called runs. */
static inline void python_mark_caller(struct python *python, uint64_t frame)
{
	python_put(python, frame, python->layout->frame_stacktop, 1, 4);
	python_put(python, frame, python->layout->frame_return_offset, 2, 2);
}

/* Puts a frame of `code` at an address of its own: a generator's, say. */
static inline void python_push_at(struct python *python, uint64_t frame, uint64_t code,
				  unsigned unit, uint32_t owner)
{
	const struct pyabi_layout *layout = python->layout;

	if (python->code)
		python_mark_caller(python, python->frame);
	python_put(python, frame, layout->frame_previous, python->frame, 8);
	python_put(python, frame, layout->frame_code, code, 8);
	python_put(python, frame, layout->frame_instr, python_instr(python, code, unit),
		   python_has(python, PYABI_INSTR_INDEX) ? 4 : 8);
	if (layout->frame_owner != PYABI_NONE)
		python_put(python, frame, layout->frame_owner, owner, 1);
	python_put(python, frame, layout->frame_is_entry, python->from_c, 1);
	python_put(python, frame, layout->frame_executing, layout->frame_executing_value, 1);
	python_put(python, frame, layout->frame_stacktop, UINT32_MAX, 4);
	python_put(python, frame, layout->frame_return_offset, 0, 2);
	python->from_c = false;
	python->code = code;
	python_set_leaf(python, frame);
}

/* Calls it; `words` as python_code was told. Returns the frame. */
static inline uint64_t python_push(struct python *python, uint64_t code, unsigned unit,
				   uint32_t words)
{
	uint64_t frame;

	if (python->layout->tstate_datastack_chunk == PYABI_NONE) {
		frame = python_take(python, 128);
	} else {
		if (python->top + words * 8 > python->chunk + PYTHON_CHUNK_BYTES)
			python_add_chunk(python);
		frame = python->top;
		python->top += words * 8;
	}
	python_push_at(python, frame, code, unit, python->layout->frame_owner_thread & 0xff);
	return frame;
}

/* A level of the stack, to come back to. */
struct python_level {
	uint64_t used, frame, code, chunk, top;
};

static inline struct python_level python_level(const struct python *python)
{
	return (struct python_level){python->used, python->frame, python->code, python->chunk,
				     python->top};
}

/* Returns to where the stack was before a push. What was popped stays where it was, as far as it
 * does in this Python. */
static inline void python_return(struct python *python, const struct python_level *level)
{
	const struct pyabi_layout *layout = python->layout;

	if (layout->code_tag_mask)
		python_put(python, python->frame, layout->frame_code, 0, 8);
	if (layout->frame_executing != PYABI_NONE)
		python_put(python, python->frame, layout->frame_executing,
			   layout->frame_executing_value ^ 1, 1);
	if (python->chunk != level->chunk) {
		memory_unmap(&python->memory, python->chunk);
		python->chunks--;
		python_put(python, python->tstate, layout->tstate_datastack_chunk, level->chunk, 8);
	}
	python->used = level->used;
	python->chunk = level->chunk;
	python->top = level->top;
	python->code = level->code;
	python->from_c = false;
	if (level->code)
		python_put(python, level->frame, layout->frame_stacktop, UINT32_MAX, 4);
	python_set_leaf(python, level->frame);
}

static inline struct stack_target python_stack_target(struct python *python)
{
	uint32_t generation = python->layout->interp_code_object_generation;

	return (struct stack_target){
		.target = memory_target(&python->memory),
		.runtime = &python->runtime,
		.codes = &python->codes,
		.tree = python->tree,
		.gil = python->gil,
		.generation = generation == PYABI_NONE ? 0 : python->interp + generation,
	};
}
