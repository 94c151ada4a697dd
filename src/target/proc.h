#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/target.h"

/* The inside of a target: for this room alone. */

/* What reading memory found out. */
struct target_memory {
	/* Whose memory it is: the process, or a thread of it where the first one has ended. */
	pid_t tid;
	bool denied; /* process_vm_readv: the file is read */
	int fd;      /* /proc/PID/mem, or -1 */
};

struct target {
	pid_t pid, inner_pid;
	int pidfd;  /* -1: the kernel has none */
	int folder; /* /proc/PID: never that of another process, also when the pid is given again */
	uint64_t start_ticks;
	struct target_memory *memory;
};

/* Opens a file below /proc/PID for reading. -1 with errno: ESRCH or ENOENT when it is gone. */
int proc_open(const struct target *target, const char *name);

/*
 * The same for a file that tells of the memory (maps, exe, root, ..), which the first thread has no
 * more when it ended before the others: `name` is then of one that lives.
 */
#define PROC_NAME_MAX 96
const char *proc_memory_name(const struct target *target, const char *name,
			     char buffer[PROC_NAME_MAX]);

/* Reads until the end or size-1 bytes; the text is terminated. Its length, or -1. */
ssize_t proc_read_fd(int fd, char *text, size_t size);
ssize_t proc_read(const struct target *target, const char *name, char *text, size_t size);

/* What sonde wants of /proc/PID/stat and of /proc/PID/task/TID/stat, see proc(5). */
struct proc_stat {
	char state;
	pid_t parent;
	uint64_t cpu_ticks; /* utime + stime */
	uint64_t threads;
	uint64_t start_ticks;
};
bool proc_parse_stat(const char *text, struct proc_stat *stat);
bool proc_read_stat(const struct target *target, const char *name, struct proc_stat *stat);

/* The value of a line "Key:\tvalue" of /proc/PID/status; NULL if there is none. `key` with its
 * colon. */
const char *proc_status_value(const char *text, const char *key);
/* The last of the numbers that NSpid has: the one in the innermost namespace. 0 if there is none.
 */
pid_t proc_parse_inner_pid(const char *status);
/* Ended, and no other thread goes on. */
bool proc_stat_is_over(const struct proc_stat *stat);
/* A thread that has not ended; 0: there is none. */
pid_t proc_find_thread(const struct target *target);
