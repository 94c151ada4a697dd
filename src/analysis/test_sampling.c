#include "analysis/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/calltree.h"
#include "analysis/functions.h"
#include "analysis/specimen.h"

#define MS UINT64_C(1000000)

static struct profile *create(struct capture_reader *reader, const struct profile_options *options)
{
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, options, &profile, &err) != 0)
		fail_msg("%s", err.message);
	return profile;
}

static void destroy(struct profile *profile)
{
	struct capture_reader *reader = profile->reader;

	profile_destroy(profile);
	reader_close(reader);
}

static const char *function_of(const struct profile *profile, size_t row)
{
	stack_id parent;
	frame_id frame;

	assert_true(row < profile->row_count);
	profile_stack(profile, profile->rows[row].stack, &parent, &frame);
	return profile_frame(profile, frame)->function;
}

static void assert_row(const struct profile *profile, size_t row, const char *function,
		       uint64_t samples)
{
	assert_string_equal(function_of(profile, row), function);
	assert_int_equal(profile->rows[row].count, samples);
	assert_int_equal(profile->rows[row].amount, samples * profile->time.period_ns);
	assert_true(fabs(profile->rows[row].amount_error -
			 sqrt((double)samples) * (double)profile->time.period_ns) < 1e-3);
}

/*
 * 100 rounds of a process with two threads, 2 ms apart although 1 ms was asked for. "main" runs in
 * `work` and holds the GIL in rounds 0 to 59 and sleeps in `rest` after that; "pool" waits for the
 * GIL in `work` while main has it, and has no Python code from round 90 on. In each tenth round the
 * stack of pool could not be read.
 */
static void add_rounds(struct specimen *s)
{
	const struct capture_sampling sampling = {.rounds = 100, .sampled_ns = 200 * MS};
	thread_id pool = writer_thread(s->writer, s->process, 101, "pool");
	stack_id top = specimen_stack(s, 0, "<module>", "app.py", 9);
	stack_id work = specimen_stack(s, top, "work", "app.py", 3);
	stack_id rest = specimen_stack(s, top, "rest", "app.py", 5);

	for (unsigned round = 0; round < 100; round++) {
		bool busy = round < 60;
		struct capture_sample samples[] = {
			{s->thread, busy ? work : rest, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, 0},
			{pool, work, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX},
		};

		if (!busy) {
			samples[0].flags = 0;
			samples[0].wait = SAMPLE_WAIT_SLEEP;
			samples[1].flags = SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | SAMPLE_GC;
			samples[1].wait = 0;
		}
		if (round >= 90)
			samples[1] = (struct capture_sample){pool, 0, 0, SAMPLE_WAIT_POLL};
		if (round % 10 == 0) {
			samples[1].stack = 0;
			samples[1].flags |= SAMPLE_UNKNOWN;
		}
		writer_samples(s->writer, s->process, round * 2 * MS + MS, samples, 2);
	}
	writer_sampling(s->writer, &sampling);
}

static struct capture_reader *make_time(void)
{
	struct capture_start start = specimen_time_start();
	struct specimen s;

	specimen_begin(&s, &start);
	add_rounds(&s);
	return specimen_read(&s, true);
}

static void wall_counts_all_threads(void **state)
{
	struct profile *profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_WALL});

	(void)state;
	assert_int_equal(profile->unit, UNIT_NS);
	assert_true(profile->estimated);
	assert_int_equal(profile->time.period_ns, 2 * MS);
	assert_int_equal(profile->time.rounds, 100);
	assert_int_equal(profile->row_count, 4);
	assert_row(profile, 0, "work", 60 + 54 + 27);
	assert_row(profile, 1, "rest", 40);
	assert_row(profile, 2, "<stack unknown>", 10);
	assert_row(profile, 3, "<no Python frame>", 9);
	assert_int_equal(profile->rows[3].stack, 0);
	assert_int_equal(profile->count, 200);
	assert_int_equal(profile->amount, 400 * MS);
	assert_true(fabs(profile->amount_error - sqrt(200) * 2e6) < 1e-3);
	assert_int_equal(profile->hidden_count, 0);
	destroy(profile);
}

