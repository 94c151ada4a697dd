#include "analysis/heap.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/builder.h"
#include "analysis/estimate.h"
#include "analysis/timeline.h"

enum {
	BATCH_EVENTS = 1024,
	BATCHES_PER_PROGRESS = 256,
};

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
			profile_tell_progress(options, reader_progress(reader));
	}
}

static void start_timeline(struct timeline *timeline, const struct capture_reader *reader,
			   const struct profile_options *options, uint64_t *end_ns)
{
	*end_ns = reader_duration_ns(reader);
	if (profile_window_end(options) < *end_ns)
		*end_ns = profile_window_end(options);
	timeline_init(timeline, options->from_ns,
		      *end_ns > options->from_ns ? *end_ns - options->from_ns : 0);
}

static void finish_timeline(struct profile *profile, struct timeline *timeline, uint64_t end_ns)
{
	timeline_end(timeline, end_ns, &profile->memory.timeline, &profile->memory.timeline_count);
	timeline_add_rss(profile->memory.timeline, profile->memory.timeline_count,
			 timeline->from_ns, profile->reader);
}

/* Sampled captures: what the numbers of the rows are rounded from, once, at the end. */
struct estimates {
	struct row_estimate {
		struct estimate_sum metric, allocated;
	} * rows;
	size_t count, room;
	struct estimate_sum hidden;
};

static const struct tally_counts *metric_counts(const struct tally_row *row, enum metric metric)
{
	switch (metric) {
	case METRIC_PEAK:
		return &row->peak;
	case METRIC_LEAKS:
		return &row->live;
	case METRIC_TEMPORARY:
		return &row->temporary;
	default:
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

		if (!builder_find(builder, rows[i].stack, rows[i].thread, rows[i].allocator,
				  &number)) {
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

static void add_estimated(struct builder *builder, struct estimates *estimates,
			  const struct estimate_row *rows, size_t count)
{
	enum metric metric = builder->profile->options.metric;

	for (size_t i = 0; i < count; i++) {
		const struct estimate_sum *sum = metric == METRIC_PEAK    ? &rows[i].peak
						 : metric == METRIC_LEAKS ? &rows[i].live
									  : &rows[i].total;
		uint32_t number;

		if (!builder_find(builder, rows[i].stack, rows[i].thread, rows[i].allocator,
				  &number)) {
			add_sum(&estimates->hidden, sum);
			continue;
		}
		if (number == estimates->count) {
			estimates->rows = array_grow(estimates->rows, number, &estimates->room,
						     sizeof(*estimates->rows));
			estimates->rows[estimates->count++] = (struct row_estimate){0};
		}
		add_sum(&estimates->rows[number].metric, sum);
		add_sum(&estimates->rows[number].allocated, &rows[i].total);
	}
}

static uint64_t rounded(double value)
{
	return value < 0x1p63 ? (uint64_t)llround(value) : UINT64_MAX;
}

static void round_estimates(struct profile *profile, const struct estimates *estimates)
{
	double bytes_variance = 0, count_variance = 0;

	for (size_t i = 0; i < estimates->count; i++) {
		const struct estimate_sum *metric = &estimates->rows[i].metric;
		const struct estimate_sum *allocated = &estimates->rows[i].allocated;
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
	profile->hidden_amount = rounded(estimates->hidden.bytes);
	profile->hidden_count = rounded(estimates->hidden.count);
}

static void read_full(struct profile *profile)
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
	builder_finish(&builder);
	builder_deinit(&builder);
	tally_destroy(tally);
}

static struct profile_error error_of(const struct estimate_sum *sum)
{
	return (struct profile_error){sqrt(sum->bytes_variance), sqrt(sum->count_variance)};
}

static void read_sampled(struct profile *profile)
{
	uint64_t rate_bytes = reader_start(profile->reader)->sample_rate_bytes;
	struct estimate *estimate = estimate_create(rate_bytes);
	struct estimates estimates = {0};
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
	add_estimated(&builder, &estimates, rows, count);
	round_estimates(profile, &estimates);
	builder_finish(&builder);
	builder_deinit(&builder);
	free(estimates.rows);
	estimate_destroy(estimate);
}

static void read_aggregate(struct profile *profile)
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
	builder_finish(&builder);
	builder_deinit(&builder);
}

void heap_read(struct profile *profile)
{
	if (reader_start(profile->reader)->mode == CAPTURE_AGGREGATE)
		read_aggregate(profile);
	else if (profile->estimated)
		read_sampled(profile);
	else
		read_full(profile);
}
