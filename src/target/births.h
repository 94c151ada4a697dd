#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Processes as they begin, of the whole machine: the kernel says which pid it gave out last. A look
 * at nothing new is one small read. Threads have pids too and are left out.
 */

#define BIRTHS_MAX 64u /* between two looks; of more it says that there were too many */

struct birth {
	pid_t pid, parent;
};

struct births {
	int loadavg;            /* -1: the kernel does not say */
	pid_t last;             /* that was given out, as of the last look */
	pid_t late[BIRTHS_MAX]; /* given out, and not in /proc yet: looked for once more */
	size_t late_count;
};

void births_init(struct births *births);
void births_deinit(struct births *births);

/*
 * Processes that began since the last look (at the first one, or where the kernel does not say:
 * none), as far as they are there still. Returns how many were written; -1: there were too many, so
 * that whoever wants to know them must look elsewhere.
 */
ssize_t births_look(struct births *births, struct birth list[BIRTHS_MAX]);
