#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parsers behind task_look and task_look_at_schedule, for this room, its tests and its fuzz
 * target. The texts are terminated. */

/* False for what is no system call: "running". */
bool tasks_parse_syscall(const char *text, size_t length, long *number, uint64_t *argument,
			 uint64_t *stack_pointer);
bool tasks_parse_schedstat(const char *text, uint64_t *cpu_ns, uint64_t *switches);
