#include "sampler/probe_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "target/children.h"
#include "target/pause.h"

#define LIST_NS 20000000ull /* between two lists of the threads */
/* Between two searches for a Python that is not there yet: at first, and at last. They grow by an
 * eighth, so that it is found before its process is that much older. */
#define FIND_FIRST_NS   1000000ull
#define FIND_LONGEST_NS 100000000ull
#define FIND_GROWTH     8u
/* Where only another program could bring one; that is asked for more often. */
#define FIND_SELDOM_NS 500000000ull
#define IMAGE_NS       10000000ull

/*
 * A reading that fails says something about what the thread was doing: it fails where calls are
 * short. If those samples are then taken with a pause, a little later, short calls come out too
 * short, by at most the share of readings that fail. Where that is large the thread is restless,
 * and all its samples are taken with a pause; now and then one without is tried, to see whether it
 * calmed down.
 */
#define UNREST_ONE   65536u
#define UNREST_SHIFT 7 /* a 128th of the difference: the last two hundred or so count */
#define UNREST_MOST  (UNREST_ONE / 8)
#define UNREST_LEAST (UNREST_ONE / 16)
#define UNREST_TRIAL 8u

_Static_assert(INTERPRETERS_WORDS_MAX <= STACK_ALONG_MAX, "they go along with a stack");

static const char purpose[] = "a process";

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void probe_forget_runtime(struct probe *probe)
{
	if (!probe->has_runtime)
		return;
	for (size_t i = 0; i < probe->thread_count; i++) {
		if (probe->threads[i].has_stack)
			stack_deinit(&probe->threads[i].stack);
		probe->threads[i].has_stack = false;
		probe->threads[i].name[0] = 0;
	}
	if (probe->has_objects)
		space_close(&probe->objects);
	probe->has_objects = false;
	threads_deinit(&probe->names);
	interpreters_deinit(&probe->interpreters);
	codes_deinit(&probe->codes);
	target_runtime_deinit(&probe->runtime);
	probe->has_runtime = false;
	probe->find_step_ns = FIND_FIRST_NS;
}

/* A search during which another program began has found parts of both. */
static int search_runtime(struct probe *probe, bool *retry, struct error *err)
{
	uint64_t image = target_image(probe->target);
	int status = target_find_runtime(probe->target, &probe->runtime, retry, err);

	probe->image = target_image(probe->target);
	if (probe->image == image)
		return status;
	if (status == 0)
		target_runtime_deinit(&probe->runtime);
	*retry = true;
	return error_set(err, ERROR_UNSUPPORTED, "process %d runs another program now",
			 (int)target_pid(probe->target));
}

static int probe_find_runtime(struct probe *probe, struct error *err)
{
	bool retry = false;
	int status = search_runtime(probe, &retry, err);

	if (status == 0) {
		probe->has_runtime = true;
		codes_init(&probe->codes, probe->target, &probe->runtime.layout, probe->tree);
		interpreters_init(&probe->interpreters, probe->target, &probe->runtime);
		threads_init(&probe->names);
		probe->has_objects = space_open(&probe->objects, probe->target, &probe->runtime);
		probe->list_due_ns = 0;
		probe->reason = (struct error){0};
		return 0;
	}
	probe->reason = *err;
	if (!retry && !probe->options.patient)
		return status;
	if (!retry)
		probe->find_step_ns = FIND_SELDOM_NS;
	*err = (struct error){0};
	return 0;
}

int probe_create(struct target *target, struct trace_tree *tree,
		 const struct probe_options *options, struct probe **out, struct error *err)
{
	struct probe *probe = memory_check(calloc(1, sizeof(*probe)), purpose);
	int status;

	probe->target = target;
	probe->tree = tree;
	probe->options = *options;
	probe->find_step_ns = FIND_FIRST_NS;
	tasks_init(&probe->tasks);
	status = probe_find_runtime(probe, err);
	if (status < 0) {
		probe_destroy(probe);
		return status;
	}
	*out = probe;
	return 0;
}

void probe_destroy(struct probe *probe)
{
	if (!probe)
		return;
	probe_forget_runtime(probe);
	tasks_deinit(&probe->tasks);
	free(probe->threads);
	target_close(probe->target);
	free(probe);
}

struct target *probe_target(struct probe *probe)
{
	return probe->target;
}

uint64_t probe_image(const struct probe *probe)
{
	return probe->image;
}

bool probe_runs_python(const struct probe *probe)
{
	for (size_t i = 0; i < probe->thread_count; i++) {
		if (probe->threads[i].has_stack)
			return true;
	}
	return false;
}

