#pragma once

#include "target/tasks.h"

/* On what a system call waits. */
enum task_wait syscalls_wait(long number);
