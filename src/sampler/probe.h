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
	bool patient;     /* wait for a Python where there is none: another program may follow */
};

/* Takes the target over, also when it fails. The runtime may appear later: probe_runtime tells.
 * Fails with ERROR_PERMISSION or ERROR_UNSUPPORTED when it never will. */
int probe_create(struct target *target, struct trace_tree *tree,
		 const struct probe_options *options, struct probe **out, struct error *err);
void probe_destroy(struct probe *probe);

struct target *probe_target(struct probe *probe);
/* What target_image said of the program that the runtime is of. */
uint64_t probe_image(const struct probe *probe);
/* Some thread is Python's, as of the last look. Between fork and exec there is none: what Python
 * keeps of its threads is then a copy of its parent's. */
bool probe_runs_python(const struct probe *probe);
/* Another number for the samples to come. */
void probe_set_process(struct probe *probe, uint32_t process);
/* NULL until it was found. */
const struct target_runtime *probe_runtime(const struct probe *probe);
/* Why it was not, at the last look for it; code 0 while there is a runtime. */
const struct error *probe_reason(const struct probe *probe);

/*
 * Looks at all threads once. Returns the number of samples (at most max; what does not fit is
 * counted as missed), -1 if the process is gone. One that became another program is without runtime
 * until that program's is found.
 */
ssize_t probe_look(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max);

/* Every thread stopped while it is read; for dump, and as a reference. */
ssize_t probe_look_paused(struct probe *probe, uint64_t time_ns, struct sample *samples,
			  size_t max);

/*
 * What probe_visit_paused shows of one thread. frames: innermost first, frames without code left
 * out; count 0 for a thread that runs no Python code or that Python does not know (tstate 0).
 * Addresses are the target's and are good for reading only while the visitor runs; all of it is
 * the probe's.
 */
struct probe_frame {
	uint64_t address;      /* PyFrameObject up to 3.10, _PyInterpreterFrame after */
	uint64_t code_address; /* PyCodeObject, untagged */
	uint32_t code, instr;  /* as struct trace_node has them */
};

struct probe_thread {
	struct sample sample; /* states as they were before it was stopped */
	bool again;        /* it ran while it was shown: forget what was shown of it just before */
	bool is_stopped;   /* by us */
	bool is_exact;     /* it stands still, being stopped or blocked */
	uint64_t tstate;   /* PyThreadState */
	uint64_t interp;   /* PyInterpreterState; 0: no tstate */
	int64_t interp_id; /* as Python numbers them, 0 the main one; -1: no tstate */
	const struct probe_frame *frames;
	size_t frame_count;
};

/*
 * As probe_look_paused, for one who wants to read more of each thread than its stack: calls `visit`
 * for each thread, threads of one interpreter together, while it stands still. A thread that is
 * blocked does so without being stopped; if it turns out to have run meanwhile it is shown once
 * more. One that runs is stopped, and no other at the same time; with never_pause it runs on, and
 * what is read of it may be torn. The visitor may read the target and may take its time, though a
 * stopped thread waits for it; it must not call the probe. Returns the number of threads, -1 as
 * probe_look does.
 */
ssize_t probe_visit_paused(struct probe *probe, uint64_t time_ns,
			   void (*visit)(const struct probe_thread *thread, void *data),
			   void *data);

/* Changes when a thread got a name, came or went. The name that Python knows (threading), else the
 * kernel's; "" if none. Valid until the next call of any probe function. */
const char *probe_thread_name(struct probe *probe, pid_t tid);

/* Processes that this one started, as target_children has them. */
size_t probe_children(struct probe *probe, pid_t *children, size_t max);

/* Threads as of the last look, for their names: tid i, 0 behind the last one. */
pid_t probe_thread(const struct probe *probe, size_t i);

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