static void cpu_and_gil_count_what_they_say(void **state)
{
	struct profile *profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_CPU});

	(void)state;
	assert_int_equal(profile->row_count, 2);
	assert_row(profile, 0, "work", 60 + 27);
	assert_row(profile, 1, "<stack unknown>", 3);
	assert_int_equal(profile->amount, 180 * MS);
	destroy(profile);
	profile = create(make_time(), &(struct profile_options){.metric = METRIC_GIL});
	assert_int_equal(profile->amount, 180 * MS);
	destroy(profile);
}

static void threads_tell_what_they_did(void **state)
{
	struct profile *profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_CPU});
	const struct profile_thread *threads = profile->time.threads;

	(void)state;
	assert_int_equal(profile->time.thread_count, 2);
	assert_int_equal(threads[0].thread, 1);
	assert_int_equal(threads[0].counted, 60);
	assert_int_equal(threads[0].samples, 100);
	assert_int_equal(threads[0].states[STATE_RUNNING], 60);
	assert_int_equal(threads[0].states[STATE_SLEEP], 40);
	assert_int_equal(threads[0].holds_gil, 60);
	assert_int_equal(threads[1].thread, 2);
	assert_int_equal(threads[1].counted, 30);
	assert_int_equal(threads[1].states[STATE_RUNNING], 30);
	assert_int_equal(threads[1].states[STATE_GIL], 60);
	assert_int_equal(threads[1].states[STATE_POLL], 10);
	assert_int_equal(threads[1].gc, 30);
	assert_int_equal(threads[1].unknown, 10);
	assert_int_equal(profile->time.all.samples, 200);
	assert_int_equal(profile->time.all.states[STATE_RUNNING], 90);
	assert_int_equal(profile->time.gil_count, 1);
	assert_int_equal(profile->time.gils[0].process, 1);
	assert_int_equal(profile->time.gils[0].rounds, 100);
	assert_int_equal(profile->time.gils[0].held, 90);
	assert_int_equal(profile->time.gils[0].waited, 60);
	destroy(profile);
}

static void filters_take_samples_away(void **state)
{
	static const char *const blocked[] = {"blocked", NULL}, *const gil[] = {"gil", "sleep",
										NULL};
	static const char *const gc[] = {"gc", NULL}, *const pool[] = {"pool", NULL};
	static const char *const rest[] = {"rest", NULL};
	struct profile *profile = create(make_time(), &(struct profile_options){
							      .metric = METRIC_WALL,
							      .states = blocked,
						      });

	(void)state;
	assert_int_equal(profile->count, 50);
	assert_int_equal(profile->hidden_count, 150);
	assert_int_equal(profile->hidden_amount, 300 * MS);
	assert_int_equal(profile->time.all.samples, 200);
	assert_int_equal(profile->time.all.counted, 50);
	destroy(profile);
	profile = create(make_time(),
			 &(struct profile_options){.metric = METRIC_WALL, .states = gil});
	assert_int_equal(profile->count, 60 + 40);
	destroy(profile);
	profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_CPU, .states = gc});
	assert_int_equal(profile->count, 30);
	assert_int_equal(profile->hidden_count, 60);
	destroy(profile);
	profile = create(make_time(),
			 &(struct profile_options){.metric = METRIC_WALL, .threads = pool});
	assert_int_equal(profile->count, 100);
	assert_int_equal(profile->time.thread_count, 1);
	assert_int_equal(profile->time.threads[0].thread, 2);
	assert_int_equal(profile->time.all.samples, 100);
	destroy(profile);
	/* neither a stack that is not known nor one without frames has `rest` in it */
	profile = create(make_time(),
			 &(struct profile_options){.metric = METRIC_WALL, .functions = rest});
	assert_int_equal(profile->row_count, 1);
	assert_row(profile, 0, "rest", 40);
	assert_int_equal(profile->hidden_count, 160);
	destroy(profile);
}

static void a_window_has_its_own_samples(void **state)
{
	struct profile *profile = create(make_time(), &(struct profile_options){
							      .metric = METRIC_CPU,
							      .from_ns = 100 * MS,
							      .to_ns = 140 * MS,
						      });

	(void)state;
	/* rounds 50 to 69, of which ten are busy */
	assert_int_equal(profile->time.rounds, 20);
	assert_int_equal(profile->time.period_ns, 2 * MS);
	assert_int_equal(profile->count, 20);
	assert_int_equal(profile->time.all.samples, 40);
	destroy(profile);
}

