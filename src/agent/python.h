#pragma once

#include "agent/agent.h"

/* What the agent knows of the Python in this process. */

/* Looks for a Python among the loaded objects (handle: one to look in, or NULL for the global
 * scope); true if one was found, now or before, and its layout is known. */
bool python_find(void *handle);

/* ARMED: begins recording if this thread stands in the user's code. */
COLD void python_check_start(void);

/* Called by a thread that runs Python, until it succeeds: notes which allocator Python uses, and
 * wraps Python's own allocators if the session wants them traced. */
COLD void python_first_seen(void);
