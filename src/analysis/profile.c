#include "analysis/profile.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/compare.h"
#include "analysis/estimate.h"
#include "analysis/filter.h"
#include "analysis/frames.h"
#include "analysis/rowindex.h"
#include "analysis/stacks.h"
#include "analysis/timeline.h"

enum {
	BATCH_EVENTS = 1024,
	BATCHES_PER_PROGRESS = 256,
};

/* A capture's rows on their way to a profile's rows. */
struct builder {
	struct profile *profile;
	struct filter *filter; /* NULL: everything passes */
	stack_id *moved;       /* NULL: no frame is hidden */
	struct rowindex index;
	size_t row_room;
	/* Sampled captures: what the rows' numbers are rounded from, once, at the end. */
	struct row_estimate {
		struct estimate_sum metric, allocated;
	} * estimates;
	size_t estimate_room;
	struct estimate_sum hidden;
};

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

static bool has_window(const struct profile_options *options)
{
	return options->from_ns != 0 || options->to_ns != 0;
}

static uint64_t window_end(const struct profile_options *options)
{
	return options->to_ns != 0 ? options->to_ns : UINT64_MAX;
}

/* Can this capture answer these options at all? */
static int check_options(const struct capture_start *start, const struct profile_options *options,
			 struct error *err)
{
	bool temporary = options->metric == METRIC_TEMPORARY;

	if (has_window(options) && window_end(options) <= options->from_ns)
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

static void tell_progress(const struct profile_options *options, double share)
{
	if (options->progress != NULL)
		options->progress(share, options->progress_data);
}

/* Streams all events through one of the books and into the timeline. */
static void read_events(struct capture_reader *reader, const struct profile_options *options,
			struct tally *tally, struct estimate *estimate, struct timeline *timeline)
{
	struct event events[BATCH_EVENTS];
	unsigned batch = 0;
	size_t count;

