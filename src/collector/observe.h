#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/writer.h"
#include "target/target.h"

/*
 * What /proc says of a target. Everything here can fail at any moment, because the target may be
 * gone: a failure is an answer, never an error.
 */
struct observe {
	pid_t pid;
	int pidfd;             /* -1: the kernel has none */
	struct target *target; /* NULL: it was gone, or is not to be seen */
};

void observe_open(struct observe *observe, pid_t pid);
void observe_close(struct observe *observe);

/* Whether the process has not ended. A zombie has. */
bool observe_is_alive(const struct observe *observe);
/* Whether one of its threads has not ended. */
bool observe_thread_is_alive(const struct observe *observe, uint32_t tid);

/* Resident bytes; 0 if it has ended. */
uint64_t observe_rss(const struct observe *observe);

/* The name of a thread; false (and "") if it is gone. */
bool observe_thread_name(const struct observe *observe, uint32_t tid, char name[16]);

/* argv joined by spaces, and the executable; to be freed; NULL if it is gone. */
char *observe_command(const struct observe *observe);
char *observe_executable(const struct observe *observe);

/* How long ago the process began, see target_age_ns; 0 if that cannot be found out. */
uint64_t observe_age_ns(const struct observe *observe);

/* A part of a file, and whether the process maps any of it: 1, 0, or -1 where that cannot be found
 * out: no /proc, or a process that hides. */
struct observe_part {
	uint64_t device, inode;
	uint64_t offset, bytes;
};
int observe_maps(const struct observe *observe, const struct observe_part *part);

/* Reads the maps of the process, which costs it little and sonde up to milliseconds. `own_inode`:
 * of the session's file. False if it is gone. */
bool observe_memory(const struct observe *observe, uint64_t own_inode,
		    struct capture_memory *memory);

/* The parser behind it: one mapping of smaps at a time, in order. Exposed for its test. */
struct observe_smaps {
	struct capture_memory *memory;
	uint64_t own_inode;
	uint64_t start, end, inode;
	uint64_t size, rss, swap;
	char permissions[5];
	char name[64];
	bool any;
	/* of the mapping before, for what only neighbours tell */
	uint64_t before_end, before_size;
	bool before_is_guard; /* inaccessible */
	bool before_is_arena;
};

void observe_smaps_line(struct observe_smaps *smaps, const char *line);
void observe_smaps_end(struct observe_smaps *smaps);
