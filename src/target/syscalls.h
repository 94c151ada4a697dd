#pragma once

#include "target/tasks.h"
#include "target/tasks_text.h"

/* On what a system call waits. */
enum task_wait syscalls_wait(const struct tasks_syscall *call);
