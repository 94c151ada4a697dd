#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sampler/sample.h"
#include "sampler/trace_tree.h"
#include "target/runtime.h"
#include "target/target.h"

/*
 * One process under observation: its runtime, threads, and what was learned about its stacks. One
 * thread of sonde uses a probe (ptrace belongs to threads).
 */
struct probe;

struct probe_options {
	uint32_t process; /* goes into its samples */
	bool never_pause; /* a stack that cannot be verified is SAMPLE_UNKNOWN then */
	bool python_only; /* leave out threads that Python does not know */
};

/* Takes the target over, also when it fails. The runtime may appear later: probe_is_ready tells.
 * Fails with ERROR_PERMISSION or ERROR_UNSUPPORTED when it never will. */
int probe_create(struct target *target, struct trace_tree *tree,
		 const struct probe_options *options, struct probe **out, struct error *err);
void probe_destroy(struct probe *probe);

struct target *probe_target(struct probe *probe);
/* NULL until it was found. */
const struct target_runtime *probe_runtime(const struct probe *probe);

/*
 * Looks at all threads once. Returns the number of samples (at most max; what does not fit is
 * counted as missed), -1 if the process is gone or became another program.
 */
ssize_t probe_look(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max);

/* Every thread stopped while it is read; for dump, and as a reference. */
ssize_t probe_look_paused(struct probe *probe, uint64_t time_ns, struct sample *samples,
			  size_t max);

/* Changes when a thread got a name, came or went. The name that Python knows (threading), else the
 * kernel's; "" if none. Valid until the next call of any probe function. */
const char *probe_thread_name(struct probe *probe, pid_t tid);

/* Totals so far. */
struct probe_counts {
	uint64_t looks;     /* at a thread */
	uint64_t unchanged; /* of these: it had not run since the last one */
	uint64_t reads;     /* system calls that read its memory */
	uint64_t retries;   /* a stack that had changed while it was read */
	uint64_t pauses;    /* threads stopped */
	uint64_t paused_ns;
	uint64_t failures; /* no stack, all the same */
	uint64_t missed;   /* threads beyond what there was room for */
};
const struct probe_counts *probe_counts(const struct probe *probe);
