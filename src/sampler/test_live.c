#include "sampler/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MS 1000000ull

static const struct live_options options = {.window_ns = 2000 * MS, .period_ns = 10 * MS};

static void tell_process(struct live *live, uint32_t process, pid_t pid)
{
	struct sampler_process news = {
		.process = process,
		.pid = pid,
		.parent_pid = 1,
		.time_ns = 1,
		.python_version = "3.12.1",
		.command = (char *)"python3 app.py",
	};

	live_news(live, &news);
}

static void end_process(struct live *live, uint32_t process, uint64_t time_ns)
{
	struct sampler_process news = {.process = process, .ended = true, .time_ns = time_ns};

	live_news(live, &news);
}

static struct live *watch_one(void)
{
	struct live *live = live_create(&options);

	tell_process(live, 0, 100);
	return live;
}

static void look(struct live *live, uint64_t time_ns, pid_t tid, uint32_t stack, unsigned flags,
		 unsigned wait)
{
	struct sample sample = {
		.time_ns = time_ns,
		.tid = tid,
		.stack = stack,
		.flags = (uint16_t)flags,
		.wait = (uint16_t)wait,
	};

	live_add(live, &sample, 1);
}

static uint64_t count_of(const struct live *live, uint32_t stack, enum live_span span)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < live_cells(live); i++) {
		if (live_cell(live, i)->stack == stack)
			count += live_cell(live, i)->counts[span];
	}
	return count;
}

static uint32_t thread_of(const struct live *live, pid_t tid)
{
	for (uint32_t i = 0; i < live_threads(live); i++) {
		if (live_thread(live, i) && live_thread(live, i)->tid == tid)
			return i;
	}
	return UINT32_MAX;
}

static void test_states(void **state)
{
	struct live *live = watch_one();
	struct live_states states;
	uint64_t t = 1000 * MS;

	(void)state;
	for (unsigned i = 0; i < 100; i++, t += 10 * MS) {
		look(live, t, 100, 5, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | (i < 10 ? SAMPLE_GC : 0),
		     SAMPLE_WAIT_NONE);
		look(live, t, 101, 6, i % 2 ? SAMPLE_WAITS_GIL : 0,
		     i % 2 ? SAMPLE_WAIT_FUTEX : SAMPLE_WAIT_POLL);
		look(live, t, 102, SAMPLE_STACK_UNKNOWN,
		     SAMPLE_RUNNING | SAMPLE_UNKNOWN | SAMPLE_PAUSED, SAMPLE_WAIT_NONE);
	}
	live_thread_states(live, thread_of(live, 100), LIVE_ALL, &states);
	assert_int_equal(states.samples, 100);
	assert_int_equal(states.running, 100);
	assert_int_equal(states.holds_gil, 100);
	assert_int_equal(states.gc, 10);
	assert_int_equal(states.waits_gil, 0);
	live_thread_states(live, thread_of(live, 101), LIVE_ALL, &states);
	assert_int_equal(states.running, 0);
	assert_int_equal(states.waits_gil, 50);
	assert_int_equal(states.blocked[SAMPLE_WAIT_POLL], 50);
	assert_int_equal(states.blocked[SAMPLE_WAIT_FUTEX], 0);
	live_process_states(live, 0, LIVE_WINDOW, &states);
	assert_int_equal(states.samples, 300);
	assert_int_equal(states.running, 200);
	assert_int_equal(states.unknown, 100);
	assert_int_equal(live_samples(live), 300);
	assert_int_equal(live_now(live).threads, 3);
	assert_int_equal(live_now(live).running, 2);
	assert_int_equal(live_now(live).waits_gil, 1);
	assert_int_equal(live_now(live).blocked, 0);
	assert_float_equal(live_sample_ns(live, 0, LIVE_ALL), 10e6, 0);
	assert_float_equal(live_watched_ns(live, LIVE_ALL), 1e9, 0);
	assert_float_equal(live_rate_hz(live, LIVE_ALL), 100, 1e-9);
	live_destroy(live);
}

/* Twenty slots of 100 ms: at 4.94 s the window goes back to 3.0 s, at 5.9 s to 4.0 s. */
static void test_window(void **state)
{
	struct live *live = watch_one();
	uint64_t begin = 7 * MS;

	(void)state;
	for (unsigned i = 0; i < 495; i++)
		look(live, begin + i * 10 * MS, 100, i < 310 ? 5 : 6, SAMPLE_RUNNING,
		     SAMPLE_WAIT_NONE);
	assert_int_equal(count_of(live, 5, LIVE_WINDOW), 10);
	assert_int_equal(count_of(live, 5, LIVE_ALL), 310);
	assert_int_equal(count_of(live, 6, LIVE_WINDOW), 185);
	assert_int_equal(count_of(live, 6, LIVE_ALL), 185);
	assert_int_equal(live_process(live, 0)->rounds[LIVE_WINDOW].rounds, 195);
	assert_int_equal(live_process(live, 0)->rounds[LIVE_ALL].rounds, 495);
	assert_float_equal(live_watched_ns(live, LIVE_WINDOW), 1.95e9, 0);

	live_advance(live, begin + 5900 * MS);
	assert_int_equal(count_of(live, 5, LIVE_WINDOW), 0);
	assert_int_equal(count_of(live, 6, LIVE_WINDOW), 95);
	assert_int_equal(live_thread(live, 0)->window, 95);
	live_advance(live, begin + 60000 * MS);
	assert_int_equal(count_of(live, 6, LIVE_WINDOW), 0);
	assert_int_equal(count_of(live, 6, LIVE_ALL), 185);
	assert_float_equal(live_watched_ns(live, LIVE_WINDOW), 0, 0);
	live_destroy(live);
}

