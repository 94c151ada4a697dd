#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/recording.h"

/* One recording of processes that somebody else started, from outside. */
struct watching_options {
	pid_t pid;
	const char *sonde_version;
	const char *output;
	bool replace;
	struct sampling_options sampling;
	enum capture_time_metric time_metric;
	uint64_t duration_ns; /* from the first look on; 0: until the process ends, or sonde is
				 told to */
	void (*begun)(void);  /* called once it samples; may be NULL */
};

/*
 * Samples until the process has ended (and what it started, if that is sampled too), duration_ns
 * have passed, or SIGINT, SIGTERM, SIGHUP or SIGQUIT asks sonde to end. Fails before anything is
 * written with ERROR_NOT_FOUND, ERROR_PERMISSION, ERROR_UNSUPPORTED, or what the writer says;
 * later, with the fate of the capture, or with why there is not one sample: then there is no
 * capture. Of *result what belongs to sampling is filled in.
 */
int watching_run(const struct watching_options *options, struct recording_result *result,
		 struct error *err);
