#pragma once

#include <stdbool.h>

#include "capture/model.h"

/*
 * What a thread did at a sample, as one of several that shut each other out: it ran, or else waited
 * for the GIL, or else was blocked in the system. Whether it held the GIL or collected garbage
 * stands beside that.
 */
enum state {
	STATE_RUNNING, /* on a CPU, or waiting for one */
	STATE_GIL,     /* waiting for the GIL */
	STATE_STOPPED, /* not running, and nothing is known that it waits for: stopped, say */
	STATE_FUTEX,   /* the rest as enum sample_wait, in its order */
	STATE_POLL,
	STATE_SLEEP,
	STATE_READ,
	STATE_WRITE,
	STATE_NETWORK,
	STATE_CHILD,
	STATE_FILE,
	STATE_OTHER,
	STATE_KERNEL,
	STATE_END,
};

enum state state_of(unsigned flags, unsigned wait);

/* "running", "gil", "stopped", "futex", .. */
const char *state_name(enum state state);

/* Is such a sample among those of a name: a state's, "blocked" (neither running nor waiting for the
 * GIL) or "gc" (collecting garbage, whatever the state)? */
bool state_matches(const char *name, unsigned flags, unsigned wait);
/* Is there such a name? */
bool state_is_known(const char *name);
