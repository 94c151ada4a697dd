#pragma once

#include <stdbool.h>

#include "capture/reader.h"
#include "capture/writer.h"

/* A capture made for a test, by the real writer. Fails the test when anything goes wrong. */
struct specimen {
	char path[64];
	struct capture_writer *writer;
	process_id process; /* the first, pid 100 */
	thread_id thread;   /* its first, tid 100, "main" */
};

/* `start` may be NULL: a full capture of "app.py" that began at 2024-01-02 03:04:05.678 UTC. */
void specimen_begin(struct specimen *specimen, const struct capture_start *start);

/* The start that specimen_begin takes for NULL, to be changed. */
struct capture_start specimen_start(void);

/* The same with samples in place of allocations: every ms, shown as CPU time. */
struct capture_start specimen_time_start(void);

/* A Python frame on top of a stack. */
stack_id specimen_stack(struct specimen *specimen, stack_id parent, const char *function,
			const char *file, unsigned line);

/* An event of the first thread. */
slot_id specimen_malloc(struct specimen *specimen, stack_id stack, uint64_t bytes);
void specimen_free(struct specimen *specimen, slot_id slot);

/* Closes the capture, opens it again for reading and removes its name. */
struct capture_reader *specimen_read(struct specimen *specimen, bool complete);

/* The same, with the byte in the middle of its file changed between. */
struct capture_reader *specimen_read_damaged(struct specimen *specimen);
