#pragma once

#include "sampler/codes.h"
#include "sampler/interpreters.h"
#include "sampler/probe.h"
#include "sampler/space.h"
#include "sampler/stack.h"
#include "sampler/threads.h"
#include "target/tasks.h"

/* The inside of a probe, for probe.c and probe_visit.c. */
#define PROBE_TRIES 3u /* of a reading that finds a stack changed */

/* One native thread. */
struct watched {
	pid_t tid;
	bool has_stack; /* Python knows it */
	bool was_blocked;
	uint64_t switches; /* when it was read last */
	uint64_t interp;   /* of its thread state */
	struct stack stack;
	uint32_t node;
	uint32_t flags;
	/* How often its stack changed under a reading, of late: in units of 1 / UNREST_ONE
	 * (probe.c). */
	uint32_t unrest;
	bool is_restless;
	unsigned trial; /* restless: samples since the last reading without a pause */
	char name[64];  /* the last that threading had for it; it forgets when Python ends */
};

struct probe {
	struct target *target;
	struct trace_tree *tree;
	struct probe_options options;
	struct probe_counts counts;

	struct target_runtime runtime;
	bool has_runtime;
	struct error reason; /* why there is none */
	uint64_t image;      /* the program that it is of */
	uint64_t find_due_ns, find_step_ns, image_due_ns;

	struct tasks tasks;
	struct watched *threads; /* one a task, in the same order */
	size_t thread_count, thread_room;
	uint64_t list_due_ns;

	struct codes codes;
	struct interpreters interpreters;
	/* The look at them is still to come in this round: along with the first stack. */
	bool owes_look;
	bool is_stale; /* it found that the lists are others by now */

	struct space_of_target objects;
	bool has_objects;
	struct threads names;
	bool has_names; /* of this round */
	char name[64];
};

/* Makes ready for a round; false if there is nobody any more. later: the interpreters are looked at
 * with the first stack. */
bool probe_begin_round(struct probe *probe, uint64_t time_ns, bool later);

/* SAMPLE_RUNNING and SAMPLE_WAITS_GIL, as far as the task says so. */
uint32_t probe_task_flags(const struct probe *probe, const struct task *task,
			  const struct watched *thread);

/* What reading the stack of a thread needs, and what is to be done behind each reading. */
struct stack_target probe_stack_target(struct probe *probe, const struct watched *thread);
void probe_add_counts(struct probe *probe, struct watched *thread);
/* Whether the reading is that of the thread state that was expected; its memory may be somebody
 * else's by now. */
bool probe_owns_state(const struct probe *probe, const struct watched *thread);
bool probe_is_undecided(enum stack_result result);
