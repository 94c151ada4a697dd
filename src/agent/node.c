#include "agent/node.h"

#include "agent/index.h"
#include "agent/ring.h"

static struct index node_index;

static bool node_match(uint64_t entry, const void *key)
{
	const struct wire_node *node = &agent.nodes[(uint32_t)entry];
	const struct wire_node *wanted = key;

	return node->parent == wanted->parent && node->code == wanted->code &&
	       node->instr == wanted->instr;
}

static COLD uint32_t node_create(struct thread *t, const struct wire_node *node, uint64_t hash)
{
	uint32_t id;

	if (atomic_load_explicit(&agent.area->node_count, memory_order_relaxed) >= WIRE_NODE_MAX) {
		ring_count_lost(t, WIRE_LOST_STACK);
		return WIRE_NODE_UNKNOWN;
	}
	id = atomic_fetch_add_explicit(&agent.area->node_count, 1, memory_order_relaxed);
	if (id >= WIRE_NODE_MAX) {
		ring_count_lost(t, WIRE_LOST_STACK);
		return WIRE_NODE_UNKNOWN;
	}
	agent.nodes[id] = *node;
	id = (uint32_t)index_add(&node_index, hash, id, node_match, node);
	if (!id) {
		ring_count_lost(t, WIRE_LOST_STACK);
		return WIRE_NODE_UNKNOWN;
	}
	return id;
}

uint32_t node_intern(struct thread *t, uint32_t parent, uint32_t code, uint32_t instr)
{
	const struct wire_node node = {.parent = parent, .code = code, .instr = instr};
	uint64_t hash = index_mix(((uint64_t)parent << 32 | instr) ^ (uint64_t)code << 20);
	uint64_t found;

	if (UNLIKELY(parent == WIRE_NODE_UNKNOWN || code == 0))
		return WIRE_NODE_UNKNOWN;
	found = index_find(&node_index, hash, node_match, &node);
	return found ? (uint32_t)found : node_create(t, &node, hash);
}