/* Rounds that are 4 ms apart for a while stand for 4 ms there, whatever they are on average. */
static void a_window_has_its_own_period(void **state)
{
	const struct capture_sampling sampling = {.rounds = 150, .sampled_ns = 300 * MS};
	struct capture_start start = specimen_time_start();
	struct capture_sample sample;
	struct profile *profile;
	struct specimen s;

	(void)state;
	for (int window = 0; window < 3; window++) {
		specimen_begin(&s, &start);
		sample = (struct capture_sample){s.thread, 0, SAMPLE_RUNNING, 0};
		for (unsigned round = 0; round < 100; round++)
			writer_samples(s.writer, s.process, round * MS, &sample, 1);
		for (unsigned round = 0; round < 50; round++)
			writer_samples(s.writer, s.process, (100 + round * 4) * MS + MS / 2,
				       &sample, 1);
		writer_sampling(s.writer, &sampling);
		profile = create(specimen_read(&s, true),
				 &(struct profile_options){
					 .metric = METRIC_CPU,
					 .from_ns = window > 0 ? 100 * MS : 0,
					 .to_ns = window > 1 ? 200 * MS : 0,
				 });
		/* 25 rounds say too little; times are right to a 16th of a ms */
		assert_in_range(profile->time.period_ns, (window == 1 ? 4 : 2) * MS - MS / 16 / 49,
				(window == 1 ? 4 : 2) * MS + MS / 16 / 49);
		assert_int_equal(profile->count, window == 0 ? 150 : window == 1 ? 50 : 25);
		destroy(profile);
	}
}

static void the_timeline_says_how_many_threads(void **state)
{
	struct profile *profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_CPU});
	const struct profile_time *time = &profile->time;

	(void)state;
	/* 16 periods of 1 ms each */
	assert_int_equal(time->timeline_count, 13);
	assert_int_equal(time->timeline[0].time_ns, 16 * MS);
	assert_in_range(time->timeline[12].time_ns, 199 * MS - MS / 32, 199 * MS);
	for (size_t i = 0; i < 11; i++) {
		assert_true(time->timeline[i].threads == 1);
	}
	assert_true(time->timeline[12].threads == 0);
	destroy(profile);
	profile = create(make_time(), &(struct profile_options){.metric = METRIC_WALL,
								.from_ns = 1000 * MS,
								.to_ns = 2000 * MS});
	assert_int_equal(profile->row_count, 0);
	for (size_t i = 0; i < profile->time.timeline_count; i++)
		assert_true(isnan(profile->time.timeline[i].threads));
	destroy(profile);
}

/* Without a word on how sampling went, the period that was asked for stands. */
static void the_period_asked_for_is_the_last_resort(void **state)
{
	struct capture_start start = specimen_time_start();
	struct capture_sample sample;
	struct specimen s;
	struct profile *profile;

	(void)state;
	start.sampling_period_ns = 5 * MS;
	specimen_begin(&s, &start);
	sample = (struct capture_sample){s.thread, 0, SAMPLE_RUNNING, 0};
	writer_samples(s.writer, s.process, MS, &sample, 1);
	profile = create(specimen_read(&s, false), &(struct profile_options){.metric = METRIC_CPU});
	assert_int_equal(profile->time.period_ns, 5 * MS);
	assert_int_equal(profile->amount, 5 * MS);
	destroy(profile);
	specimen_begin(&s, &start);
	for (unsigned i = 1; i <= 4; i++)
		writer_samples(s.writer, s.process, i * MS, &sample, 1);
	writer_sampling(s.writer,
			&(struct capture_sampling){.rounds = 2, .sampled_ns = UINT64_MAX});
	profile = create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_CPU});
	assert_true(profile->amount <= INT64_MAX);
	assert_int_equal(profile->amount, 4 * profile->time.period_ns);
	destroy(profile);
}

