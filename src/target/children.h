#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "target/target.h"
#include "target/tasks.h"

/* Processes that the threads of this one started and that have not been reaped. Returns how many
 * were written. Where the kernel does not list them (CONFIG_PROC_CHILDREN) all processes are looked
 * through. */
size_t target_children(const struct target *target, const struct tasks *tasks, pid_t *children,
		       size_t max);
