#include "cmd/sampling.h"

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
