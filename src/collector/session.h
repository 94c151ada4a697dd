#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/wire.h"

/*
 * The shared memory of one recording, collector's side: a sealed memory file, so that no target can
 * shorten it under our feet, of which only what is touched exists. Only its owner can open it.
 */
struct session {
	struct wire_session *shared;
	int fd;
	uint64_t start_ns;    /* CLOCK_MONOTONIC at session time 0 */
	int64_t wall_time_ns; /* CLOCK_REALTIME at session time 0 */
};

struct session_options {
	uint32_t flags; /* WIRE_SESSION_* */
	enum wire_start start;
	uint64_t sample_rate_bytes;
};

/* Session time starts with this. Fails with ERROR_UNSUPPORTED where shared memory is denied. */
int session_open(struct session *session, const struct session_options *options, struct error *err);
void session_close(struct session *session);

/* Whoever still records stops by itself, without waiting for anyone. */
void session_dismiss(struct session *session);

/* The value of WIRE_ENVIRONMENT for a target that inherits the session as inherited_fd. */
#define SESSION_ENVIRONMENT_BYTES 64u
void session_environment(const struct session *session, int inherited_fd,
			 char value[SESSION_ENVIRONMENT_BYTES]);

uint64_t session_now_ns(const struct session *session);
/* Tells the targets what time it is; returns it. */
uint64_t session_publish_clock(struct session *session);

/* Sleeps until an agent wants attention, a signal arrives, or timeout_ns have passed. is_busy is
 * asked once more after the agents can see that we are about to sleep: true skips the sleep. */
void session_sleep(struct session *session, uint64_t timeout_ns, bool (*is_busy)(void *data),
		   void *data);

/* Maps the area of a process; NULL (errno) if that is denied. */
struct wire_area *session_map_area(const struct session *session, unsigned process);
void session_unmap_area(struct wire_area *area);

/* After the last process that could write into it is gone, and the area is unmapped: empties it and
 * its place in the table. */
void session_reset_area(struct session *session, unsigned process);

/* Gives back the pages of one ring, whose thread is gone. */
void session_empty_ring(struct wire_area *area, unsigned thread);
