#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/live.h"

/* What is known about a sampling besides its samples. */
struct feed_facts {
	pid_t pid;       /* of the process that was asked for */
	uint64_t now_ns; /* since its start; on the clock of the samples */
	double rate_hz;  /* asked for */
	uint64_t rounds_missed;
	uint64_t dropped;    /* samples for which there was no room */
	uint64_t unreadable; /* stacks that could not be read */
	double cpu;   /* share of one CPU that the processes used lately; below 0: not known */
	bool ended;   /* nothing comes any more */
	char end[80]; /* how: "it has ended", "exit status 3" */
};

/* Where a screen gets what it shows. */
struct feed {
	/* Hands what came since the last call to live. */
	void (*pull)(struct live *live, void *data);
	void (*look)(struct feed_facts *facts, void *data);
	void *data;
};