/* Every second deadline was missed; then nobody watched for a minute. */
static void test_time_as_it_was(void **state)
{
	struct live *live = watch_one();
	uint64_t t = 1;

	(void)state;
	for (unsigned i = 0; i < 101; i++, t += 20 * MS)
		look(live, t, 100, 5, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	assert_float_equal(live_sample_ns(live, 0, LIVE_ALL), 20e6, 0);
	assert_float_equal(live_rate_hz(live, LIVE_ALL), 50, 1e-9);
	t += 60000 * MS;
	for (unsigned i = 0; i < 101; i++, t += 20 * MS)
		look(live, t, 100, 5, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	assert_float_equal(live_sample_ns(live, 0, LIVE_ALL), 20e6, 0);
	assert_float_equal(live_watched_ns(live, LIVE_ALL), 202 * 20e6, 0);
	/* The thread was not seen for a whole window, and is the same for all that. */
	assert_int_equal(live_threads(live), 1);
	assert_false(live_thread(live, 0)->rest);
	live_destroy(live);
}

static void test_ended_threads(void **state)
{
	struct live *live = watch_one();
	struct live_states states;
	uint32_t rest = UINT32_MAX;
	uint64_t t = 1000 * MS;

	(void)state;
	/* A new thread every 50 ms, two samples each, beside one that stays. */
	for (unsigned i = 0; i < 10000; i++, t += 10 * MS) {
		look(live, t, 100, 5, 0, SAMPLE_WAIT_SLEEP);
		if (i % 5 < 2)
			look(live, t, (pid_t)(1000 + i / 5), 7 + i % 2, SAMPLE_RUNNING,
			     SAMPLE_WAIT_NONE);
	}
	/* Those of two seconds, the one that stays, and all the others. */
	assert_true(live_threads(live) <= 45);
	assert_true(live_cells(live) <= 100);
	for (uint32_t i = 0; i < live_threads(live); i++) {
		if (live_thread(live, i) && live_thread(live, i)->rest)
			rest = i;
	}
	assert_int_not_equal(rest, UINT32_MAX);
	live_advance(live, t + 10000 * MS);
	look(live, t + 10000 * MS, 100, 5, 0, SAMPLE_WAIT_SLEEP);
	look(live, t + 10010 * MS, 100, 5, 0, SAMPLE_WAIT_SLEEP);
	live_advance(live, t + 12000 * MS);
	live_thread_states(live, rest, LIVE_ALL, &states);
	assert_int_equal(states.samples, 4000);
	assert_int_equal(states.running, 4000);
	assert_int_equal(count_of(live, 7, LIVE_ALL), 2000);
	assert_int_equal(count_of(live, 8, LIVE_ALL), 2000);
	assert_int_equal(live_samples(live), 14002);

	/* A tid that comes again is another thread. */
	look(live, t + 12000 * MS, 1000, 9, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	live_thread_states(live, thread_of(live, 1000), LIVE_ALL, &states);
	assert_int_equal(states.samples, 1);

	end_process(live, 0, t + 12001 * MS);
	assert_int_equal(live_now(live).threads, 0);
	live_advance(live, t + 20000 * MS);
	assert_int_equal(thread_of(live, 100), UINT32_MAX);
	live_thread_states(live, rest, LIVE_ALL, &states);
	assert_int_equal(states.samples, 14003);
	assert_int_equal(states.blocked[SAMPLE_WAIT_SLEEP], 10002);
	live_destroy(live);
}

static void test_names(void **state)
{
	struct live *live = watch_one();
	struct sampler_thread news = {.process = 0, .tid = 100, .name = "MainThread"};
	struct sampler_thread stray = {.process = 7, .tid = 100, .name = "of nobody"};

	(void)state;
	live_name(live, &stray);
	live_name(live, &news);
	look(live, 1000, 100, 5, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	assert_int_equal(live_threads(live), 1);
	assert_string_equal(live_thread(live, 0)->name, "MainThread");
	memcpy(news.name, "worker", sizeof("worker"));
	live_name(live, &news);
	assert_string_equal(live_thread(live, 0)->name, "worker");
	assert_string_equal(live_process(live, 0)->command, "python3 app.py");
	assert_int_equal(live_processes(live), 1);
	live_destroy(live);
}

static void test_reset_and_copy(void **state)
{
	struct live *live = watch_one();
	struct live *copy;
	struct live_states states;
	uint64_t t = 1000 * MS;

	(void)state;
	for (unsigned i = 0; i < 100; i++, t += 10 * MS)
		look(live, t, 100, 5, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	copy = live_copy(live);
	live_reset(live);
	assert_int_equal(live_samples(live), 0);
	assert_int_equal(count_of(live, 5, LIVE_ALL), 0);
	assert_float_equal(live_watched_ns(live, LIVE_ALL), 0, 0);
	for (unsigned i = 0; i < 10; i++, t += 10 * MS)
		look(live, t, 100, 6, SAMPLE_RUNNING, SAMPLE_WAIT_NONE);
	assert_int_equal(count_of(live, 6, LIVE_ALL), 10);
	assert_int_equal(count_of(live, 6, LIVE_WINDOW), 10);
	assert_float_equal(live_watched_ns(live, LIVE_ALL), 10 * 10e6, 0);
	live_thread_states(live, 0, LIVE_ALL, &states);
	assert_int_equal(states.samples, 10);
	live_advance(live, t + 10000 * MS);
	assert_int_equal(count_of(live, 6, LIVE_WINDOW), 0);

	assert_int_equal(live_samples(copy), 100);
	assert_int_equal(count_of(copy, 5, LIVE_WINDOW), 100);
	assert_int_equal(count_of(copy, 6, LIVE_ALL), 0);
	assert_string_equal(live_process(copy, 0)->command, "python3 app.py");
	assert_float_equal(live_watched_ns(copy, LIVE_WINDOW), 1e9, 0);
	live_thread_states(copy, 0, LIVE_ALL, &states);
	assert_int_equal(states.samples, 100);
	live_destroy(copy);
	live_destroy(live);
}

/* A child that lived for half of the time. */
static void test_processes(void **state)
{
	struct live *live = watch_one();
	struct live_states states;
	uint64_t t = 1000 * MS;

	(void)state;
	/* Numbers between them went to processes that were no Python. */
	tell_process(live, 70000, 200);
	for (unsigned i = 0; i < 100; i++, t += 10 * MS) {
		struct sample both[] = {
			{.time_ns = t, .process = 0, .tid = 100, .flags = SAMPLE_RUNNING},
			{.time_ns = t, .process = 70000, .tid = 200, .flags = SAMPLE_RUNNING},
		};

		live_add(live, both, i < 50 ? 2 : 1);
	}
	assert_int_equal(live_processes(live), 2);
	live_process_states(live, 1, LIVE_ALL, &states);
	assert_int_equal(states.samples, 50);
	assert_int_equal(live_process(live, 1)->rounds[LIVE_ALL].rounds, 50);
	assert_float_equal(live_sample_ns(live, 1, LIVE_ALL), 10e6, 0);
	assert_float_equal(live_watched_ns(live, LIVE_ALL), 1e9, 0);
	live_destroy(live);
}

/* As many cells as there are threads and stacks, however many samples. */
static void test_thousand_threads(void **state)
{
	static struct sample round[1000];
	struct live *live = watch_one();
	uint64_t t = 1000 * MS;

	(void)state;
	for (unsigned r = 0; r < 2000; r++, t += MS / 10) {
		for (unsigned i = 0; i < 1000; i++) {
			round[i] = (struct sample){
				.time_ns = t,
				.tid = (pid_t)(100 + i),
				.stack = 2 + i % 10,
				.flags = i ? 0 : SAMPLE_RUNNING,
				.wait = i ? SAMPLE_WAIT_FUTEX : SAMPLE_WAIT_NONE,
			};
		}
		live_add(live, round, 1000);
	}
	assert_int_equal(live_threads(live), 1000);
	assert_int_equal(live_cells(live), 1000);
	assert_int_equal(live_samples(live), 2000000);
	assert_int_equal(count_of(live, 2, LIVE_WINDOW), 200000);
	live_destroy(live);
}

static void test_state_text(void **state)
{
	struct sample sample = {.flags = SAMPLE_RUNNING};

	(void)state;
	assert_string_equal(live_state_text(&sample), "runs");
	sample.flags |= SAMPLE_HOLDS_GIL;
	assert_string_equal(live_state_text(&sample), "runs, has GIL");
	sample.flags |= SAMPLE_GC;
	assert_string_equal(live_state_text(&sample), "collects garbage");
	sample.flags = SAMPLE_WAITS_GIL;
	sample.wait = SAMPLE_WAIT_FUTEX;
	assert_string_equal(live_state_text(&sample), "waits for GIL");
	sample.flags = 0;
	assert_string_equal(live_state_text(&sample), "futex");
	sample.wait = SAMPLE_WAIT_NONE;
	assert_string_equal(live_state_text(&sample), "blocked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),         cmocka_unit_test(test_window),
		cmocka_unit_test(test_time_as_it_was), cmocka_unit_test(test_ended_threads),
		cmocka_unit_test(test_names),          cmocka_unit_test(test_reset_and_copy),
		cmocka_unit_test(test_processes),      cmocka_unit_test(test_thousand_threads),
		cmocka_unit_test(test_state_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
