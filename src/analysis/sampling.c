#include "analysis/sampling.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/builder.h"
#include "analysis/compare.h"
#include "analysis/course.h"
#include "analysis/timesheet.h"

enum {
	BATCH_SAMPLES = 1024,
	BATCHES_PER_PROGRESS = 256,
	BINS_MAX = 400,
	BIN_PERIODS = 16, /* fewer rounds would show chance */
};

/* What counts in the metric, round by round, in bins of equal width. */
struct bins {
	struct bin {
		uint64_t rounds, samples;
	} bins[BINS_MAX];
	size_t count;
	uint64_t from_ns, width_ns, end_ns;
	uint64_t round_ns; /* of the last one */
};

static bool counts(enum metric metric, unsigned flags)
{
	switch (metric) {
	case METRIC_CPU:
		return (flags & SAMPLE_RUNNING) != 0;
	case METRIC_GIL:
		return (flags & SAMPLE_HOLDS_GIL) != 0;
	default:
		return true;
	}
}

static bool has_state(const struct profile_options *options, unsigned flags, unsigned wait)
{
	const char *const *name = options->states;

	if (name == NULL)
		return true;
	while (*name != NULL && !state_matches(*name, flags, wait))
		name++;
	return *name != NULL;
}

static void bins_init(struct bins *bins, const struct profile *profile)
{
	const struct profile_options *options = &profile->options;
	uint64_t period_ns = reader_start(profile->reader)->sampling_period_ns;
	uint64_t duration_ns;

	*bins = (struct bins){
		.from_ns = options->from_ns,
		.end_ns = reader_duration_ns(profile->reader),
		.round_ns = UINT64_MAX,
	};
	if (profile_window_end(options) < bins->end_ns)
		bins->end_ns = profile_window_end(options);
	if (bins->end_ns <= bins->from_ns)
		bins->end_ns = bins->from_ns + 1;
	duration_ns = bins->end_ns - bins->from_ns;
	bins->width_ns = duration_ns / BINS_MAX + 1;
	if (period_ns < UINT64_MAX / BIN_PERIODS && bins->width_ns < period_ns * BIN_PERIODS)
		bins->width_ns = period_ns * BIN_PERIODS;
	bins->count = (duration_ns - 1) / bins->width_ns + 1;
}

static void bins_add(struct bins *bins, uint64_t time_ns, bool counted)
{
	uint64_t at = time_ns > bins->from_ns ? (time_ns - bins->from_ns) / bins->width_ns : 0;
	struct bin *bin = &bins->bins[at < bins->count ? at : bins->count - 1];

	bin->rounds += bins->round_ns != time_ns;
	bin->samples += counted;
	bins->round_ns = time_ns;
}

static void make_timeline(struct profile_time *time, const struct bins *bins)
{
	time->timeline = array_create(bins->count, sizeof(*time->timeline));
	time->timeline_count = bins->count;
	for (size_t i = 0; i < bins->count; i++) {
		const struct bin *bin = &bins->bins[i];
		bool last = i + 1 == bins->count;

		time->timeline[i] = (struct profile_moment){
			.time_ns = last ? bins->end_ns : bins->from_ns + (i + 1) * bins->width_ns,
			.threads =
				bin->rounds > 0 ? (double)bin->samples / (double)bin->rounds : NAN,
		};
	}
}

static process_id thread_process(const struct capture_reader *reader, thread_id thread)
{
	return thread != 0 && thread <= reader_thread_count(reader)
		       ? reader_thread(reader, thread)->process
		       : 0;
}

static struct timesheet *read_samples(struct profile *profile)
{
	const struct profile_options *options = &profile->options;
	struct timesheet *timesheet = timesheet_create();
	struct course *course = NULL;
	struct sample_event samples[BATCH_SAMPLES];
	struct bins bins;
	unsigned batch = 0;
	size_t count;

	if (options->course)
		course = course_create(reader_start(profile->reader)->sampling_period_ns);
	profile->time.course = course;
	bins_init(&bins, profile);
	while ((count = reader_samples(profile->reader, samples, BATCH_SAMPLES)) > 0) {
		for (size_t i = 0; i < count; i++) {
			const struct sample_event *sample = &samples[i];
			process_id process = thread_process(profile->reader, sample->thread);
			bool counted = counts(options->metric, sample->flags) &&
				       has_state(options, sample->flags, sample->wait);

			timesheet_add(timesheet, sample, process);
			bins_add(&bins, sample->time_ns, counted);
			if (course != NULL)
				course_add(course, sample, process, counted);
		}
		if (++batch % BATCHES_PER_PROGRESS == 0)
			profile_tell_progress(options, reader_progress(profile->reader));
	}
	make_timeline(&profile->time, &bins);
	return timesheet;
}

/* A sample's time where few rounds of a window would say little. */
enum {
	WINDOW_ROUNDS = 32,
};

static uint64_t divided(uint64_t ns, uint64_t rounds)
{
	return ns / rounds + (ns % rounds >= rounds - rounds / 2);
}

/* The time that a sample stands for: that between rounds as it really was, in the window if there
 * is one, else as it was asked for. All samples together fit into 63 bits of ns, whatever a damaged
 * capture says. */
