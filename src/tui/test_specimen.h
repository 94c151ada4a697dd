#pragma once

#include <stdint.h>

#include "sampler/live.h"
#include "sampler/trace_tree.h"
#include "tui/feed.h"

/*
 * A program that is not there, sampled at 100 Hz, for tests of what shows it. Ten rounds of its
 * main thread, again and again:
 *
 *	6  main > work > crunch	running, with the GIL
 *	2  main > work > parse	running, without
 *	1  main > \u5199\u771f	waiting for the GIL
 *	1  main			asleep
 *
 * Beside it a thread without Python, in poll, and `workers` that wait in futex.
 */
struct specimen {
	struct trace_tree *tree;
	struct feed_facts facts;
	uint64_t told_ns; /* samples up to here were handed out */
	unsigned rounds, workers;
	uint32_t nodes[5]; /* the four stacks, and that of the workers */
	bool told;
	pid_t child; /* a second process, that does what the first does; 0: none */
};

#define SPECIMEN_PERIOD_NS 10000000ull

void specimen_init(struct specimen *specimen);
void specimen_deinit(struct specimen *specimen);

/* struct feed: hands out what came up to facts.now_ns. */
void specimen_pull(struct live *live, void *specimen);
void specimen_look(struct feed_facts *facts, void *specimen);
