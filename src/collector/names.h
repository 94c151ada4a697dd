#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/intern.h"
#include "base/map.h"
#include "capture/model.h"
#include "capture/writer.h"
#include "pyabi/layout.h"
#include "wire/wire.h"

/*
 * What one process' nodes and codes mean in the capture: node id -> stack, code id -> names. Nodes
 * and codes never change once they are published, so each is looked at once; afterwards a node is
 * one load. Memory: O(nodes + distinct texts).
 *
 * Nothing in the area is trusted. A node whose parent is not older than itself, an id that was not
 * handed out, a text that does not fit: "<stack unknown>" or "<code unknown>", and `damage` grows.
 */
struct names_code {
	uint32_t name; /* interned; 0: not yet copied */
	uint32_t file; /* 0: what the code is called is not known */
	uint32_t table;
	int32_t first_line;
};

struct names_step;

struct names {
	struct capture_writer *writer;
	struct wire_area *area;
	uint32_t *stacks;         /* [WIRE_NODE_MAX]: stack + 1, 0 while unknown */
	struct names_code *codes; /* [WIRE_CODE_MAX] */
	uint32_t node_count;      /* as last seen */
	uint32_t next_code;       /* definitions before it were copied */
	uint64_t next_code_since_ns;
	struct intern *texts;
	struct map frames; /* code << 32 | instr -> frame */
	struct names_step *path;
	size_t path_allocated;
	struct buffer copy, utf8;
	struct pyabi_layout layout;
	bool layout_known;
	uint32_t *heap_consumed; /* bytes, per NAMES_GIVE_BACK_BYTES of the heap */
	uint64_t damage;
};

#define NAMES_GIVE_BACK_BYTES 65536u

void names_init(struct names *names, struct capture_writer *writer, struct wire_area *area);
void names_deinit(struct names *names);

/* Copies definitions that have become ready and gives the heap pages that are wholly copied back
 * to the system. At most a few thousand a call. */
void names_sweep(struct names *names, uint64_t now_ns);

/* Private. */
stack_id names_resolve(struct names *names, uint32_t node);

/* The stack of a node, of which a published record has told. */
static inline stack_id names_stack(struct names *names, uint32_t node)
{
	uint32_t known = names->stacks[node & (WIRE_NODE_MAX - 1)];

	if (__builtin_expect(known && node < WIRE_NODE_MAX, 1))
		return known - 1;
	return names_resolve(names, node);
}
