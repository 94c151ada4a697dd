#pragma once

#include <stdint.h>

#include "capture/model.h"

/*
 * The code of sample chunks, shared by encoder and decoder; docs/capture-format.md, "SAMPLES", is
 * its specification. A payload is three streams: codes, the arguments that some codes have, and the
 * times of the rounds. All state starts empty with every chunk.
 *
 *   round    what the threads of one group did at one time; a thread after the other
 *   group    threads that are looked at together: a process, or a part of one that has very many.
 *            Numbered as they come; each has its list of threads, and what each of them did last
 *   state    (flags, wait), numbered as they come
 *   site     (stack, flags, wait), numbered as they come
 */
enum sample_code {
	SAMPLE_CODE_NEAR = 0x00,    /* + site number: the next thread does this */
	SAMPLE_CODE_FAR = 0x80,     /* + site number >> 8; byte: the rest */
	SAMPLE_CODE_FARTHER = 0x90, /* two bytes: site number */
	SAMPLE_CODE_NEW = 0x91, /* stack - last new stack, state number; a new state: flags, wait */
	SAMPLE_CODE_INSERT =
		0x92, /* thread - last inserted one: it is the next thread from now on */
	SAMPLE_CODE_REMOVE = 0x93,   /* the next thread is in the list no more */
	SAMPLE_CODE_FOLLOWER = 0x94, /* 2 * group, + 1: at the same time; who has the next round */
	SAMPLE_CODE_ROUND = 0x95,    /* the next round begins, whoever is in it */
	SAMPLE_CODE_NONE = 0x96,     /* this and those up to KEEP mean nothing */
	SAMPLE_CODE_KEEP = 0xa0,     /* + index: so many threads, 1..80, do what they did last */
	SAMPLE_CODE_KEEP_MANY = 0xf0 /* + index: 2^index * SAMPLE_CODE_MANY threads */
};

#define SAMPLE_CODE_NEAR_SITES (SAMPLE_CODE_FAR - SAMPLE_CODE_NEAR)
#define SAMPLE_CODE_FAR_SITES  4096u
#define SAMPLE_CODE_SITES      65536u /* sites after this many get no number */
#define SAMPLE_CODE_STATES     4096u  /* the same */
#define SAMPLE_CODE_KEPT       (SAMPLE_CODE_KEEP_MANY - SAMPLE_CODE_KEEP)
#define SAMPLE_CODE_MANY       64u
#define SAMPLE_CODE_MANY_CODES 16u

#define SAMPLE_CODE_SHIFT_MAX 40u /* a unit of time is 2^shift ns */

struct sample_site {
	stack_id stack;
	uint16_t flags, wait;
};