static void processes_stay_apart_and_threads_on_request(void **state)
{
	struct capture_process child = {.pid = 200,
					.command = "",
					.executable = "",
					.python_version = "",
					.python_allocator = ""};
	struct capture_start start = specimen_time_start();
	struct specimen s;
	struct profile *profile;
	process_id second;
	thread_id threads[3];
	stack_id stack;

	(void)state;
	for (int split = 0; split < 2; split++) {
		specimen_begin(&s, &start);
		second = writer_process(s.writer, &child);
		threads[0] = s.thread;
		threads[1] = writer_thread(s.writer, s.process, 101, "");
		threads[2] = writer_thread(s.writer, second, 200, "");
		stack = specimen_stack(&s, 0, "f", "a.py", 1);
		for (unsigned i = 0; i < 10; i++) {
			struct capture_sample samples[] = {
				{threads[0], stack, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, 0},
				{threads[1], stack, SAMPLE_RUNNING, 0},
			};
			struct capture_sample other = {threads[2], stack, SAMPLE_RUNNING, 0};

			writer_samples(s.writer, s.process, i * MS, samples, 2);
			if (i % 2 == 0)
				writer_samples(s.writer, second, i * MS, &other, 1);
		}
		profile = create(specimen_read(&s, true),
				 &(struct profile_options){.metric = METRIC_CPU,
							   .split_threads = split == 1});
		assert_int_equal(profile->time.rounds, 10);
		assert_int_equal(profile->time.gil_count, 2);
		assert_int_equal(profile->time.gils[0].rounds, 10);
		assert_int_equal(profile->time.gils[0].held, 10);
		assert_int_equal(profile->time.gils[1].rounds, 5);
		assert_int_equal(profile->time.gils[1].held, 0);
		assert_int_equal(profile->row_count, split ? 3 : 2);
		assert_row(profile, 0, "f", split ? 10 : 20);
		assert_int_equal(profile->rows[0].thread, split ? threads[0] : 0);
		assert_row(profile, profile->row_count - 1, "f", 5);
		assert_int_equal(profile->rows[profile->row_count - 1].process, second);
		destroy(profile);
	}
}

/* The lines of a function become one frame, which has no line; what calls it, too. */
static void lines_merge(void **state)
{
	struct capture_start start = specimen_time_start();
	struct specimen s;
	struct profile *profile;
	stack_id tops[2], stacks[3];

	(void)state;
	specimen_begin(&s, &start);
	tops[0] = specimen_stack(&s, 0, "main", "a.py", 1);
	tops[1] = specimen_stack(&s, 0, "main", "a.py", 2);
	stacks[0] = specimen_stack(&s, tops[0], "f", "a.py", 11);
	stacks[1] = specimen_stack(&s, tops[1], "f", "a.py", 12);
	stacks[2] = specimen_stack(&s, tops[1], "f", "b.py", 12);
	for (unsigned i = 0; i < 3; i++) {
		struct capture_sample sample = {s.thread, stacks[i], SAMPLE_RUNNING, 0};

		writer_samples(s.writer, s.process, i * MS, &sample, 1);
	}
	profile = create(specimen_read(&s, true),
			 &(struct profile_options){.metric = METRIC_CPU, .merge_lines = true});
	assert_int_equal(profile->row_count, 2);
	assert_row(profile, 0, "f", 2);
	assert_row(profile, 1, "f", 1);
	for (frame_id f = 1; f <= profile->frame_count; f++)
		assert_int_equal(profile_frame(profile, f)->line, 0);
	destroy(profile);
}

static void trees_and_functions_add_up_time(void **state)
{
	struct profile *profile =
		create(make_time(), &(struct profile_options){.metric = METRIC_WALL});
	struct calltree *tree = calltree_create(profile, &(struct calltree_options){0});
	struct functions *functions = functions_create(profile);

	(void)state;
	assert_int_equal(tree->nodes[0].total_amount, 400 * MS);
	assert_int_equal(tree->nodes[0].own_amount, 18 * MS);
	assert_int_equal(tree->nodes[1].total_amount, 362 * MS);
	assert_int_equal(tree->nodes[1].total_count, 181);
	assert_true(fabs(tree->nodes[1].total_error - sqrt(181) * 2e6) < 1e-3);
	assert_int_equal(functions->count, 5);
	assert_string_equal(profile_frame(profile, functions->sums[0].frame)->function, "<module>");
	assert_int_equal(functions->sums[0].total.amount, 362 * MS);
	assert_int_equal(functions->sums[0].own.amount, 0);
	assert_true(fabs(functions->sums[0].total.error - sqrt(181) * 2e6) < 1e-3);
	functions_destroy(functions);
	calltree_destroy(tree);
	destroy(profile);
}

static int refuse(struct capture_reader *reader, const struct profile_options *options,
		  const char *words)
{
	struct profile *profile;
	struct error err = {0};
	int result = profile_create(reader, options, &profile, &err);

	if (strstr(err.message, words) == NULL)
		fail_msg("%s", err.message);
	reader_close(reader);
	return result;
}

