#include "sampler/probe_inside.h"

#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "target/pause.h"

#define PAUSE_TRIES 100u /* for one who wants it exactly */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A visit of all threads. */
struct visit {
	struct probe *probe;
	uint64_t time_ns;
	void (*thread)(const struct probe_thread *thread, void *data);
	void *data;
	struct probe_frame *frames; /* for one thread after the other */
	size_t room;
};

/* The frames that have code, as the last reading found them. */
static size_t list_frames(struct visit *visit, const struct stack *stack)
{
	size_t count = 0;

	visit->frames = memory_grow(visit->frames, stack->count, &visit->room,
				    sizeof(*visit->frames), "the frames of a thread");
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		uint32_t below =
			i + 1 < stack->count ? stack->frames[i + 1].node : SAMPLE_STACK_EMPTY;
		const struct trace_node *node = trace_tree_node(visit->probe->tree, frame->node);

		if (frame->node == below)
			continue;
		visit->frames[count++] = (struct probe_frame){
			.address = frame->address,
			.code_address = frame->code,
			.code = node->code,
			.instr = node->instr,
		};
	}
	return count;
}

/* Reads the stack of a thread that stands still, unless it could not be stopped. */
static enum stack_result read_for_visit(struct probe *probe, struct watched *thread, bool is_still)
{
	struct stack_target from = probe_stack_target(probe, thread);
	enum stack_result result = STACK_CHANGED;

	for (unsigned i = 0; i < PROBE_TRIES && probe_is_undecided(result); i++)
		result = stack_read(&thread->stack, &from, is_still, &thread->node);
	probe_add_counts(probe, thread);
	if (result == STACK_GOOD && !probe_owns_state(probe, thread))
		result = STACK_GONE;
	if (result != STACK_GOOD) {
		thread->node = SAMPLE_STACK_UNKNOWN;
		probe->list_due_ns = 0;
		probe->counts.failures++;
	}
	return result;
}

enum standing {
	RUNS,
	BLOCKED,
	STOPPED, /* by us */
};

static void show_thread(struct visit *visit, size_t i, enum standing standing, bool again)
{
	struct probe *probe = visit->probe;
	struct watched *thread = &probe->threads[i];
	const struct task *task = &probe->tasks.items[i];
	const struct interpreter *interp = interpreters_find(&probe->interpreters, thread->interp);
	struct probe_thread shown = {
		.sample = {.time_ns = visit->time_ns,
			   .process = probe->options.process,
			   .tid = thread->tid,
			   .wait = task->state == TASK_BLOCKED ? task->wait : WAIT_NONE},
		.again = again,
		.is_stopped = standing == STOPPED,
		.is_exact = standing != RUNS,
		.interp_id = -1,
	};
	uint32_t flags =
		probe_task_flags(probe, task, thread) | (shown.is_stopped ? SAMPLE_PAUSED : 0);

	thread->node = SAMPLE_STACK_EMPTY;
	if (thread->has_stack) {
		shown.tstate = thread->stack.tstate;
		shown.interp = thread->interp;
		shown.interp_id = interp ? interp->id : -1;
		if (read_for_visit(probe, thread, shown.is_exact) == STACK_GOOD)
			shown.frame_count = list_frames(visit, &thread->stack);
		else
			flags |= SAMPLE_UNKNOWN;
		if (!(flags & SAMPLE_UNKNOWN) && thread->stack.holds_gil)
			flags |= SAMPLE_HOLDS_GIL;
		if (interp && interp->collects && flags & SAMPLE_HOLDS_GIL)
			flags |= SAMPLE_GC;
	}
	shown.frames = visit->frames;
	shown.sample.flags = (uint16_t)flags;
	shown.sample.stack = thread->node;
	visit->thread(&shown, visit->data);
}

/* Shows a thread that is blocked; false if it ran meanwhile. */
static bool show_blocked(struct visit *visit, size_t i, bool again)
{
	struct task *task = &visit->probe->tasks.items[i];
	uint64_t switches;
	struct task after;

	task_look_at_schedule(task);
	switches = task->switches;
	show_thread(visit, i, BLOCKED, again);
	after = *task;
	task_look(&after);
	task_look_at_schedule(&after);
	return after.state == task->state && after.switches == switches;
}

/* On a busy machine a thread may have to wait for a CPU before it can stop. */
static enum pause_result pause_patiently(pid_t tid, struct pause *pause)
{
	enum pause_result result = pause_begin(tid, pause);

	for (unsigned i = 0; i < PAUSE_TRIES && result == PAUSE_LATE; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		result = pause_begin(tid, pause);
	}
	return result;
}

static void visit_thread(struct visit *visit, size_t i)
{
	struct probe *probe = visit->probe;
	struct watched *thread = &probe->threads[i];
	struct task *task = &probe->tasks.items[i];
	bool again = false;
	struct pause pause;
	uint64_t begun_ns;

	probe->counts.looks++;
	for (unsigned tries = 0; tries < PROBE_TRIES; tries++) {
		task_look(task);
		if (task->state == TASK_RUNNING || task->state == TASK_GONE)
			break;
		if (show_blocked(visit, i, again))
			return;
		again = true;
	}
	if (task->state == TASK_GONE) {
		probe->list_due_ns = 0;
		return;
	}
	begun_ns = now_ns();
	if (!thread->has_stack || probe->options.never_pause ||
	    pause_patiently(thread->tid, &pause) != PAUSE_STOPPED) {
		show_thread(visit, i, RUNS, again);
		return;
	}
	probe->counts.pauses++;
	show_thread(visit, i, STOPPED, again);
	pause_end(&pause);
	probe->counts.paused_ns += now_ns() - begun_ns;
}

/* The interpreter with the next greater id; NULL behind the last one. */
static const struct interpreter *next_interpreter(const struct interpreters *all, int64_t id)
{
	const struct interpreter *next = NULL;

	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].id > id && (!next || all->items[i].id < next->id))
			next = &all->items[i];
	return next;
}

ssize_t probe_visit_paused(struct probe *probe, uint64_t time_ns,
			   void (*thread)(const struct probe_thread *thread, void *data),
			   void *data)
{
	struct visit visit = {.probe = probe, .time_ns = time_ns, .thread = thread, .data = data};
	const struct interpreter *interp;
	int64_t id = -1;

	probe->list_due_ns = 0; /* threads that came since the last list are wanted too */
	if (!probe_begin_round(probe, time_ns, false))
		return -1;
	if (!probe->has_runtime)
		return 0;
	while ((interp = next_interpreter(&probe->interpreters, id))) {
		id = interp->id;
		for (size_t i = 0; i < probe->thread_count; i++)
			if (probe->threads[i].has_stack &&
			    probe->threads[i].interp == interp->address)
				visit_thread(&visit, i);
	}
	for (size_t i = 0; i < probe->thread_count && !probe->options.python_only; i++)
		if (!probe->threads[i].has_stack)
			visit_thread(&visit, i);
	free(visit.frames);
	return (ssize_t)probe->thread_count;
}
