#include "cmd/sampling.h"

int sampling_check(const struct sampling_settings *settings, bool recorded, struct error *err)
{
	if (settings->rate_hz < 1 || settings->rate_hz > SAMPLING_RATE_MOST_HZ)
		return error_set(err, ERROR_USAGE,
				 "--rate is from 1 to 1,000,000 samples a second");
	if (!recorded && (settings->rate_hz != SAMPLING_RATE_HZ || settings->subprocesses ||
			  settings->python_only || settings->pausing))
		return error_set(err, ERROR_USAGE,
				 "--rate, --subprocesses, --python-only, --never-pause and "
				 "--pause-always are about sampling; add --cpu, --wall or --gil");
	return 0;
}

bool sampling_is_wanted(const struct sampling_settings *settings)
{
	return settings->what != SAMPLING_NONE;
}

enum capture_time_metric sampling_metric(const struct sampling_settings *settings)
{
	switch (settings->what) {
	case SAMPLING_WALL:
		return CAPTURE_TIME_WALL;
	case SAMPLING_GIL:
		return CAPTURE_TIME_GIL;
	default:
		return CAPTURE_TIME_CPU;
	}
}

struct sampling_options sampling_choose(const struct sampling_settings *settings, bool all)
{
	return (struct sampling_options){
		.rate_hz = (double)settings->rate_hz,
		.never_pause = settings->pausing == SAMPLING_PAUSES_NEVER,
		.pause_always = settings->pausing == SAMPLING_PAUSES_ALWAYS,
		.python_only = settings->python_only,
		.subprocesses = settings->subprocesses || all,
	};
}