void probe_set_process(struct probe *probe, uint32_t process)
{
	probe->options.process = process;
}

const struct target_runtime *probe_runtime(const struct probe *probe)
{
	return probe->has_runtime ? &probe->runtime : NULL;
}

const struct error *probe_reason(const struct probe *probe)
{
	return &probe->reason;
}

const struct probe_counts *probe_counts(const struct probe *probe)
{
	return &probe->counts;
}

static struct watched *find_thread(struct watched *threads, size_t count, pid_t tid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (threads[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && threads[low].tid == tid ? &threads[low] : NULL;
}

/* Lists native threads; those that stay keep what is known of them. */
static bool list_tasks(struct probe *probe)
{
	struct watched *old = probe->threads;
	size_t old_count = probe->thread_count;

	if (!tasks_list(probe->target, &probe->tasks))
		return false;
	probe->threads =
		memory_check(calloc(probe->tasks.count + 1, sizeof(*probe->threads)), purpose);
	probe->thread_count = probe->tasks.count;
	for (size_t i = 0; i < probe->tasks.count; i++) {
		pid_t tid = probe->tasks.items[i].tid;
		struct watched *before = find_thread(old, old_count, tid);

		if (before) {
			probe->threads[i] = *before;
			before->has_stack = false;
		} else {
			probe->threads[i].tid = tid;
		}
	}
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].has_stack)
			stack_deinit(&old[i].stack);
	}
	free(old);
	return true;
}

/* Gives every native thread the thread state that it runs, if Python has one for it. */
static void assign_states(struct probe *probe)
{
	for (size_t i = 0; i < probe->thread_count; i++) {
		struct watched *thread = &probe->threads[i];
		const struct thread_state *state =
			interpreters_state_of(&probe->interpreters, &probe->tasks.items[i]);

		if (thread->has_stack && (!state || state->address != thread->stack.tstate)) {
			stack_deinit(&thread->stack);
			thread->has_stack = false;
		}
		if (state && !thread->has_stack) {
			stack_init(&thread->stack, state->address);
			thread->has_stack = true;
			thread->was_blocked = false;
		}
		thread->interp = state ? state->interp : 0;
	}
}

static void list_threads(struct probe *probe, uint64_t time_ns)
{
	probe->list_due_ns = time_ns + LIST_NS;
	if (!list_tasks(probe))
		return;
	interpreters_list(&probe->interpreters, &probe->tasks);
	assign_states(probe);
}

uint32_t probe_task_flags(const struct probe *probe, const struct task *task,
			  const struct watched *thread)
{
	const struct interpreter *interp = interpreters_find(&probe->interpreters, thread->interp);
	uint32_t flags = task->state == TASK_RUNNING ? SAMPLE_RUNNING : 0;

	if (interp && task->state == TASK_BLOCKED && task->wait == WAIT_FUTEX &&
	    interpreter_owns_futex(interp, task->syscall_argument))
		flags |= SAMPLE_WAITS_GIL;
	return flags;
}

void probe_add_counts(struct probe *probe, struct watched *thread)
{
	probe->counts.reads += thread->stack.view.reads;
	thread->stack.view.reads = 0;
	probe->counts.reads += probe->codes.reads;
	probe->codes.reads = 0;
}

struct stack_target probe_stack_target(struct probe *probe, const struct watched *thread)
{
	const struct interpreter *interp = interpreters_find(&probe->interpreters, thread->interp);

	return (struct stack_target){
		.target = probe->target,
		.runtime = &probe->runtime,
		.codes = &probe->codes,
		.tree = probe->tree,
		.gil = interp ? interp->gil : 0,
		.generation = interp ? interp->generation : 0,
	};
}

bool probe_owns_state(const struct probe *probe, const struct watched *thread)
{
	return probe->runtime.layout.tstate_interp == PYABI_NONE ||
	       thread->stack.interp == thread->interp;
}

bool probe_is_undecided(enum stack_result result)
{
	return result == STACK_CHANGED || result == STACK_ELSEWHERE;
}

static void add_reads(struct probe *probe)
{
	probe->counts.reads += probe->interpreters.reads;
	probe->interpreters.reads = 0;
}

