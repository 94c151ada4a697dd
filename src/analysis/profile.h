#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/state.h"
#include "base/error.h"
#include "capture/reader.h"

/*
 * A capture read once, boiled down to rows: what amount of bytes or time each stack stands for in
 * the chosen metric. A pure function of the capture and the options: no clock, no environment, no
 * printing.
 */
enum metric {
	METRIC_PEAK,      /* live at the moment of the highest total */
	METRIC_LEAKS,     /* live at the end */
	METRIC_TEMPORARY, /* released after at most N further allocations of the same thread */
	METRIC_TOTAL,     /* everything ever allocated */
	METRIC_WALL,      /* time of threads, whatever they did */
	METRIC_CPU,       /* time of threads on a CPU, or waiting for one */
	METRIC_GIL,       /* time of threads that held the GIL */
};

/* "peak", "leaks", "temporary", "total", "wall", "cpu", "gil" */
const char *metric_name(enum metric metric);

/* What amounts are counted in. */
enum unit {
	UNIT_BYTES, /* METRIC_PEAK to METRIC_TOTAL */
	UNIT_NS,    /* METRIC_WALL to METRIC_GIL */
};

enum unit metric_unit(enum metric metric);
/* What a capture shows unless it is told otherwise: the peak if allocations were recorded, else the
 * time that was recorded. */
enum metric metric_usual(const struct capture_reader *reader);

struct profile_options {
	enum metric metric;
	uint32_t temporary_threshold; /* N, METRIC_TEMPORARY */
	bool split_threads;
	bool merge_lines;        /* frames of one function become one, without a line */
	bool hide_import_system; /* drop frames of importlib and runpy */
	bool both;   /* also what the capture holds of the other unit: struct profile's `other` */
	bool course; /* of time: also the course of it, struct profile_time's `course` */
	bool hide_interpreter; /* drop frames of the standard library's frozen start-up and CPython
				* internals */
	/* Filters, each NULL or a NULL-terminated list; a row stays when it matches one of each
	 * list that is given. function and file are shell patterns (fnmatch) over any frame of the
	 * stack; thread is a name, pattern or tid; module is a dotted module name or its prefix,
	 * matched against the frames' files. */
	const char *const *functions;
	const char *const *files;
	const char *const *modules;
	const char *const *threads;
	const char *const *states; /* of time: samples of one of these (analysis/state.h) */
	uint64_t from_ns, to_ns;   /* a window [from, to); to 0: until the end */
	/* Called now and then while reading; share goes from 0 to 1. May be NULL. */
	void (*progress)(double share, void *data);
	void *progress_data;
};

struct profile_row {
	stack_id stack;   /* in the profile's own stack table: profile_stack */
	thread_id thread; /* 0 when threads are merged */
	process_id process;
	uint64_t amount;     /* in the profile's unit */
	uint64_t count;      /* of blocks, or samples */
	double amount_error; /* standard error of amount; 0 when the capture is exact */
	double count_error;
	struct profile_row_memory { /* of bytes */
		uint32_t allocator;
		struct tally_counts allocated; /* everything ever, whatever the metric */
		double allocated_bytes_error;
	} memory;
};

struct profile_point {
	uint64_t time_ns;    /* end of the bin */
	uint64_t heap_bytes; /* highest live bytes in the bin */
	uint64_t live_bytes; /* live bytes at its end */
	uint64_t rss_bytes;  /* last RSS in the bin, summed over processes; 0: none */
};

/* The heap of the whole capture, or of the window, before any filter (estimates where sampled). */
struct profile_memory {
	struct tally_totals totals;
	struct profile_error {
		double bytes, count;
	} allocated_error, peak_error, live_error; /* of the totals; 0 when exact */
	/* At most 2,048 bins over the whole duration or the window; aggregate captures: RSS only.
	 */
	struct profile_point *timeline;
	size_t timeline_count;
};

