#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sampler/probe.h"

/*
 * Samples processes at a rate, in a thread of its own, into a queue. Deadlines are absolute and
 * jittered (a Poisson process is not needed for truth, but no phase of the target's may lock in);
 * a deadline that has passed is counted as missed, never caught up with.
 */
struct sampler;

struct sampler_options {
	double rate_hz;
	bool never_pause;
	bool pause_always; /* stop every thread for each reading: a reference */
	bool python_only;
	bool subprocesses; /* processes that a target starts are sampled too, as they appear */
	/* Session time in ns; CLOCK_MONOTONIC - start. Called by the sampler's thread. */
	uint64_t (*now_ns)(void *data);
	void *now_data;
};

int sampler_create(const struct sampler_options *options, struct sampler **out, struct error *err);
/* Stops and joins the thread. */
void sampler_destroy(struct sampler *sampler);

/* Before sampler_start, or from the thread that drains. must: fail if it cannot be sampled; else
 * the process is watched until Python appears in it. *process is its number. */
int sampler_add(struct sampler *sampler, pid_t pid, bool must, uint32_t *process,
		struct error *err);
int sampler_start(struct sampler *sampler, struct error *err);
void sampler_stop(struct sampler *sampler);

/* What the queue holds, in order. Called by one thread, which need not be the one that samples. */
size_t sampler_take(struct sampler *sampler, struct sample *samples, size_t max);

/* News about processes, in order with nothing: ask behind sampler_take and before its samples are
 * used, so that every process that one names is known. False: no more. */
struct sampler_process {
	uint32_t process;
	pid_t pid, parent_pid;
	bool ended;
	bool replaced;    /* it ended with exec: the pid lives on */
	uint64_t time_ns; /* of its begin or end */
	char python_version[24];
	char *command, *executable; /* to be freed; NULL when ended */
};
bool sampler_take_process(struct sampler *sampler, struct sampler_process *news);

/* News about names of threads. */
struct sampler_thread {
	uint32_t process;
	pid_t tid;
	char name[64];
};
bool sampler_take_thread(struct sampler *sampler, struct sampler_thread *news);

struct trace_tree *sampler_tree(struct sampler *sampler);
/* Processes that are still sampled or watched. */
unsigned sampler_alive(struct sampler *sampler);

struct sampler_counts {
	struct probe_counts probe; /* of all processes */
	uint64_t rounds;           /* deadlines met */
	uint64_t rounds_missed;    /* deadlines that had passed */
	uint64_t begun_ns;         /* session time; 0 until the first round */
	uint64_t last_round_ns;    /* when the last one was, in session time */
	uint64_t dropped;          /* samples for which the queue had no room */
	/* Processes that a target started, that were met, and of which there is no sample: no
	 * Python ran in them, they were over too soon, or may not be read. */
	uint64_t unsampled;
	uint64_t cpu_ns; /* of the sampling thread */
};
void sampler_count(struct sampler *sampler, struct sampler_counts *counts);
/* Why a process that was added gave no samples, of the last such; code 0: there is none. */
void sampler_reason(struct sampler *sampler, struct error *reason);
