#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"

/*
 * The books of a capture's samples, what a tally is for its events: counts samples per stack,
 * thread and what the thread did, and per process the rounds in which the GIL was held or waited
 * for. Memory: O(rows + threads), time per sample: O(1).
 */
struct timesheet_row {
	stack_id stack; /* 0: no Python code; TIMESHEET_STACK_UNKNOWN */
	thread_id thread;
	uint16_t flags, wait; /* enum sample_flag, enum sample_wait */
	uint64_t samples;
};

#define TIMESHEET_STACK_UNKNOWN UINT32_MAX

struct timesheet_process {
	uint64_t rounds;             /* in which the process was looked at */
	uint64_t gil_held;           /* of these: some thread held the GIL */
	uint64_t gil_waited;         /* of these: some thread waited for it */
	uint64_t time_ns;            /* private: of the round at hand */
	bool open, is_held, waiting; /* private: that round */
};

struct timesheet;

struct timesheet *timesheet_create(void);
void timesheet_destroy(struct timesheet *timesheet);

/* In the order of time; process is that of the thread. */
void timesheet_add(struct timesheet *timesheet, const struct sample_event *sample,
		   process_id process);

/* Rounds of all processes: those at the same time are one; and the time from the first to the last.
 */
uint64_t timesheet_rounds(const struct timesheet *timesheet, uint64_t *span_ns);

/* The rows, in the order in which they came up. Valid until the next sample. */
size_t timesheet_rows(const struct timesheet *timesheet, const struct timesheet_row **rows);

/* Completes the last rounds. By process, [0] to [count - 1]; a process without samples has no
 * rounds. Valid until timesheet_destroy; no more samples may come. */
size_t timesheet_end(struct timesheet *timesheet, const struct timesheet_process **processes);
