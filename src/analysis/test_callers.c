#include "analysis/callers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/specimen.h"

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

static const struct caller_sum *find(const struct profile *profile, const struct callers *callers,
				     const char *caller, const char *function)
{
	const struct caller_sum *found = NULL;

	for (size_t i = 0; i < callers->count; i++) {
		const struct caller_sum *sum = &callers->sums[i];

		if (strcmp(profile_frame(profile, sum->frame)->function, function) != 0 ||
		    strcmp(profile_frame(profile, sum->caller)->function, caller) != 0)
			continue;
		assert_null(found);
		found = sum;
	}
	return found;
}

static void assert_sum(const struct profile *profile, const struct callers *callers,
		       const char *caller, const char *function, uint64_t own, uint64_t own_count,
		       uint64_t total, uint64_t total_count)
{
	const struct caller_sum *sum = find(profile, callers, caller, function);

	if (sum == NULL)
		fail_msg("%s does not call %s", caller, function);
	assert_int_equal(sum->own.amount, own);
	assert_int_equal(sum->own.count, own_count);
	assert_int_equal(sum->total.amount, total);
	assert_int_equal(sum->total.count, total_count);
}

/* top > fib > fib > fib > leaf 100; top > fib 7 (another line); top > leaf 20; leaf alone 3; and a
 * block without a stack. */
static void calls_count_once_per_stack(void **state)
{
	(void)state;
	for (int split = 0; split < 2; split++) {
		struct profile_options options = {.metric = METRIC_LEAKS, .split_threads = split};
		struct specimen s;
		struct profile *profile;
		struct callers *callers;
		stack_id top, fib;

		specimen_begin(&s, NULL);
		top = specimen_stack(&s, 0, "top", "a.py", 1);
		fib = specimen_stack(&s, top, "fib", "a.py", 5);
		fib = specimen_stack(&s, fib, "fib", "a.py", 6);
		fib = specimen_stack(&s, fib, "fib", "a.py", 5);
		specimen_malloc(&s, specimen_stack(&s, fib, "leaf", "a.py", 9), 100);
		specimen_malloc(&s, specimen_stack(&s, top, "fib", "a.py", 8), 7);
		specimen_malloc(&s, specimen_stack(&s, top, "leaf", "a.py", 9), 20);
		specimen_malloc(&s, specimen_stack(&s, 0, "leaf", "a.py", 9), 3);
		specimen_malloc(&s, 0, 1000);
		profile = create(specimen_read(&s, true), &options);
		callers = callers_create(profile);
		assert_int_equal(callers->count, 4);
		assert_sum(profile, callers, "top", "fib", 7, 1, 107, 2);
		assert_sum(profile, callers, "fib", "fib", 0, 0, 100, 1);
		assert_sum(profile, callers, "fib", "leaf", 100, 1, 100, 1);
		assert_sum(profile, callers, "top", "leaf", 20, 1, 20, 1);
		/* By function, its heaviest caller first. */
		assert_ptr_equal(find(profile, callers, "top", "fib") + 1,
				 find(profile, callers, "fib", "fib"));
		callers_destroy(callers);
		destroy(profile);
	}
}

/* a > b 100 samples, a > b > c 44, of which the calls have the errors that their counts say. */
static void estimates_have_errors(void **state)
{
	struct capture_start start = specimen_time_start();
	const struct caller_sum *b;
	struct specimen s;
	struct profile *profile;
	struct callers *callers;
	stack_id stack, deep;

	(void)state;
	specimen_begin(&s, &start);
	stack = specimen_stack(&s, specimen_stack(&s, 0, "a", "a.py", 1), "b", "a.py", 2);
	deep = specimen_stack(&s, stack, "c", "a.py", 3);
	for (unsigned i = 0; i < 144; i++) {
		struct capture_sample sample = {s.thread, i < 100 ? stack : deep, SAMPLE_RUNNING,
						0};

		writer_samples(s.writer, s.process, (i + 1) * UINT64_C(1000000), &sample, 1);
	}
	profile = create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_CPU});
	callers = callers_create(profile);
	b = find(profile, callers, "a", "b");
	assert_non_null(b);
	assert_int_equal(b->own.count, 100);
	assert_int_equal(b->total.count, 144);
	assert_true(fabs(b->own.error - 10e6) < 1);
	assert_true(fabs(b->total.error - 12e6) < 1);
	callers_destroy(callers);
	destroy(profile);
}

/* Of a function that is not recursive, what its callers say adds up to what it has itself. */
static void callers_and_functions_agree(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct specimen s;
	struct profile *profile;
	struct functions *functions;
	struct callers *callers;
	uint32_t seed = 7;

	(void)state;
	specimen_begin(&s, NULL);
	for (unsigned i = 0; i < 300; i++) {
		stack_id stack = specimen_stack(&s, 0, "start", "s.py", 1);
		unsigned at = 0;

		/* Ascending, so nothing calls itself. */
		for (; at < 5; at++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 30 != 0)
				stack = specimen_stack(&s, stack, names[at], "x.py",
						       1 + (seed >> 12) % 3);
		}
		specimen_malloc(&s, stack, 1 + (seed >> 16));
	}
	profile =
		create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_TOTAL});
	functions = functions_create(profile);
	callers = callers_create(profile);
	assert_int_equal(functions->count, 6);
	for (size_t f = 0; f < functions->count; f++) {
		const struct function_sum *function = &functions->sums[f];
		struct function_amount own = {0}, total = {0};

		if (strcmp(profile_frame(profile, function->frame)->function, "start") == 0)
			continue;
		for (size_t i = 0; i < callers->count; i++) {
			if (callers->sums[i].frame != function->frame)
				continue;
			own.amount += callers->sums[i].own.amount;
			own.count += callers->sums[i].own.count;
			total.amount += callers->sums[i].total.amount;
			total.count += callers->sums[i].total.count;
		}
		assert_int_equal(own.amount, function->own.amount);
		assert_int_equal(own.count, function->own.count);
		assert_int_equal(total.amount, function->total.amount);
		assert_int_equal(total.count, function->total.count);
	}
	functions_destroy(functions);
	callers_destroy(callers);
	destroy(profile);
}

static void nothing_calls_nothing(void **state)
{
	struct profile *profile;
	struct callers *callers;
	struct specimen s;

	(void)state;
	specimen_begin(&s, NULL);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	callers = callers_create(profile);
	assert_int_equal(callers->count, 0);
	callers_destroy(callers);
	callers_destroy(NULL);
	destroy(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_count_once_per_stack),
		cmocka_unit_test(estimates_have_errors),
		cmocka_unit_test(callers_and_functions_agree),
		cmocka_unit_test(nothing_calls_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