static uint64_t find_period(const struct profile *profile, const struct timesheet *timesheet,
			    uint64_t samples)
{
	const struct profile_options *options = &profile->options;
	const struct capture_sampling *sampling = reader_sampling(profile->reader);
	uint64_t period_ns = reader_start(profile->reader)->sampling_period_ns;
	uint64_t highest = samples > 0 ? INT64_MAX / samples : INT64_MAX;
	bool is_window = options->from_ns != 0 || options->to_ns != 0;
	uint64_t span_ns, rounds = timesheet_rounds(timesheet, &span_ns);

	if (is_window && rounds >= WINDOW_ROUNDS)
		period_ns = divided(span_ns, rounds - 1);
	else if (sampling != NULL && sampling->rounds > 1 && sampling->sampled_ns > 0)
		period_ns = divided(sampling->sampled_ns, sampling->rounds);
	if (period_ns > highest)
		period_ns = highest;
	return period_ns > 0 ? period_ns : 1;
}

static void add_states(struct profile_thread *to, const struct timesheet_row *row, bool counted)
{
	to->samples += row->samples;
	to->counted += counted ? row->samples : 0;
	to->states[state_of(row->flags, row->wait)] += row->samples;
	to->holds_gil += row->flags & SAMPLE_HOLDS_GIL ? row->samples : 0;
	to->gc += row->flags & SAMPLE_GC ? row->samples : 0;
	to->unknown += row->flags & SAMPLE_UNKNOWN ? row->samples : 0;
}

static int compare_threads(const void *left, const void *right)
{
	const struct profile_thread *a = left, *b = right;

	COMPARE(b->counted, a->counted);
	COMPARE(b->samples, a->samples);
	COMPARE(a->thread, b->thread);
	return 0;
}

/* Drops threads of which no sample passed. */
static void finish_threads(struct profile_time *time, size_t room)
{
	for (size_t t = 0; t < room; t++) {
		time->counted_threads += time->threads[t].counted > 0;
		if (time->threads[t].samples > 0)
			time->threads[time->thread_count++] = time->threads[t];
	}
	qsort(time->threads, time->thread_count, sizeof(*time->threads), compare_threads);
}

static void add_rows(struct profile *profile, const struct timesheet *timesheet)
{
	const struct profile_options *options = &profile->options;
	struct profile_time *time = &profile->time;
	size_t threads = (size_t)reader_thread_count(profile->reader) + 1;
	const struct timesheet_row *rows;
	size_t count = timesheet_rows(timesheet, &rows);
	struct builder builder;

	builder_init(&builder, profile);
	time->threads = array_create(threads, sizeof(*time->threads));
	for (size_t t = 0; t < threads; t++)
		time->threads[t].thread = (thread_id)t;
	for (size_t i = 0; i < count; i++) {
		const struct timesheet_row *row = &rows[i];
		bool in_metric = counts(options->metric, row->flags);
		bool passes = builder_passes(&builder, row->stack, row->thread);
		bool counted = in_metric && passes && has_state(options, row->flags, row->wait);
		uint32_t number;

		if (passes) {
			add_states(&time->threads[row->thread < threads ? row->thread : 0], row,
				   counted);
			add_states(&time->all, row, counted);
		}
		if (counted) {
			builder_find(&builder, row->stack, row->thread, ALLOCATOR_NONE, &number);
			profile->rows[number].count += row->samples;
		} else if (in_metric) {
			profile->hidden_count += row->samples;
		}
	}
	for (size_t i = 0; i < builder.index.used; i++) {
		struct profile_row *row = &profile->rows[i];

		row->amount = row->count * time->period_ns;
		row->amount_error = sqrt((double)row->count) * (double)time->period_ns;
	}
	if (time->course != NULL)
		course_place(time->course, &builder);
	builder_finish(&builder);
	builder_deinit(&builder);
	finish_threads(time, threads);
}

/* Processes of which there were samples. */
static void add_gils(struct profile_time *time, struct timesheet *timesheet)
{
	const struct timesheet_process *processes;
	size_t count = timesheet_end(timesheet, &processes);

	time->gils = array_create(count, sizeof(*time->gils));
	for (size_t p = 0; p < count; p++) {
		if (processes[p].rounds == 0)
			continue;
		time->gils[time->gil_count++] = (struct profile_gil){
			.process = (process_id)p,
			.rounds = processes[p].rounds,
			.held = processes[p].gil_held,
			.waited = processes[p].gil_waited,
		};
	}
}

static uint64_t count_samples(const struct timesheet *timesheet)
{
	const struct timesheet_row *rows;
	size_t count = timesheet_rows(timesheet, &rows);
	uint64_t samples = 0;

	for (size_t i = 0; i < count; i++)
		samples += rows[i].samples;
	return samples;
}

void sampling_read(struct profile *profile)
{
	struct timesheet *timesheet = read_samples(profile);
	struct profile_time *time = &profile->time;
	uint64_t span_ns;

	time->rounds = timesheet_rounds(timesheet, &span_ns);
	time->period_ns = find_period(profile, timesheet, count_samples(timesheet));
	add_rows(profile, timesheet);
	add_gils(time, timesheet);
	profile->hidden_amount = profile->hidden_count * time->period_ns;
	profile->amount_error = sqrt((double)profile->count) * (double)time->period_ns;
	timesheet_destroy(timesheet);
}
