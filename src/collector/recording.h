#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "capture/model.h"
#include "capture/writer.h"
#include "collector/sampling.h"
#include "wire/wire.h"

/* One recording: starts a target and writes what it does into a capture. */
struct recording_options {
	const char *const *command; /* the target's argv, NULL-terminated; [0] is found by PATH */
	const char *const *command_line; /* as the user gave it to sonde, for the capture */
	const char *agent;               /* the shared object to preload; NULL preloads nothing */
	const char *sonde_version;

	/* The file to write. NULL: what output_for returns (to be freed), which is told the pid of
	 * the target. */
	const char *output;
	char *(*output_for)(pid_t pid, void *data);
	void *output_data;
	bool replace; /* an existing file */

	/* Called once, when processes that the target left behind keep the recording open. */
	void (*waiting)(unsigned processes);

	enum capture_mode mode;
	uint64_t sample_rate_bytes;   /* 0: every event */
	uint64_t temporary_threshold; /* CAPTURE_AGGREGATE */
	bool trace_python_allocators;
	struct sampling_options sampling; /* rate 0: none */
	enum capture_time_metric time_metric;
	bool drop;   /* lose events rather than let the target wait */
	bool single; /* the first process that starts is the only one */

	enum wire_start start;
	bool stop_at_end; /* when the interpreter begins to tear itself down */
};

struct recording_result {
	bool launched; /* the target ran: status is its, whatever became of the capture */
	int status;    /* as wait(2) says it */
	char output[4096];

	unsigned processes; /* that recorded */
	unsigned left;      /* of these, still alive when sonde was told to end */
	bool loaded;        /* an agent was loaded, though perhaps nothing ever started it */
	bool refused;       /* some process found no room in the session, or no memory to map it */
	bool foreign;       /* some process had a PID namespace of its own, and took no part */
	bool own_malloc;    /* a program has a malloc of its own, which was not recorded */
	bool replaced;      /* the program ran another one in its place, which was not recorded */
	uint32_t refused_python; /* PY_VERSION_HEX of a Python whose stacks cannot be read; 0: none
				  */
	bool gave_up;            /* an agent stopped because it took sonde for dead */
	bool complete;
	bool cut;  /* writing the capture failed: it ends before the recording does */
	bool gone; /* somebody took the capture away */

	uint64_t duration_ns;
	uint64_t events;
	uint64_t bytes; /* on disk */
	uint64_t lost[LOST_END];
	uint64_t damage;        /* things in shared memory that cannot be */
	uint64_t frees_unknown; /* of blocks from before recording */
	uint64_t frees_missed;
	uint64_t peak_rss_bytes; /* of the process that had most */
	uint64_t peak_bytes;     /* traced; CAPTURE_AGGREGATE of every event only, else 0 */

	struct sampling_sums sampling;
	struct error sampling_error; /* why nothing was sampled; code 0: nothing to say */
};

/*
 * Runs the target to its end, and the processes that it started and that record: these until
 * SIGINT, SIGTERM, SIGHUP or SIGQUIT asks sonde to end. Before the target runs: fails with
 * ERROR_NOT_FOUND, ERROR_NOT_EXECUTABLE, or whatever the session or the writer says;
 * result->launched is false and no file is left behind. After: the target always runs to its own
 * end; what is returned then is the fate of the capture, which is readable up to where it went
 * wrong.
 */
int recording_run(const struct recording_options *options, struct recording_result *result,
		  struct error *err);

/* What a process ends with whose child ended so: its exit status, or 128 + n for signal n. */
int recording_exit_status(int wait_status);