/* One reading. The first of a round looks at the interpreters too. */
static enum stack_result read_once(struct probe *probe, struct watched *thread,
				   const struct stack_target *from, bool is_still)
{
	struct stack_target first = *from;
	struct interpreters_words words;
	struct view_words along[INTERPRETERS_WORDS_MAX];
	enum stack_result result;

	if (!probe->owes_look)
		return stack_read(&thread->stack, from, is_still, &thread->node);
	first.along = along;
	first.along_count = interpreters_words(&probe->interpreters, &words, along);
	result = stack_read(&thread->stack, &first, is_still, &thread->node);
	if (thread->stack.has_along) {
		probe->owes_look = false;
		probe->is_stale =
			interpreters_looked(&probe->interpreters, &words,
					    thread->stack.gil_holder) != INTERPRETERS_SAME;
	}
	return result;
}

/* What else wants to know how the interpreters are looks at them alone. */
static void look_owed(struct probe *probe)
{
	if (!probe->owes_look)
		return;
	probe->owes_look = false;
	probe->is_stale = interpreters_look(&probe->interpreters) != INTERPRETERS_SAME;
	add_reads(probe);
}

/*
 * Reads while the thread is stopped. One that does not stop in time waits for a processor: it
 * cannot run any code of its own before it stops, so what is read is as good.
 */
static enum stack_result read_paused(struct probe *probe, struct watched *thread,
				     const struct stack_target *from)
{
	enum stack_result result = STACK_CHANGED;
	uint64_t begun_ns = now_ns();
	struct pause pause;
	enum pause_result paused = pause_begin(thread->tid, &pause);

	if (paused != PAUSE_STOPPED && paused != PAUSE_LATE)
		return STACK_CHANGED;
	for (unsigned i = 0; i < PROBE_TRIES && probe_is_undecided(result); i++)
		result = read_once(probe, thread, from, true);
	if (paused == PAUSE_STOPPED) {
		pause_end(&pause);
		probe->counts.pauses++;
		probe->counts.paused_ns += now_ns() - begun_ns;
	}
	return result;
}

/* Reads while the thread runs, until a reading is good, or `changes` of them were not because the
 * stack changed. */
static enum stack_result read_running(struct probe *probe, struct watched *thread,
				      const struct stack_target *from, unsigned changes)
{
	enum stack_result result = STACK_CHANGED;

	for (unsigned i = 0, changed = 0; i < PROBE_TRIES + changes && changed < changes; i++) {
		probe->counts.retries += i > 0;
		result = read_once(probe, thread, from, false);
		if (!probe_is_undecided(result))
			return result;
		changed += result == STACK_CHANGED;
	}
	return STACK_CHANGED;
}

static void note_unrest(const struct probe *probe, struct watched *thread, bool changed)
{
	/* Up to 3.10 readings take longer, and the calls that they miss are longer ones. */
	uint32_t part = probe->runtime.layout.frame_executing == PYABI_NONE ? 1 : 2;

	thread->unrest -= thread->unrest >> UNREST_SHIFT;
	thread->unrest += changed ? UNREST_ONE >> UNREST_SHIFT : 0;
	/* More is not remembered: it may calm down. */
	if (thread->unrest > 2 * UNREST_MOST / part)
		thread->unrest = 2 * UNREST_MOST / part;
	if (thread->unrest > UNREST_MOST / part)
		thread->is_restless = true;
	else if (thread->unrest < UNREST_LEAST / part)
		thread->is_restless = false;
	thread->trial = 0;
}

/* Whether this sample is taken with a pause from the first. */
static bool is_to_pause(struct probe *probe, struct watched *thread)
{
	if (!thread->is_restless || probe->options.never_pause)
		return false;
	return ++thread->trial <= UNREST_TRIAL;
}

/*
 * Reads the thread's stack; returns further flags. A thread that is blocked is never stopped: its
 * stack stands still as it is, and some system calls return early (EINTR) when their thread is
 * stopped.
 */