/* What a thread did, in samples that passed the filters. */
struct profile_thread {
	thread_id thread;
	uint64_t counted;           /* in the metric */
	uint64_t samples;           /* whatever the metric: the sum of the states */
	uint64_t states[STATE_END]; /* enum state */
	uint64_t holds_gil;         /* of all samples; as the others below, beside the states */
	uint64_t gc;                /* collecting garbage */
	uint64_t unknown;           /* without a stack: it could not be read */
};

struct profile_gil {
	process_id process;
	uint64_t rounds; /* in which the process was looked at */
	uint64_t held;   /* of these: some thread held its GIL */
	uint64_t waited; /* of these: some thread waited for it */
};

struct profile_moment {
	uint64_t time_ns; /* end of the bin */
	double threads;   /* that counted in the metric, on average; NaN: not looked at */
};

/* What the samples of the whole capture, or of the window, say. */
struct profile_time {
	uint64_t period_ns; /* of time that a sample stands for */
	uint64_t rounds;    /* of samples, of all processes together */
	struct profile_thread all;
	struct profile_thread *threads; /* most samples in the metric first */
	size_t thread_count;
	size_t counted_threads;   /* the first ones: they have samples in the metric */
	struct profile_gil *gils; /* by process, before any filter */
	size_t gil_count;
	struct profile_moment *timeline; /* before any filter but that by state */
	size_t timeline_count;
	struct course *course; /* analysis/course.h; NULL unless it was asked for */
};

struct profile {
	struct capture_reader *reader; /* borrowed */
	struct profile_options options;
	enum unit unit; /* of all amounts */
	bool estimated; /* amounts and counts are estimates */

	struct profile_row *rows; /* largest amount first; ties in a fixed order */
	size_t row_count;
	size_t all_count; /* rows[row_count..all_count): nothing in this metric, only `memory` */
	uint64_t amount, count;               /* sums over rows */
	double amount_error, count_error;     /* standard errors of these sums */
	uint64_t hidden_amount, hidden_count; /* what the filters took away */

	struct profile_memory memory; /* of bytes */
	struct profile_time time;     /* of time */
	struct profile *other;        /* of the other unit, its usual metric; NULL: there is none */
	/* Frames after hiding and merging (analysis/stacks.h), and what they are: the capture's,
	 * under their own ids, 0 for stacks without frames, and markers behind those. */
	struct stacks *stacks;
	struct capture_frame *frames; /* [frame_count + 1] */
	frame_id frame_count;
};

/*
 * Reads the capture to its end. On damage: what could be read (see reader_damage). Fails with
 * ERROR_USAGE when the capture cannot answer what is asked: bytes where no allocations were
 * recorded, time where no samples were, a window of an aggregate capture, temporary blocks of a
 * sampled one, or with another N than an aggregate capture was made with.
 *
 * Sampled captures (sample rate R): a block of S bytes was recorded with p = 1 - exp(-S / R) and
 * stands for S / p bytes and 1 / p blocks, which is unbiased (Horvitz and Thompson, 1952); the
 * squared standard errors are the sums of S^2 (1 - p) / p^2 and (1 - p) / p^2. The peak is that of
 * the estimated total.
 *
 * Time: a sample stands for the time between two rounds of sampling, as it was on average. A row of
 * n samples has a standard error of sqrt(n) samples (n is Poisson distributed when rounds have
 * nothing to do with what the program does).
 */
int profile_create(struct capture_reader *reader, const struct profile_options *options,
		   struct profile **out, struct error *err);
void profile_destroy(struct profile *profile);

/* Parent and frame of a row's stack; innermost frame first. Stack 0 is empty. */
void profile_stack(const struct profile *profile, stack_id stack, stack_id *parent,
		   frame_id *frame);

/* What a frame is; a marker for frame 0, which stands for a stack without frames. */
const struct capture_frame *profile_frame(const struct profile *profile, frame_id frame);

/* For analysis alone: UINT64_MAX when there is no end. */
uint64_t profile_window_end(const struct profile_options *options);
void profile_tell_progress(const struct profile_options *options, double share);
