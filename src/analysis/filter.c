#include "analysis/filter.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/frames.h"

enum {
	MATCHES_FUNCTION = 1,
	MATCHES_FILE = 2,
	MATCHES_MODULE = 4,
};

struct filter {
	uint8_t needed;         /* which of MATCHES_ a stack must have */
	uint8_t *stack_matches; /* [stack_count + 1] */
	uint32_t stack_count;
	bool *thread_passes; /* [thread_count + 1], NULL: all do */
	uint32_t thread_count;
};

static bool function_matches(const char *function, const char *const *patterns)
{
	const char *last = strrchr(function, '.');

	for (; *patterns != NULL; patterns++) {
		if (fnmatch(*patterns, function, 0) == 0 ||
		    (last != NULL && fnmatch(*patterns, last + 1, 0) == 0))
			return true;
	}
	return false;
}

static bool file_matches(const char *file, const char *const *patterns)
{
	for (; *patterns != NULL; patterns++) {
		if (fnmatch(*patterns, file, 0) == 0)
			return true;
		for (const char *p = strchr(file, '/'); p != NULL; p = strchr(p + 1, '/')) {
			if (fnmatch(*patterns, p + 1, 0) == 0)
				return true;
		}
	}
	return false;
}

static bool module_matches(const struct capture_frame *frame, const char *const *modules)
{
	for (; *modules != NULL; modules++) {
		if (frames_in_module(frame, *modules))
			return true;
	}
	return false;
}

static bool thread_matches(const struct capture_thread_info *thread, const char *const *patterns)
{
	char tid[16];

	snprintf(tid, sizeof(tid), "%u", thread->tid);
	for (; *patterns != NULL; patterns++) {
		if (strcmp(*patterns, tid) == 0 || fnmatch(*patterns, thread->name, 0) == 0)
			return true;
	}
	return false;
}

static void match_stacks(struct filter *filter, const struct capture_reader *reader,
			 const struct profile_options *options, const struct stacks *stacks)
{
	uint32_t frame_count = reader_frame_count(reader);
	uint8_t *frame_matches = array_create((size_t)frame_count + 1, 1);

	for (frame_id f = 1; f <= frame_count; f++) {
		const struct capture_frame *frame = reader_frame(reader, f);

		if (options->functions != NULL &&
		    function_matches(frame->function, options->functions))
			frame_matches[f] |= MATCHES_FUNCTION;
		if (options->files != NULL && file_matches(frame->file, options->files))
			frame_matches[f] |= MATCHES_FILE;
		if (options->modules != NULL && module_matches(frame, options->modules))
			frame_matches[f] |= MATCHES_MODULE;
	}
	filter->stack_count = stacks->count;
	filter->stack_matches = array_create((size_t)stacks->count + 1, 1);
	for (stack_id id = 1; id <= stacks->count; id++) {
		frame_id frame = stacks->frames[id];

		filter->stack_matches[id] = filter->stack_matches[stacks->parents[id]] |
					    (frame <= frame_count ? frame_matches[frame] : 0);
	}
	free(frame_matches);
}

struct filter *filter_create(const struct capture_reader *reader,
			     const struct profile_options *options, const struct stacks *stacks)
{
	struct filter *filter;
	uint8_t needed = (options->functions != NULL ? MATCHES_FUNCTION : 0) |
			 (options->files != NULL ? MATCHES_FILE : 0) |
			 (options->modules != NULL ? MATCHES_MODULE : 0);

	if (needed == 0 && options->threads == NULL)
		return NULL;
	filter = array_create(1, sizeof(*filter));
	filter->needed = needed;
	if (needed != 0)
		match_stacks(filter, reader, options, stacks);
	if (options->threads != NULL) {
		filter->thread_count = reader_thread_count(reader);
		filter->thread_passes = array_create((size_t)filter->thread_count + 1, 1);
		for (thread_id t = 1; t <= filter->thread_count; t++)
			filter->thread_passes[t] =
				thread_matches(reader_thread(reader, t), options->threads);
	}
	return filter;
}

void filter_destroy(struct filter *filter)
{
	if (filter == NULL)
		return;
	free(filter->stack_matches);
	free(filter->thread_passes);
	free(filter);
}

bool filter_passes(const struct filter *filter, stack_id stack, thread_id thread)
{
	if (filter->thread_passes != NULL &&
	    (thread > filter->thread_count || !filter->thread_passes[thread]))
		return false;
	return filter->needed == 0 ||
	       (stack <= filter->stack_count &&
		(filter->stack_matches[stack] & filter->needed) == filter->needed);
}
