#include "analysis/profile.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/heap.h"
#include "analysis/stacks.h"

const char *metric_name(enum metric metric)
{
	static const char *const names[] = {
		[METRIC_PEAK] = "peak",
		[METRIC_LEAKS] = "leaks",
		[METRIC_TEMPORARY] = "temporary",
		[METRIC_TOTAL] = "total",
	};

	return names[metric];
}

uint64_t profile_window_end(const struct profile_options *options)
{
	return options->to_ns != 0 ? options->to_ns : UINT64_MAX;
}

static bool has_window(const struct profile_options *options)
{
	return options->from_ns != 0 || options->to_ns != 0;
}

/* Can this capture answer these options at all? */
static int check_options(const struct capture_start *start, const struct profile_options *options,
			 struct error *err)
{
	bool temporary = options->metric == METRIC_TEMPORARY;

	if (has_window(options) && profile_window_end(options) <= options->from_ns)
		return error_set(err, ERROR_USAGE,
				 "the time window is empty: its end must be after its start");
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

void profile_tell_progress(const struct profile_options *options, double share)
{
	if (options->progress != NULL)
		options->progress(share, options->progress_data);
}

int profile_create(struct capture_reader *reader, const struct profile_options *options,
		   struct profile **out, struct error *err)
{
	const struct capture_start *start = reader_start(reader);
	struct profile *profile;
	int result = check_options(start, options, err);

	if (result != 0)
		return result;
	profile = array_create(1, sizeof(*profile));
	profile->reader = reader;
	profile->options = *options;
	profile->estimated = start->sample_rate_bytes != 0;
	if (has_window(options))
		reader_window(reader, options->from_ns, profile_window_end(options));
	profile_tell_progress(options, 0);
	heap_read(profile);
	profile_tell_progress(options, 1);
	*out = profile;
	return 0;
}

void profile_destroy(struct profile *profile)
{
	if (profile == NULL)
		return;
	free(profile->rows);
	free(profile->frames);
	free(profile->memory.timeline);
	stacks_destroy(profile->stacks);
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