static uint32_t read_stack(struct probe *probe, struct watched *thread, bool runs, bool pause)
{
	struct stack_target from = probe_stack_target(probe, thread);
	enum stack_result result = STACK_CHANGED;
	uint32_t flags = 0;

	if (!runs) {
		result = read_running(probe, thread, &from, PROBE_TRIES);
	} else if (!pause && !is_to_pause(probe, thread)) {
		bool was_restless = thread->is_restless && !probe->options.never_pause;

		result = read_once(probe, thread, &from, false);
		if (result == STACK_GOOD || probe_is_undecided(result))
			note_unrest(probe, thread, result != STACK_GOOD);
		/* Where it is not where it was last, the next reading knows. */
		if (result == STACK_ELSEWHERE && !was_restless) {
			probe->counts.retries++;
			result = read_running(probe, thread, &from, 1);
		}
		/* A trial is no sample. */
		if (was_restless && (result == STACK_GOOD || probe_is_undecided(result)))
			result = STACK_CHANGED;
	}
	/* Where it stopped in the middle of a return it goes on a little. */
	for (unsigned i = 0;
	     runs && result == STACK_CHANGED && !probe->options.never_pause && i < PROBE_TRIES;
	     i++) {
		result = read_paused(probe, thread, &from);
		flags |= SAMPLE_PAUSED;
	}
	if (runs && result == STACK_CHANGED) {
		result = read_running(probe, thread, &from, PROBE_TRIES);
		flags = 0;
	}
	probe_add_counts(probe, thread);
	if (result == STACK_GOOD && !probe_owns_state(probe, thread))
		result = STACK_GONE;
	if (result == STACK_GOOD && thread->node == SAMPLE_STACK_UNKNOWN)
		return SAMPLE_UNKNOWN; /* the tree is full */
	if (result == STACK_GOOD)
		return flags | (thread->stack.holds_gil ? SAMPLE_HOLDS_GIL : 0);
	thread->node = SAMPLE_STACK_UNKNOWN;
	probe->list_due_ns = 0;
	return SAMPLE_UNKNOWN;
}

/* A thread that blocks as it did, and was not put on a CPU meanwhile, has the stack that it had. */
static bool did_not_run(struct watched *thread, struct task *task)
{
	bool was_blocked = thread->was_blocked;
	uint64_t switches = thread->switches;

	thread->was_blocked = task->state == TASK_BLOCKED;
	if (!thread->was_blocked)
		return false;
	task_look_at_schedule(task);
	thread->switches = task->switches;
	return was_blocked && task->switches == switches;
}

static void look_at_thread(struct probe *probe, size_t i, bool pause)
{
	struct watched *thread = &probe->threads[i];
	struct task *task = &probe->tasks.items[i];
	const struct interpreter *interp;

	thread->flags = probe_task_flags(probe, task, thread);
	if (!thread->has_stack) {
		thread->node = SAMPLE_STACK_EMPTY;
		return;
	}
	if (did_not_run(thread, task) && thread->node != SAMPLE_STACK_UNKNOWN) {
		probe->counts.unchanged++;
		look_owed(probe);
		interp = interpreters_find(&probe->interpreters, thread->interp);
		if (interp && interp->gil_holder == thread->stack.tstate)
			thread->flags |= SAMPLE_HOLDS_GIL;
	} else {
		thread->flags |= read_stack(probe, thread, task->state == TASK_RUNNING, pause);
	}
	look_owed(probe);
	interp = interpreters_find(&probe->interpreters, thread->interp);
	/* Without a GIL who collects stops all others. */
	if (interp && interp->collects &&
	    thread->flags & (interp->gil ? SAMPLE_HOLDS_GIL : SAMPLE_RUNNING))
		thread->flags |= SAMPLE_GC;
}

/* Memory may be where it was, say the same, and be another program's all the same. */
static enum interpreters_result look_at_interpreters(struct probe *probe, uint64_t time_ns)
{
	enum interpreters_result result = interpreters_look(&probe->interpreters);

	if ((result == INTERPRETERS_CHANGED || time_ns >= probe->list_due_ns) &&
	    target_image(probe->target) != probe->image)
		return INTERPRETERS_GONE;
	return result;
}

bool probe_begin_round(struct probe *probe, uint64_t time_ns, bool later)
{
	struct error ignored;

	probe->has_names = false;
	probe->owes_look = later;
	probe->is_stale = false;
	if (!probe->has_runtime && time_ns >= probe->image_due_ns) {
		probe->image_due_ns = time_ns + IMAGE_NS;
		if (target_image(probe->target) != probe->image) {
			probe->find_due_ns = time_ns;
			probe->find_step_ns = FIND_FIRST_NS;
		}
	}
	if (!probe->has_runtime && time_ns >= probe->find_due_ns) {
		if (!target_is_alive(probe->target))
			return false;
		probe_find_runtime(probe, &ignored);
		probe->find_due_ns = time_ns + probe->find_step_ns;
		if (probe->find_step_ns < FIND_LONGEST_NS)
			probe->find_step_ns += probe->find_step_ns / FIND_GROWTH;
	}
	if (!probe->has_runtime)
		return true;
	switch (later ? INTERPRETERS_SAME : look_at_interpreters(probe, time_ns)) {
	case INTERPRETERS_SAME:
		break;
	case INTERPRETERS_CHANGED:
		probe->list_due_ns = 0;
		break;
	case INTERPRETERS_GONE:
		if (!target_is_alive(probe->target))
			return false;
		/* Another program runs in its place. */
		probe_forget_runtime(probe);
		return true;
	}
	add_reads(probe);
	codes_begin_round(&probe->codes, time_ns);
	if (time_ns >= probe->list_due_ns)
		list_threads(probe, time_ns);
	return true;
}

