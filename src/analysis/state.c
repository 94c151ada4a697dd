#include "analysis/state.h"

#include <assert.h>
#include <string.h>

static_assert(STATE_KERNEL - STATE_STOPPED == SAMPLE_WAIT_KERNEL &&
		      STATE_END - STATE_STOPPED == SAMPLE_WAIT_END,
	      "states end with the waits, in their order");

enum state state_of(unsigned flags, unsigned wait)
{
	if (flags & SAMPLE_RUNNING)
		return STATE_RUNNING;
	if (flags & SAMPLE_WAITS_GIL)
		return STATE_GIL;
	return wait < SAMPLE_WAIT_END ? STATE_STOPPED + wait : STATE_OTHER;
}

const char *state_name(enum state state)
{
	switch (state) {
	case STATE_RUNNING:
		return "running";
	case STATE_GIL:
		return "gil";
	case STATE_STOPPED:
		return "stopped";
	default:
		return sample_wait_name(state - STATE_STOPPED);
	}
}

bool state_matches(const char *name, unsigned flags, unsigned wait)
{
	enum state state = state_of(flags, wait);

	if (strcmp(name, "blocked") == 0)
		return state > STATE_GIL;
	if (strcmp(name, "gc") == 0)
		return (flags & SAMPLE_GC) != 0;
	return strcmp(name, state_name(state)) == 0;
}

bool state_is_known(const char *name)
{
	for (enum state state = 0; state < STATE_END; state++) {
		if (strcmp(name, state_name(state)) == 0)
			return true;
	}
	return strcmp(name, "blocked") == 0 || strcmp(name, "gc") == 0;
}
