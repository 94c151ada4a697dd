#include "analysis/profile.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/course.h"
#include "analysis/heap.h"
#include "analysis/sampling.h"
#include "analysis/stacks.h"

const char *metric_name(enum metric metric)
{
	static const char *const names[] = {
		[METRIC_PEAK] = "peak",
		[METRIC_LEAKS] = "leaks",
		[METRIC_TEMPORARY] = "temporary",
		[METRIC_TOTAL] = "total",
		[METRIC_WALL] = "wall",
		[METRIC_CPU] = "cpu",
		[METRIC_GIL] = "gil",
	};

	return names[metric];
}

enum unit metric_unit(enum metric metric)
{
	return metric >= METRIC_WALL ? UNIT_NS : UNIT_BYTES;
}

static enum metric usual_time(const struct capture_start *start)
{
	switch (start->time_metric) {
	case CAPTURE_TIME_CPU:
		return METRIC_CPU;
	case CAPTURE_TIME_GIL:
		return METRIC_GIL;
	default:
		return METRIC_WALL;
	}
}

enum metric metric_usual(const struct capture_reader *reader)
{
	const struct capture_start *start = reader_start(reader);

	return start->allocations ? METRIC_PEAK : usual_time(start);
}

uint64_t profile_window_end(const struct profile_options *options)
{
	return options->to_ns != 0 ? options->to_ns : UINT64_MAX;
}

static bool has_window(const struct profile_options *options)
{
	return options->from_ns != 0 || options->to_ns != 0;
}

/* Can this capture of allocations answer these options? */
static int check_memory(const struct capture_start *start, const struct profile_options *options,
			struct error *err)
{
	bool temporary = options->metric == METRIC_TEMPORARY;

	if (!start->allocations)
		return error_set(
			err, ERROR_USAGE,
			"no allocations were recorded here, only where time was spent: "
			"ask for --cpu, --wall or --gil, or record with sonde run --alloc");
	if (options->states != NULL)
		return error_set(err, ERROR_USAGE,
				 "bytes have no state: --state goes with --cpu, --wall or --gil");
	if (temporary && options->temporary_threshold == 0)
		return error_set(err, ERROR_USAGE,
				 "the threshold of temporary allocations must be at least 1");
	if (temporary && start->sample_rate_bytes != 0)
		return error_set(err, ERROR_USAGE,
				 "a sampled capture cannot tell which blocks were temporary: the "
				 "allocations between were not recorded; record without "
				 "--sample-rate");
	if (start->mode != CAPTURE_AGGREGATE)
		return 0;
	if (has_window(options))
		return error_set(err, ERROR_USAGE,
				 "an aggregate capture has no times, so it has no window to show; "
				 "record without --aggregate");
	if (start->sample_rate_bytes != 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "a capture that is both sampled and aggregated does not keep the "
				 "size of each block, which an estimate needs; record with either "
				 "--sample-rate or --aggregate");
	if (temporary && options->temporary_threshold != start->temporary_threshold)
		return error_set(err, ERROR_USAGE,
				 "this aggregate capture counted temporary blocks for N = %llu, "
				 "not %u; ask for --temporary=%llu, or record without --aggregate",
				 (unsigned long long)start->temporary_threshold,
				 options->temporary_threshold,
				 (unsigned long long)start->temporary_threshold);
	return 0;
}

static int check_time(const struct capture_start *start, const struct profile_options *options,
		      struct error *err)
{
	if (start->sampling_period_ns == 0)
		return error_set(err, ERROR_USAGE,
				 "where time was spent was not recorded here; record with sonde "
				 "run --%s",
				 metric_name(options->metric));
	for (const char *const *name = options->states; name != NULL && *name != NULL; name++) {
		if (!state_is_known(*name))
			return error_set(err, ERROR_USAGE,
					 "there is no state '%s'; there are running, gil (waiting "
					 "for it), blocked, or one of futex, poll, sleep, read, "
					 "write, network, child, file, other, kernel and stopped, "
					 "and gc",
					 *name);
	}
	return 0;
}

/* Can this capture answer these options at all? */
static int check_options(const struct capture_start *start, const struct profile_options *options,
			 struct error *err)
{
	if (has_window(options) && profile_window_end(options) <= options->from_ns)
		return error_set(err, ERROR_USAGE,
				 "the time window is empty: its end must be after its start");
	if (metric_unit(options->metric) == UNIT_NS)
		return check_time(start, options, err);
	return check_memory(start, options, err);
}

void profile_tell_progress(const struct profile_options *options, double share)
{
	if (options->progress != NULL)
		options->progress(share, options->progress_data);
}

static struct profile *read_profile(struct capture_reader *reader,
				    const struct profile_options *options)
{
	struct profile *profile = array_create(1, sizeof(*profile));

	profile->reader = reader;
	profile->options = *options;
	profile->unit = metric_unit(options->metric);
	profile->estimated =
		profile->unit == UNIT_NS || reader_start(reader)->sample_rate_bytes != 0;
	profile_tell_progress(options, 0);
	if (profile->unit == UNIT_NS)
		sampling_read(profile);
	else
		heap_read(profile);
	profile_tell_progress(options, 1);
	return profile;
}

/* The profile of the other unit, if the capture has one. */
static struct profile *read_other(struct capture_reader *reader,
				  const struct profile_options *options)
{
	const struct capture_start *start = reader_start(reader);
	struct profile_options other = *options;
	struct error refused;

	other.metric = metric_unit(options->metric) == UNIT_NS ? METRIC_PEAK : usual_time(start);
	other.states = NULL;
	return check_options(start, &other, &refused) == 0 ? read_profile(reader, &other) : NULL;
}

int profile_create(struct capture_reader *reader, const struct profile_options *options,
		   struct profile **out, struct error *err)
{
	int result = check_options(reader_start(reader), options, err);

	if (result != 0)
		return result;
	if (has_window(options))
		reader_window(reader, options->from_ns, profile_window_end(options));
	*out = read_profile(reader, options);
	if (options->both)
		(*out)->other = read_other(reader, options);
	return 0;
}

void profile_destroy(struct profile *profile)
{
	if (profile == NULL)
		return;
	profile_destroy(profile->other);
	free(profile->rows);
	free(profile->memory.timeline);
	free(profile->time.threads);
	free(profile->time.gils);
	free(profile->time.timeline);
	course_destroy(profile->time.course);
	stacks_destroy(profile->stacks);
	free(profile->frames);
	free(profile);
}

void profile_stack(const struct profile *profile, stack_id stack, stack_id *parent, frame_id *frame)
{
	*parent = 0;
	*frame = 0;
	if (stack == 0 || stack > profile->stacks->count)
		return;
	*parent = profile->stacks->parents[stack];
	*frame = profile->stacks->frames[stack];
}

const struct capture_frame *profile_frame(const struct profile *profile, frame_id frame)
{
	if (frame <= profile->frame_count)
		return &profile->frames[frame];
	return reader_frame(profile->reader, frame);
}