	while ((count = reader_events(reader, events, BATCH_EVENTS)) > 0) {
		if (estimate != NULL) {
			const struct estimate_sum *live = estimate_live(estimate);

			for (size_t i = 0; i < count; i++) {
				estimate_event(estimate, &events[i]);
				timeline_add(timeline, events[i].time_ns, (uint64_t)live->bytes);
			}
		} else {
			const struct tally_totals *totals = tally_totals(tally);

			for (size_t i = 0; i < count; i++) {
				tally_event(tally, &events[i]);
				timeline_add(timeline, events[i].time_ns, totals->live.bytes);
			}
		}
		if (++batch % BATCHES_PER_PROGRESS == 0)
			tell_progress(options, reader_progress(reader));
	}
}

static void start_timeline(struct timeline *timeline, const struct capture_reader *reader,
			   const struct profile_options *options, uint64_t *end_ns)
{
	*end_ns = reader_duration_ns(reader);
	if (window_end(options) < *end_ns)
		*end_ns = window_end(options);
	timeline_init(timeline, options->from_ns,
		      *end_ns > options->from_ns ? *end_ns - options->from_ns : 0);
}

static void finish_timeline(struct profile *profile, struct timeline *timeline, uint64_t end_ns)
{
	timeline_end(timeline, end_ns, &profile->memory.timeline, &profile->memory.timeline_count);
	timeline_add_rss(profile->memory.timeline, profile->memory.timeline_count,
			 timeline->from_ns, profile->reader);
}

static process_id thread_process(const struct capture_reader *reader, thread_id thread)
{
	if (thread == 0 || thread > reader_thread_count(reader))
		return 0;
	return reader_thread(reader, thread)->process;
}

/* The profile's row for a row of the capture, made if need be; false if a filter takes it away. */
static bool find_row(struct builder *builder, stack_id stack, thread_id thread, uint32_t allocator,
		     uint32_t *row)
{
	struct profile *profile = builder->profile;
	bool split = profile->options.split_threads;
	process_id process = thread_process(profile->reader, thread);
	bool added;

	if (stack > profile->stacks->count && builder->moved == NULL)
		stack = 0;
	if (builder->filter != NULL && !filter_passes(builder->filter, stack, thread))
		return false;
	if (builder->moved != NULL)
		stack = stack <= reader_stack_count(profile->reader) ? builder->moved[stack] : 0;
	*row = rowindex_add(&builder->index, stack, split ? thread : process, allocator, &added);
	if (!added)
		return true;
	profile->rows = array_grow(profile->rows, *row, &builder->row_room, sizeof(*profile->rows));
	profile->rows[*row] = (struct profile_row){
		.stack = stack,
		.thread = split ? thread : 0,
		.process = process,
		.memory.allocator = allocator,
	};
	if (!profile->estimated)
		return true;
	builder->estimates = array_grow(builder->estimates, *row, &builder->estimate_room,
					sizeof(*builder->estimates));
	builder->estimates[*row] = (struct row_estimate){0};
	return true;
}

static const struct tally_counts *metric_counts(const struct tally_row *row, enum metric metric)
{
	switch (metric) {
	case METRIC_PEAK:
		return &row->peak;
	case METRIC_LEAKS:
		return &row->live;
	case METRIC_TEMPORARY:
		return &row->temporary;
	case METRIC_TOTAL:
		break;
	}
	return &row->total;
}

static void add_exact(struct builder *builder, const struct tally_row *rows, size_t count)
{
	struct profile *profile = builder->profile;

	for (size_t i = 0; i < count; i++) {
		const struct tally_counts *counts =
			metric_counts(&rows[i], profile->options.metric);
		struct profile_row *row;
		uint32_t number;

		if (!find_row(builder, rows[i].stack, rows[i].thread, rows[i].allocator, &number)) {
			profile->hidden_amount += counts->bytes;
			profile->hidden_count += counts->count;
			continue;
		}
		row = &profile->rows[number];
		row->amount += counts->bytes;
		row->count += counts->count;
		row->memory.allocated.bytes += rows[i].total.bytes;
		row->memory.allocated.count += rows[i].total.count;
	}
}

static void add_sum(struct estimate_sum *sum, const struct estimate_sum *more)
{
	sum->bytes += more->bytes;
	sum->count += more->count;
	sum->bytes_variance += more->bytes_variance;
	sum->count_variance += more->count_variance;
}

static void add_estimated(struct builder *builder, const struct estimate_row *rows, size_t count)
{
	enum metric metric = builder->profile->options.metric;

	for (size_t i = 0; i < count; i++) {
		const struct estimate_sum *sum = metric == METRIC_PEAK    ? &rows[i].peak
						 : metric == METRIC_LEAKS ? &rows[i].live
									  : &rows[i].total;
		uint32_t number;

		if (!find_row(builder, rows[i].stack, rows[i].thread, rows[i].allocator, &number)) {
			add_sum(&builder->hidden, sum);
			continue;
		}
		add_sum(&builder->estimates[number].metric, sum);
		add_sum(&builder->estimates[number].allocated, &rows[i].total);
	}
}

static uint64_t rounded(double value)
{
	return value < 0x1p63 ? (uint64_t)llround(value) : UINT64_MAX;
}

static void round_estimates(struct builder *builder)
{
	struct profile *profile = builder->profile;
	double bytes_variance = 0, count_variance = 0;

	for (size_t i = 0; i < builder->index.used; i++) {
		const struct estimate_sum *metric = &builder->estimates[i].metric;
		const struct estimate_sum *allocated = &builder->estimates[i].allocated;
		struct profile_row *row = &profile->rows[i];

		row->amount = rounded(metric->bytes);
		row->count = rounded(metric->count);
		row->amount_error = sqrt(metric->bytes_variance);
		row->count_error = sqrt(metric->count_variance);
		row->memory.allocated.bytes = rounded(allocated->bytes);
		row->memory.allocated.count = rounded(allocated->count);
		row->memory.allocated_bytes_error = sqrt(allocated->bytes_variance);
		bytes_variance += metric->bytes_variance;
		count_variance += metric->count_variance;
	}
	profile->amount_error = sqrt(bytes_variance);
	profile->count_error = sqrt(count_variance);
	profile->hidden_amount = rounded(builder->hidden.bytes);
	profile->hidden_count = rounded(builder->hidden.count);
}

static int compare_rows(const void *left, const void *right)
{
	const struct profile_row *a = left, *b = right;

	COMPARE(b->amount, a->amount);
	COMPARE(b->count, a->count);
	COMPARE(b->memory.allocated.bytes, a->memory.allocated.bytes);
	COMPARE(a->stack, b->stack);
	COMPARE(a->process, b->process);
	COMPARE(a->thread, b->thread);
	COMPARE(a->memory.allocator, b->memory.allocator);
	return 0;
}

/* Rows without bytes and count come last by their order. */
static void finish_rows(struct builder *builder)
{
	struct profile *profile = builder->profile;

	if (profile->estimated)
		round_estimates(builder);
	profile->all_count = builder->index.used;
	if (profile->all_count > 0)
		qsort(profile->rows, profile->all_count, sizeof(*profile->rows), compare_rows);
	for (size_t i = 0; i < profile->all_count; i++) {
		const struct profile_row *row = &profile->rows[i];

		if (row->amount == 0 && row->count == 0)
			break;
		profile->row_count++;
		profile->amount += row->amount;
		profile->count += row->count;
	}
}

static void builder_init(struct builder *builder, struct profile *profile)
{
	struct stacks *stacks = stacks_read(profile->reader);
	uint32_t frame_count;
	frame_id *becomes = frames_hide(profile->reader, &profile->options, &frame_count);

	*builder = (struct builder){.profile = profile};
	rowindex_init(&builder->index);
	builder->filter = filter_create(profile->reader, &profile->options, stacks);
	if (becomes == NULL) {
		profile->stacks = stacks;
		return;
	}
	profile->stacks = stacks_replace(stacks, becomes, frame_count, &builder->moved);
	stacks_destroy(stacks);
	free(becomes);
}

static void builder_deinit(struct builder *builder)
{
	rowindex_deinit(&builder->index);
	filter_destroy(builder->filter);
	free(builder->moved);
	free(builder->estimates);
}

static void profile_read_full(struct profile *profile)
{
	const struct profile_options *options = &profile->options;
	struct tally_options tally_options = {
		.temporary_threshold =
			options->metric == METRIC_TEMPORARY ? options->temporary_threshold : 0,
	};
	struct tally *tally = tally_create(&tally_options);
	const struct tally_row *rows;
	struct timeline timeline;
	struct builder builder;
	uint64_t end_ns;
	size_t count;

	start_timeline(&timeline, profile->reader, options, &end_ns);
	read_events(profile->reader, options, tally, NULL, &timeline);
	finish_timeline(profile, &timeline, end_ns);
	profile->memory.totals = *tally_totals(tally);
	count = tally_settle(tally, &rows);
	builder_init(&builder, profile);
	add_exact(&builder, rows, count);
	finish_rows(&builder);
	builder_deinit(&builder);
	tally_destroy(tally);
}

static struct profile_error error_of(const struct estimate_sum *sum)
{
	return (struct profile_error){sqrt(sum->bytes_variance), sqrt(sum->count_variance)};
}

static void profile_read_sampled(struct profile *profile)
{
	uint64_t rate_bytes = reader_start(profile->reader)->sample_rate_bytes;
	struct estimate *estimate = estimate_create(rate_bytes);
	const struct estimate_row *rows;
	struct timeline timeline;
	struct builder builder;
	uint64_t end_ns;
	size_t count;

	start_timeline(&timeline, profile->reader, &profile->options, &end_ns);
	read_events(profile->reader, &profile->options, NULL, estimate, &timeline);
	finish_timeline(profile, &timeline, end_ns);
	estimate_totals(estimate, &profile->memory.totals);
	profile->memory.allocated_error = error_of(estimate_allocated(estimate));
	profile->memory.peak_error = error_of(estimate_peak(estimate));
	profile->memory.live_error = error_of(estimate_live(estimate));
	count = estimate_settle(estimate, &rows);
	builder_init(&builder, profile);
	add_estimated(&builder, rows, count);
	finish_rows(&builder);
	builder_deinit(&builder);
	estimate_destroy(estimate);
}

static void profile_read_aggregate(struct profile *profile)
{
	const struct tally_row *rows;
	struct timeline timeline;
	struct builder builder;
	struct event event;
	uint64_t end_ns;
	size_t count;

	start_timeline(&timeline, profile->reader, &profile->options, &end_ns);
	while (reader_events(profile->reader, &event, 1) > 0)
		;
	finish_timeline(profile, &timeline, end_ns);
	profile->memory.totals = *reader_totals(profile->reader);
	count = reader_rows(profile->reader, &rows);
	builder_init(&builder, profile);
	add_exact(&builder, rows, count);
	finish_rows(&builder);
	builder_deinit(&builder);
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
		reader_window(reader, options->from_ns, window_end(options));
	tell_progress(options, 0);
	if (start->mode == CAPTURE_AGGREGATE)
		profile_read_aggregate(profile);
	else if (profile->estimated)
		profile_read_sampled(profile);
	else
		profile_read_full(profile);
	tell_progress(options, 1);
	*out = profile;
	return 0;
}

void profile_destroy(struct profile *profile)
{
	if (profile == NULL)
		return;
	free(profile->rows);
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
