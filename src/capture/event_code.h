#pragma once

#include <stdint.h>

#include "capture/model.h"

/*
 * The code of event chunks, shared by encoder and decoder; docs/capture-format.md, "Events", is its
 * specification. A payload is two streams: one byte or more of code per event, and the arguments
 * that some codes have. All state starts empty with every chunk.
 *
 *   site    (stack, allocator, size) of an allocation; the n-th new one has the number n - 1
 *   place   (stack, allocator), numbered in the same way
 *   age     of a block: how many blocks were allocated after it
 *   step    from the slot freed last to the one freed now
 */
enum event_code {
	CODE_ALLOC_NEAR = 0x00,    /* + site number */
	CODE_ALLOC_LATEST = 0x70,  /* + how many sites are newer */
	CODE_FREE_AGE = 0x80,      /* + age */
	CODE_FREE_STEP = 0xc0,     /* + index: steps -8..-1, 1..8 */
	CODE_ALLOC_FAR = 0xd0,     /* + site number >> 8; byte: the rest */
	CODE_FREE_OLDER = 0xe0,    /* + (age - CODE_AGES) >> 8; byte: the rest */
	CODE_ALLOC_FARTHER = 0xf0, /* two bytes: site number */
	CODE_ALLOC_SIZE = 0xf1,    /* place number, size: a new site at a known place */
	CODE_ALLOC_NEW = 0xf2,     /* stack - last new stack, byte: allocator, size */
	CODE_FREE_SLOT = 0xf3,     /* step */
	CODE_SHRINK = 0xf4,        /* step, bytes */
	CODE_TIME = 0xf5,          /* units of time that passed */
	CODE_THREAD = 0xf6,        /* thread id */
	CODE_THREAD_RECENT = 0xf7, /* + 0..2: the second, third, fourth most recent thread */
	CODE_REFILL = 0xfa,        /* slots that no block has, to be given out next */
	CODE_END = 0xfb,           /* this and above mean nothing */
};

#define CODE_NEAR      (CODE_ALLOC_LATEST - CODE_ALLOC_NEAR)
#define CODE_LATEST    (CODE_FREE_AGE - CODE_ALLOC_LATEST)
#define CODE_AGES      (CODE_FREE_STEP - CODE_FREE_AGE)
#define CODE_STEPS     8u
#define CODE_FAR       4096u
#define CODE_OLDER     4096u
#define CODE_SITES     65536u /* sites and places after this many get no number */
#define CODE_RECENT    8192u  /* allocations remembered: a power of two >= CODE_AGES + CODE_OLDER */
#define CODE_THREADS   4u
#define CODE_SLOTS_MAX 4096u /* in one list of free slots */

#define CODE_TIME_SHIFT 10 /* a unit of time is 1,024 ns */

struct event_site {
	stack_id stack;
	uint32_t allocator;
	uint64_t bytes;
};

struct event_place {
	stack_id stack;
	uint32_t allocator;
};