/* One round; later: as probe_begin_round has it. */
static ssize_t look_at_all(struct probe *probe, uint64_t time_ns, bool pause, bool later,
			   struct sample *samples, size_t max)
{
	size_t count = 0;

	if (!probe_begin_round(probe, time_ns, later))
		return -1;
	if (!probe->has_runtime)
		return 0;
	for (size_t i = 0; i < probe->thread_count && !probe->is_stale; i++) {
		struct watched *thread = &probe->threads[i];
		struct task *task = &probe->tasks.items[i];

		if (probe->options.python_only && !thread->has_stack)
			continue;
		task_look(task);
		if (task->state == TASK_GONE) {
			probe->list_due_ns = 0;
			continue;
		}
		if (count == max) {
			probe->counts.missed++;
			continue;
		}
		probe->counts.looks++;
		look_at_thread(probe, i, pause);
		if (thread->flags & SAMPLE_UNKNOWN) {
			task_look(task);
			if (task->state == TASK_GONE)
				continue;
			probe->counts.failures++;
		}
		samples[count++] = (struct sample){
			.time_ns = time_ns,
			.process = probe->options.process,
			.tid = thread->tid,
			.stack = thread->node,
			.flags = (uint16_t)thread->flags,
			.wait = (uint16_t)(task->state == TASK_BLOCKED ? task->wait : WAIT_NONE),
		};
	}
	return (ssize_t)count;
}

static ssize_t look(struct probe *probe, uint64_t time_ns, bool pause, struct sample *samples,
		    size_t max)
{
	struct probe_counts before = probe->counts;
	bool later = probe->has_runtime && probe->interpreters.count == 1 &&
		     time_ns < probe->list_due_ns;
	ssize_t count;

	pause_settle();
	count = look_at_all(probe, time_ns, pause, later, samples, max);
	if (!later || count < 0 || !(probe->is_stale || probe->owes_look))
		return count;
	/* What was known of threads and interpreters is old: once more, from the first. Or there
	 * was no thread to look at. */
	probe->counts.looks = before.looks;
	probe->counts.failures = before.failures;
	probe->counts.missed = before.missed;
	probe->counts.unchanged = before.unchanged;
	return look_at_all(probe, time_ns, pause, false, samples, max);
}

ssize_t probe_look(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max)
{
	return look(probe, time_ns, false, samples, max);
}

ssize_t probe_look_paused(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max)
{
	return look(probe, time_ns, true, samples, max);
}

static void read_names(struct probe *probe)
{
	const struct interpreters *all = &probe->interpreters;
	uint64_t *interps = memory_check(calloc(all->count + 1, sizeof(*interps)), purpose);

	for (size_t i = 0; i < all->count; i++)
		interps[i] = all->items[i].address;
	threads_read(&probe->names, &probe->objects.space, interps, all->count);
	probe->has_names = true;
	free(interps);
}

/* As threading has it, or had it last; NULL if it never had any. */
static const char *find_name(struct probe *probe, struct watched *thread)
{
	const struct thread_state *state;
	const struct threads_entry *entry;

	if (!probe->has_objects || !thread->has_stack)
		return *thread->name ? thread->name : NULL;
	if (!probe->has_names)
		read_names(probe);
	state = interpreters_state_of(&probe->interpreters,
				      &probe->tasks.items[thread - probe->threads]);
	entry = state ? threads_find(&probe->names, state->pthread) : NULL;
	if (entry && *entry->name)
		snprintf(thread->name, sizeof(thread->name), "%s", entry->name);
	return *thread->name ? thread->name : NULL;
}

const char *probe_thread_name(struct probe *probe, pid_t tid)
{
	struct watched *thread = find_thread(probe->threads, probe->thread_count, tid);
	const char *name = thread ? find_name(probe, thread) : NULL;
	char kernel[16];

	if (!name) {
		task_name(probe->target, tid, kernel);
		name = kernel;
	}
	snprintf(probe->name, sizeof(probe->name), "%s", name);
	return probe->name;
}

size_t probe_children(struct probe *probe, pid_t *children, size_t max)
{
	if (!probe->has_runtime && !tasks_list(probe->target, &probe->tasks))
		return 0;
	return target_children(probe->target, &probe->tasks, children, max);
}

pid_t probe_thread(const struct probe *probe, size_t i)
{
	return i < probe->thread_count ? probe->threads[i].tid : 0;
}
