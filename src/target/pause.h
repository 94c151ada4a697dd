#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Stops one thread for a clean look. The thread goes on when it is released, and also when sonde is
 * killed: the kernel detaches the tracees of a tracer that ends. Signals that arrive meanwhile are
 * handed on. The thread is traced from pause_begin to pause_end only. All must be called by the
 * same thread of sonde.
 *
 * A stop has a trace in one case: a few system calls end with EINTR when their thread is stopped
 * while it is blocked in them (epoll_wait, sigtimedwait, msgrcv, receiving with a time-out: see
 * signal(7)). A thread that is blocked stands still without being stopped.
 */
enum pause_result {
	PAUSE_STOPPED,
	PAUSE_GONE,   /* the thread has ended */
	PAUSE_DENIED, /* not permitted, or another tracer has it */
	/* It did not stop in time: it is in uninterruptible sleep (a vfork, a disk), or waits for a
	 * CPU. It goes on, see pause_settle. */
	PAUSE_LATE,
};

struct pause {
	pid_t tid;
	bool was_stopped; /* by job control, before us: it stays so */
	int signal;       /* to hand on at release, 0: none */
};

/* Takes about 10 us; at most a few milliseconds. */
enum pause_result pause_begin(pid_t tid, struct pause *pause);
void pause_end(struct pause *pause);

/*
 * Call it before each round of looks, from the thread that pauses; it costs nothing but in one
 * case. A thread that does not come to run for milliseconds, because the machine is busy, or that
 * falls into an uninterruptible sleep just when it is to be stopped (both PAUSE_LATE), can only be
 * let go of when it has come to its stop: it stands still from then until the next pause_begin or
 * pause_settle, or the end of the calling thread. True: there is no such thread (any more).
 */
bool pause_settle(void);
