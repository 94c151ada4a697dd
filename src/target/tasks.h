#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/target.h"

/* The native threads of a process, and what each is doing. Files of /proc stay open per thread. */

enum task_state {
	TASK_GONE,
	TASK_RUNNING, /* on a CPU, or waiting for one */
	TASK_BLOCKED, /* in a system call, or in the kernel otherwise; task.wait says on what */
	TASK_STOPPED, /* by a signal or a tracer */
};

/* On what a blocked thread waits, from the number of its system call. Stored in captures: append
 * only. */
enum task_wait {
	WAIT_NONE,
	WAIT_FUTEX, /* a lock, a condition */
	WAIT_POLL,  /* select, poll, epoll */
	WAIT_SLEEP, /* nanosleep and its kin */
	WAIT_READ,
	WAIT_WRITE,
	WAIT_NETWORK, /* accept, connect, recv, send */
	WAIT_CHILD,   /* wait for a process */
	WAIT_FILE,    /* open, stat, sync, .. */
	WAIT_OTHER,   /* another system call */
	WAIT_KERNEL,  /* no system call: a page fault, say */
	WAIT_END,
};

struct task {
	pid_t tid;       /* in our PID namespace */
	pid_t inner_tid; /* in the target's: what Python calls native_thread_id */
	int syscall_fd, schedstat_fd;

	enum task_state state;
	enum task_wait wait;
	uint64_t syscall_argument; /* the first one: of a futex its address */
	uint64_t stack_pointer;    /* blocked: 0 if not known */
	/* Times it was put on a CPU: the same number at two looks between which it was blocked at
	 * both means that it did not run. */
	uint64_t switches;
	uint64_t cpu_ns; /* up to its last switch or tick */

	/* private */
	bool looked;
	bool no_syscall, no_schedstat; /* such a file is not there, or not for us */
};

struct tasks {
	struct task *items; /* in the order of tid */
	size_t count, room;
};

void tasks_init(struct tasks *tasks);
void tasks_deinit(struct tasks *tasks);

/* Lists /proc/PID/task anew: new threads are opened, gone ones closed; the others stay. Returns
 * false if the process is gone. */
bool tasks_list(const struct target *target, struct tasks *tasks);

/*
 * Looks at one thread: state, wait, system call. One small read; two at the first look and where it
 * is not clear whether the thread is stopped. A thread that is stopped later, within a system call,
 * counts as blocked in it. Where the kernel does not tell the system call, wait is WAIT_OTHER.
 */
void task_look(struct task *task);
/* switches and cpu_ns. One small read. */
void task_look_at_schedule(struct task *task);

/* The kernel's name of it; "" if it is gone. */
void task_name(const struct target *target, pid_t tid, char name[16]);

/* "futex", "sleep", .. */
const char *task_wait_name(unsigned wait);
