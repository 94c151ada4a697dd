#pragma once

#include "agent/agent.h"

/*
 * The trie of stacks. Nodes lie in shared memory and never change; the index over them is the
 * agent's own. Any thread may intern at any time, without locks: two threads that meet on the same
 * new node may both get an id of their own, which costs 16 bytes and nothing else.
 */

/* The id of (parent, code, instr); WIRE_NODE_UNKNOWN, counted, when there is no room. */
uint32_t node_intern(struct thread *t, uint32_t parent, uint32_t code, uint32_t instr);
