#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/model.h"
#include "target/tasks.h"

/* A stack is a node of a struct trace_tree (sampler/trace_tree.h): 0 is the empty stack (a thread
 * that Python does not know, or that runs no Python code). */
#define SAMPLE_STACK_EMPTY   0u
#define SAMPLE_STACK_UNKNOWN 1u

/* What one look at one thread of a process saw. */
struct sample {
	uint64_t time_ns; /* of its round: the same for all threads of one */
	uint32_t process; /* as the sampler numbers them, from 0 */
	pid_t tid;        /* in our PID namespace */
	uint32_t stack;
	uint16_t flags; /* enum sample_flag */
	uint16_t wait;  /* enum task_wait */
};
