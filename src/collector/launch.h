#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "collector/session.h"
#include "collector/signals.h"

/*
 * Starting a target with the agent preloaded. The target is forked at once and held before exec, so
 * that its pid is known, and everything else can still fail, before one instruction of it has run.
 */
struct launch {
	pid_t pid;
	int gate;    /* a byte lets the target go on; closed without one, it vanishes */
	int outcome; /* errno of a failed exec, or the end */
};

struct launch_options {
	const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH */
	const char *agent; /* preloaded in front of whatever is preloaded already; NULL: none */
	/* Descriptors of its input, output and errors; -1: as ours. NULL: all of them as ours. */
	const int *streams;
};

/* Whether the program can be found and executed, as execvp would. Fails with ERROR_NOT_FOUND or
 * ERROR_NOT_EXECUTABLE. */
int launch_check(const char *program, struct error *err);

/* Standard streams but for those that were named, signal mask and dispositions, and the
 * environment but for the agent's, are the target's as they were sonde's. session: NULL for a
 * target that is not to know of one. */
int launch_fork(struct launch *launch, const struct launch_options *options,
		const struct session *session, const struct signals *signals, struct error *err);

/* Lets the target go on. Fails as launch_check when it could not be executed after all; it is
 * gone then. */
int launch_exec(struct launch *launch, const char *program, struct error *err);

/* Instead of launch_exec: the target vanishes without having run. */
void launch_cancel(struct launch *launch);
