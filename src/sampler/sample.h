#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/tasks.h"

/* What one look at one thread of a process saw. */
enum sample_flag {
	SAMPLE_RUNNING = 1u << 0, /* on a CPU, or waiting for one */
	SAMPLE_HOLDS_GIL = 1u << 1,
	SAMPLE_WAITS_GIL = 1u << 2,
	SAMPLE_GC = 1u << 3,      /* its interpreter is in a garbage collection that it runs */
	SAMPLE_PAUSED = 1u << 4,  /* read while the thread was stopped */
	SAMPLE_UNKNOWN = 1u << 5, /* the stack could not be read: stack is SAMPLE_STACK_UNKNOWN */
};

/* A stack is a node of a struct trace_tree (sampler/trace_tree.h): 0 is the empty stack (a thread
 * that Python does not know, or that runs no Python code). */
#define SAMPLE_STACK_EMPTY   0u
#define SAMPLE_STACK_UNKNOWN 1u

struct sample {
	uint64_t time_ns; /* of its round: the same for all threads of one */
	uint32_t process; /* as the sampler numbers them, from 0 */
	pid_t tid;        /* in our PID namespace */
	uint32_t stack;
	uint16_t flags; /* enum sample_flag */
	uint16_t wait;  /* enum task_wait */
};