static void what_was_not_recorded_is_refused(void **state)
{
	static const char *const idle[] = {"idle", NULL}, *const running[] = {"running", NULL};
	struct specimen s;

	(void)state;
	assert_int_equal(refuse(make_time(), &(struct profile_options){.metric = METRIC_LEAKS},
				"no allocations were recorded here"),
			 -ERROR_USAGE);
	specimen_begin(&s, NULL);
	assert_int_equal(refuse(specimen_read(&s, true),
				&(struct profile_options){.metric = METRIC_GIL},
				"record with sonde run --gil"),
			 -ERROR_USAGE);
	assert_int_equal(refuse(make_time(),
				&(struct profile_options){.metric = METRIC_CPU, .states = idle},
				"no state 'idle'"),
			 -ERROR_USAGE);
	specimen_begin(&s, NULL);
	assert_int_equal(refuse(specimen_read(&s, true),
				&(struct profile_options){.states = running},
				"bytes have no state"),
			 -ERROR_USAGE);
}

static void a_capture_may_hold_both(void **state)
{
	struct capture_start start = specimen_time_start();
	struct profile *profile;
	struct capture_reader *reader;
	struct specimen s;

	(void)state;
	start.allocations = true;
	for (int first = 0; first < 2; first++) {
		specimen_begin(&s, &start);
		writer_time(s.writer, 3 * MS);
		specimen_malloc(&s, specimen_stack(&s, 0, "f", "a.py", 1), 100);
		add_rounds(&s);
		reader = specimen_read(&s, true);
		assert_int_equal(metric_usual(reader), METRIC_PEAK);
		profile = create(reader, &(struct profile_options){
						 .metric = first ? METRIC_WALL : METRIC_PEAK,
						 .both = true,
					 });
		assert_int_equal(profile->unit, first ? UNIT_NS : UNIT_BYTES);
		assert_non_null(profile->other);
		assert_int_equal(profile->other->unit, first ? UNIT_BYTES : UNIT_NS);
		assert_int_equal(profile->amount, first ? 400 * MS : 100);
		assert_int_equal(profile->other->amount, first ? 100 : 180 * MS);
		assert_int_equal((first ? profile->other : profile)->memory.totals.peak_bytes, 100);
		destroy(profile);
	}
	reader = make_time();
	assert_int_equal(metric_usual(reader), METRIC_CPU);
	profile = create(reader, &(struct profile_options){.metric = METRIC_CPU, .both = true});
	assert_null(profile->other);
	destroy(profile);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_int_equal(state_of(SAMPLE_RUNNING | SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX),
			 STATE_RUNNING);
	assert_int_equal(state_of(SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX), STATE_GIL);
	assert_int_equal(state_of(SAMPLE_HOLDS_GIL, SAMPLE_WAIT_READ), STATE_READ);
	assert_int_equal(state_of(0, SAMPLE_WAIT_NONE), STATE_STOPPED);
	assert_int_equal(state_of(0, 999), STATE_OTHER);
	for (enum state s = 0; s < STATE_END; s++)
		assert_true(state_is_known(state_name(s)));
	assert_string_equal(state_name(STATE_KERNEL), "kernel");
	assert_true(state_matches("blocked", 0, SAMPLE_WAIT_NONE));
	assert_false(state_matches("blocked", SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX));
	assert_false(state_matches("futex", SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX));
	assert_false(state_is_known("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_counts_all_threads),
		cmocka_unit_test(cpu_and_gil_count_what_they_say),
		cmocka_unit_test(threads_tell_what_they_did),
		cmocka_unit_test(filters_take_samples_away),
		cmocka_unit_test(a_window_has_its_own_samples),
		cmocka_unit_test(a_window_has_its_own_period),
		cmocka_unit_test(the_timeline_says_how_many_threads),
		cmocka_unit_test(the_period_asked_for_is_the_last_resort),
		cmocka_unit_test(processes_stay_apart_and_threads_on_request),
		cmocka_unit_test(lines_merge),
		cmocka_unit_test(trees_and_functions_add_up_time),
		cmocka_unit_test(what_was_not_recorded_is_refused),
		cmocka_unit_test(a_capture_may_hold_both),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
