#pragma once

#include "agent/agent.h"

/* The node of this thread's Python stack as it stands, WIRE_NODE_EMPTY if it runs no Python. Never
 * waits, never fails: what could not be recorded is WIRE_NODE_UNKNOWN, and counted. */
uint32_t stack_capture(struct thread *t);

/* The code object of the thread's outermost frame that has one, 0 if there is none. */
uintptr_t stack_outermost_code(void);
