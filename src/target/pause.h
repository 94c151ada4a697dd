#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Stops one thread for a clean look. The thread goes on when it is released, and also when sonde is
 * killed: the kernel detaches the tracees of a tracer that ends. Signals that arrive meanwhile are
 * handed on. The thread is traced from pause_begin to pause_end only. Both must be called by the
 * same thread of sonde.
 */
enum pause_result {
	PAUSE_STOPPED,
	PAUSE_GONE,   /* the thread has ended */
	PAUSE_DENIED, /* not permitted, or another tracer has it */
	PAUSE_LATE,   /* it did not stop in time (a vfork, uninterruptible sleep): it runs, untraced
		       */
};

struct pause {
	pid_t tid;
	bool was_stopped; /* by job control, before us: it stays so */
	int signal;       /* to hand on at release, 0: none */
};

enum pause_result pause_begin(pid_t tid, struct pause *pause);
void pause_end(struct pause *pause);
