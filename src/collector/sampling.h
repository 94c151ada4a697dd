#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "capture/writer.h"
#include "collector/census.h"
#include "collector/session.h"
#include "sampler/sampler.h"

/* Samples on their way into the capture. All but the sampling itself is the work of one thread. */
struct sampling;

struct sampling_options {
	double rate_hz;                 /* 0: no sampling */
	bool never_pause, pause_always; /* as struct sampler_options has them */
	bool python_only;               /* leave out threads that Python does not know */
	bool subprocesses;              /* sample what the targets start, too */
	/* Another recorder tells the capture of the same processes, and knows more of them. */
	bool waits_for_census;
};

/* Borrows the writer, the census and the session until sampling_close. */
int sampling_open(const struct sampling_options *options, struct capture_writer *writer,
		  struct census *census, const struct session *session, struct sampling **out,
		  struct error *err);
/* As sampler_add and sampler_start. */
int sampling_add(struct sampling *sampling, pid_t pid, bool must, struct error *err);
int sampling_start(struct sampling *sampling, struct error *err);

/* When the first round of samples began, in session time; 0: not yet. */
uint64_t sampling_begun_ns(struct sampling *sampling);

/* Moves what is there. Returns the number of samples. */
uint64_t sampling_drain(struct sampling *sampling);

/* The exit status of a process, as wait(2) has it, once it is known. */
void sampling_status(struct sampling *sampling, pid_t pid, int status);

/* Processes that are sampled or watched. */
unsigned sampling_alive(struct sampling *sampling);

/* So far, of all processes. */
struct sampling_sums {
	uint64_t samples;
	unsigned processes; /* that had a Python */
	struct capture_sampling sampling;
};
void sampling_sum(struct sampling *sampling, struct sampling_sums *sums);

/* Stops sampling; what is in the queue goes into the capture. sums: the last ones, or NULL. *reason
 * (or NULL): why there is not one sample; untouched where there are some. */
void sampling_close(struct sampling *sampling, struct sampling_sums *sums, struct error *reason);
