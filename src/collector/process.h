#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "capture/writer.h"
#include "collector/census.h"
#include "collector/decode.h"
#include "collector/merge.h"
#include "collector/observe.h"
#include "collector/session.h"

/*
 * One process image that records: its area, and everything needed to turn that into the capture.
 *
 *   claimed -> ready -> ended -> destroyed     ready: the area is mapped, events flow
 *   claimed -> ended -> destroyed              it never began to record
 *
 * Ended: the process has ended, or another image has taken its place (exec). Until one of these is
 * certain, its place in the table must not be given to anyone else: whoever maps the area might
 * still write into it.
 */
struct process_thread {
	uint64_t ring_start;  /* pages of the ring behind this word of it are gone */
	uint32_t tid;         /* 0: nothing came from this slot's thread yet */
	bool gone;            /* a newer slot has the same tid */
	uint64_t name_due_ns; /* when to read its name again */
	uint64_t name_step_ns;
};

struct process {
	unsigned index; /* in the session's table */
	uint32_t pid;
	struct session *session;
	struct capture_writer *writer;
	struct census *census;
	struct wire_area *area; /* NULL while it is not ready */
	struct observe observe;
	bool is_current;  /* the process maps the area: no other image of it does */
	bool is_over;     /* nobody will write into the area again, though the process may live */
	bool is_followed; /* another image was met under its pid */
	bool ended;
	bool denied;   /* its area cannot be mapped here */
	bool done;     /* the agent stopped by itself */
	process_id id; /* 0 until the capture knows it */
	char *command, *executable;
	uint64_t start_ns;

	uint64_t rss_due_ns, threads_due_ns;
	uint64_t rss_bytes, peak_rss_bytes;
	uint64_t memory_due_ns, memory_soonest_ns; /* the next look at its maps */
	uint64_t memory_rss_bytes;                 /* RSS at the last one */
	uint64_t inode;                            /* of the session's file */

	unsigned new_threads;    /* since their last look */
	uint64_t lost[LOST_END]; /* by threads that are gone */
	struct decode decode;
	struct merge merge;
	struct stream streams[WIRE_THREAD_MAX];
	struct process_thread threads[WIRE_THREAD_MAX];
};

/* For a place in the table that is taken and has its pid. command: its argv if that is known. */
struct process *process_create(struct session *session, unsigned index, uint32_t pid,
			       const char *command, struct capture_writer *writer,
			       struct census *census);
/* Its area and its place in the table stay as they are. */
void process_destroy(struct process *process);

/* Maps the area once the agent says that it is ready. Nothing happens before that, or again. Fails
 * (once, with a message) when the area cannot be mapped. */
int process_begin(struct process *process, struct error *err);

/* Whether it may still record something. */
bool process_is_alive(const struct process *process);
/* Whether the process itself is gone, or has no memory any more; not just the program that it ran.
 */
bool process_is_ending(const struct process *process);
/* Whether nobody can write into its area any more. */
bool process_can_go(const struct process *process);

/* One round over its rings; returns the words consumed. */
uint64_t process_drain(struct process *process);

/* Whether a ring fills up so far that sleeping would be wrong. */
bool process_is_busy(const struct process *process);

/* What is due at now_ns: RSS, maps, threads that ended, names. */
void process_tend(struct process *process, uint64_t now_ns);

/* After the last drain of a process that has ended. exit_status as wait(2), or -1. */
void process_end(struct process *process, uint64_t now_ns, int exit_status);

/* Adds what it lost so far. */
void process_add_lost(const struct process *process, uint64_t lost[LOST_END]);
/* Things in its area that cannot be. */
uint64_t process_damage(const struct process *process);
