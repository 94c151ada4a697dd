#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/sample.h"
#include "sampler/sampler.h"

/*
 * The books of a sampling that is being watched: what the samples so far say, since the start and
 * within a window that slides with time. Neither clock nor I/O; one thread uses it.
 *
 * A sample is counted in one cell, that of its thread, stack and state. Whatever a screen shows is
 * summed over cells when it is drawn.
 *
 * 1. Memory is O(threads + distinct stacks and states of each of them + stacks seen within the
 *    window), never O(samples). Threads that have ended are one thread: they hand their cells to
 *    live_thread.rest of their process once the window has passed over them.
 * 2. A cell's count for the window is the sum over the slots of the window: a slot that falls out
 *    takes what it had with it. The window is WINDOW_SLOTS slots long, the newest not yet full.
 * 3. A sample stands for the time between the rounds of its process, as it really was in the span
 *    that is asked for. Time that nobody watched (sonde was stopped) stands for nothing.
 */
struct live;

enum live_span {
	LIVE_WINDOW,
	LIVE_ALL, /* since the start, or live_reset */
	LIVE_SPANS,
};

/* Which samples count. */
enum live_metric {
	LIVE_CPU,  /* SAMPLE_RUNNING */
	LIVE_WALL, /* all */
	LIVE_GIL,  /* SAMPLE_HOLDS_GIL */
	LIVE_METRICS,
};

struct live_options {
	uint64_t window_ns;
	uint64_t period_ns; /* asked for; stands until two rounds were seen */
};

struct live *live_create(const struct live_options *options);
void live_destroy(struct live *live);
/* For looking at only: live_add and live_advance do not go with it. */
struct live *live_copy(const struct live *live);
/* Forgets what was counted; processes and threads stay known. */
void live_reset(struct live *live);

/* In the order in which the sampler hands them out; of processes that live_news told of. */
void live_add(struct live *live, const struct sample *samples, size_t count);
/* Lets the window slide where no samples come. */
void live_advance(struct live *live, uint64_t now_ns);
/* Texts are copied. */
void live_news(struct live *live, const struct sampler_process *news);
void live_name(struct live *live, const struct sampler_thread *news);

struct live_rounds {
	uint64_t rounds;
	uint64_t intervals; /* between rounds that followed each other */
	uint64_t watched_ns;
};

struct live_process {
	bool ended;
	pid_t pid, parent_pid;
	uint64_t begin_ns, end_ns;
	char python_version[24];
	char *command; /* "" if it is not known */
	struct live_rounds rounds[LIVE_SPANS];

	uint64_t last_ns; /* its last round; 0: none yet */
	uint64_t serial;  /* of its last round */
	uint32_t rest;    /* number of its live_thread.rest + 1 */
};

/* Processes are numbered from 0, in the order of their news. NULL: there are not so many. */
uint32_t live_processes(const struct live *live);
const struct live_process *live_process(const struct live *live, uint32_t process);

struct live_thread {
	bool used;
	bool rest; /* not a thread: those of its process that have ended */
	uint32_t process;
	pid_t tid; /* 0: rest */
	char name[64];
	struct sample last; /* time_ns 0: none yet */

	uint32_t cells;             /* its first cell + 1 */
	uint32_t recent_cell, next; /* guesses: of its next sample, and whose sample comes then */
	uint64_t serial;            /* of the round of its last sample */
	uint64_t window;            /* samples within the window */
};

/* Numbers up to live_threads; NULL where no thread is. */
uint32_t live_threads(const struct live *live);
const struct live_thread *live_thread(const struct live *live, uint32_t thread);

struct live_cell {
	uint32_t thread;
	uint32_t stack;
	uint16_t flags; /* enum sample_flag but for SAMPLE_PAUSED */
	uint16_t wait;
	uint32_t next; /* cell of the same thread + 1 */
	uint32_t slot, entry;
	uint64_t counts[LIVE_SPANS];
};

/* Numbers up to live_cells; counts are 0 where no cell is. */
uint32_t live_cells(const struct live *live);
const struct live_cell *live_cell(const struct live *live, uint32_t cell);

bool live_metric_counts(enum live_metric metric, unsigned flags);

/* The time that one sample of the process (by live's number) stands for. */
double live_sample_ns(const struct live *live, uint32_t process, enum live_span span);
/* The time that was watched: of the process that was watched longest. */
double live_watched_ns(const struct live *live, enum live_span span);
/* Rounds a second of the process that was watched longest; 0 where that cannot be said yet. */
double live_rate_hz(const struct live *live, enum live_span span);
/* All that were counted since the start. */
uint64_t live_samples(const struct live *live);

/* Samples by what the thread did. running, waits_gil and blocked[] exclude each other. */
struct live_states {
	uint64_t samples;
	uint64_t running, holds_gil, waits_gil, gc, unknown;
	uint64_t blocked[SAMPLE_WAIT_END]; /* by enum sample_wait */
};

void live_thread_states(const struct live *live, uint32_t thread, enum live_span span,
			struct live_states *states);
/* Of all threads of a process together. */
void live_process_states(const struct live *live, uint32_t process, enum live_span span,
			 struct live_states *states);

/* Sampled in its process's newest rounds. */
bool live_thread_is_there(const struct live *live, uint32_t thread);

/* What the threads that are still there did at their last sample. */
struct live_now {
	uint32_t threads, running, waits_gil, blocked;
};
struct live_now live_now(const struct live *live);

/* What a thread did at its last sample, in a word or two: "running", "waits for the GIL", "futex".
 */
const char *live_state_text(const struct sample *sample);
