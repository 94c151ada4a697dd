#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The parsers behind task_look and task_look_at_schedule, for this room, its tests and its fuzz
 * target. The texts are terminated. */

struct tasks_syscall {
	long number; /* -1: none */
	uint64_t arguments[6];
	uint64_t stack_pointer;
};

/* False for what is no system call: "running". */
bool tasks_parse_syscall(const char *text, struct tasks_syscall *call);
bool tasks_parse_schedstat(const char *text, uint64_t *cpu_ns, uint64_t *switches);
