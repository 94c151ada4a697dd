#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"

struct builder;

/*
 * The samples that a profile of time adds up, in the order of time. A thread's samples of one
 * stack, in rounds that follow each other, are one run, so memory is O(rounds + changes).
 */
struct course_run {
	size_t round; /* of its process: that of the first sample */
	uint32_t samples;
	stack_id stack; /* in the profile's own stack table */
	uint16_t flags; /* enum sample_flag: what was running, held, waited for and collected */
	uint16_t wait;  /* enum sample_wait */
};

struct course_thread {
	thread_id thread;
	process_id process;
	struct course_run *runs;
	size_t count, room;
};

/* The rounds in which a process was looked at, whether or not anything counted. */
struct course_process {
	uint64_t *rounds_ns;
	size_t count, room;
	bool gap; /* private: nobody looked for a while before the last round */
};

struct course {
	struct course_thread *threads; /* by process, then by thread; each has a run */
	size_t thread_count;
	struct course_process *processes; /* [process_id] */
	size_t process_count;
	size_t thread_room, process_room; /* private */
	uint64_t period_ns, gap_ns;       /* private */
};

/* period_ns is how far apart rounds were meant to be. */
struct course *course_create(uint64_t period_ns);
void course_destroy(struct course *course);

/* In the order of time. counted: the sample is one of those that the profile adds up. A second
 * sample of a thread in one round is none. */
void course_add(struct course *course, const struct sample_event *sample, process_id process,
		bool counted);

/* When all samples were added: puts the runs' stacks into the profile's terms and drops what its
 * filters take away. */
void course_place(struct course *course, struct builder *builder);

/* When a run begins and ends. A sample lasts until its process's next round; where that is far away
 * (ten periods), or there is none, for one period. No run goes on over such a gap. */
uint64_t course_begin_ns(const struct course *course, const struct course_thread *thread,
			 const struct course_run *run);
uint64_t course_end_ns(const struct course *course, const struct course_thread *thread,
		       const struct course_run *run);
