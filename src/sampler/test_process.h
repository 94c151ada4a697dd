#pragma once

#include "sampler/test_python.h"
#include "target/children.h"
#include "target/pause.h"
#include "target/runtime.h"
#include "target/tasks.h"

/*
 * A process that does not exist, with threads, around a Python that does not either: plays the part
 * of the target room. There is one at a time.
 */
#define PROCESS_THREADS 8u

struct process_thread {
	pid_t tid, inner_tid;
	enum task_state state;
	enum task_wait wait;
	uint64_t argument, switches;
};

struct process {
	struct python python; /* its memory is the target */
	struct process_thread threads[PROCESS_THREADS];
	size_t count;
	bool is_dead;
	uint64_t image; /* which program it runs */
	unsigned execs; /* that are still to come, one at each search for the runtime */
	/* What looking for the runtime says. */
	int find_status; /* enum error_code, 0: found */
	bool find_retry;
	/* What stopping a thread says, and is done then: to what is seen of it. */
	enum pause_result pause;
	void (*on_pause)(struct process *process);
	pid_t stopped;
	unsigned finds, closes, pauses, schedules;
};

static struct process *the_process;

static inline struct target *process_target(struct process *process)
{
	return memory_target(&process->python.memory);
}

static inline void process_init(struct process *process, unsigned kind)
{
	memset(process, 0, sizeof(*process));
	python_init(&process->python, kind);
	the_process = process;
}

static inline void process_deinit(struct process *process)
{
	python_deinit(&process->python);
	the_process = NULL;
}

static inline struct process_thread *process_thread(struct process *process, pid_t tid)
{
	for (size_t i = 0; i < process->count; i++)
		if (process->threads[i].tid == tid)
			return &process->threads[i];
	return NULL;
}

static inline struct process_thread *process_add_thread(struct process *process, pid_t tid,
							pid_t inner_tid)
{
	struct process_thread *thread = &process->threads[process->count++];

	if (process->count > PROCESS_THREADS)
		abort();
	*thread = (struct process_thread){tid, inner_tid, TASK_RUNNING, WAIT_NONE, 0, 1};
	return thread;
}

int target_find_runtime(const struct target *target, struct target_runtime *runtime, bool *retry,
			struct error *err)
{
	struct process *process = the_process;

	(void)target;
	process->finds++;
	if (process->execs) {
		process->execs--;
		process->image++;
	}
	*retry = process->find_retry;
	if (process->find_status)
		return error_set(err, (enum error_code)process->find_status, "no Python");
	*runtime = process->python.runtime;
	return 0;
}

void target_runtime_deinit(struct target_runtime *runtime)
{
	(void)runtime;
}

pid_t target_pid(const struct target *target)
{
	(void)target;
	return the_process->threads[0].tid;
}

uint64_t target_image(const struct target *target)
{
	(void)target;
	return the_process->image;
}

void target_close(struct target *target)
{
	(void)target;
	the_process->closes++;
}

bool target_is_alive(const struct target *target)
{
	(void)target;
	return !the_process->is_dead;
}

size_t target_children(const struct target *target, const struct tasks *tasks, pid_t *children,
		       size_t max)
{
	(void)target;
	if (max < tasks->count)
		return 0;
	for (size_t i = 0; i < tasks->count; i++)
		children[i] = tasks->items[i].tid + 1000;
	return tasks->count;
}

void tasks_init(struct tasks *tasks)
{
	*tasks = (struct tasks){0};
}

void tasks_deinit(struct tasks *tasks)
{
	free(tasks->items);
	*tasks = (struct tasks){0};
}

bool tasks_list(const struct target *target, struct tasks *tasks)
{
	(void)target;
	if (the_process->is_dead)
		return false;
	free(tasks->items);
	tasks->items = calloc(PROCESS_THREADS, sizeof(*tasks->items));
	tasks->count = 0;
	for (size_t i = 0; i < the_process->count; i++) {
		if (the_process->threads[i].state == TASK_GONE)
			continue;
		tasks->items[tasks->count].tid = the_process->threads[i].tid;
		tasks->items[tasks->count++].inner_tid = the_process->threads[i].inner_tid;
	}
	return true;
}

void task_look(struct task *task)
{
	const struct process_thread *thread = process_thread(the_process, task->tid);

	task->state = thread && !the_process->is_dead ? thread->state : TASK_GONE;
	task->wait = thread ? thread->wait : WAIT_NONE;
	task->syscall_argument = thread ? thread->argument : 0;
}

void task_look_at_schedule(struct task *task)
{
	const struct process_thread *thread = process_thread(the_process, task->tid);

	the_process->schedules++;
	task->switches = thread ? thread->switches : 0;
}

void task_name(const struct target *target, pid_t tid, char name[16])
{
	(void)target;
	memset(name, 0, 16);
	if (process_thread(the_process, tid))
		memcpy(name, "kernel's", 8);
}

enum pause_result pause_begin(pid_t tid, struct pause *pause)
{
	struct process *process = the_process;

	*pause = (struct pause){.tid = tid};
	/* One at a time. */
	if (process->stopped)
		abort();
	if (process->pause == PAUSE_STOPPED)
		process->stopped = tid;
	process->pauses++;
	if (process->on_pause)
		process->on_pause(process);
	return process->pause;
}

void pause_end(struct pause *pause)
{
	if (the_process->stopped != pause->tid)
		abort();
	the_process->stopped = 0;
}

bool pause_settle(void)
{
	return true;
}
