#include "analysis/functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/calltree.h"
#include "analysis/specimen.h"
#include "analysis/stats.h"

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

static const struct function_sum *find(const struct profile *profile,
				       const struct functions *functions, const char *name)
{
	for (size_t i = 0; i < functions->count; i++) {
		frame_id frame = functions->sums[i].frame;

		if (frame != 0 && strcmp(reader_frame(profile->reader, frame)->function, name) == 0)
			return &functions->sums[i];
	}
	fail_msg("no function %s", name);
	return NULL;
}

/* fib > fib > leaf 10, fib > leaf 5 (freed), fib itself 3 and 2 on other lines. */
static struct profile *make_recursion(enum metric metric)
{
	struct specimen s;
	stack_id outer, inner;

	specimen_begin(&s, NULL);
	outer = specimen_stack(&s, 0, "fib", "a.py", 1);
	inner = specimen_stack(&s, outer, "fib", "a.py", 2);
	specimen_malloc(&s, specimen_stack(&s, inner, "leaf", "a.py", 9), 10);
	specimen_malloc(&s, outer, 3);
	specimen_malloc(&s, inner, 2);
	specimen_free(&s, specimen_malloc(&s, specimen_stack(&s, outer, "leaf", "a.py", 8), 5));
	specimen_malloc(&s, specimen_stack(&s, outer, "fib", "other.py", 1), 1);
	return create(specimen_read(&s, true), &(struct profile_options){.metric = metric});
}

static void a_recursive_function_counts_once_per_stack(void **state)
{
	struct profile *profile = make_recursion(METRIC_LEAKS);
	struct functions *functions = functions_create(profile);
	const struct function_sum *fib = &functions->sums[0];
	const struct function_sum *leaf = find(profile, functions, "leaf");

	(void)state;
	assert_int_equal(functions->count, 3); /* fib of other.py is another */
	assert_int_equal(fib->total.amount, 16);
	assert_int_equal(fib->total.count, 4);
	assert_int_equal(fib->own.amount, 5);
	assert_int_equal(fib->own.count, 2);
	assert_int_equal(fib->total_allocated.bytes, 21);
	assert_int_equal(fib->total_allocated.count, 5);
	assert_int_equal(leaf->own.amount, 10);
	assert_int_equal(leaf->total.amount, 10);
	assert_int_equal(leaf->own_allocated.bytes, 15);
	assert_int_equal(leaf->own_allocated.count, 2);
	functions_destroy(functions);
	destroy(profile);
}

static void lines_merge_in_the_call_tree(void **state)
{
	struct profile *profile = make_recursion(METRIC_TOTAL);
	struct calltree *tree =
		calltree_create(profile, &(struct calltree_options){.merge_lines = true});

	(void)state;
	/* all > fib > fib > leaf, and leaf and other.py's fib below the outer fib */
	assert_int_equal(tree->count, 6);
	assert_int_equal(tree->nodes[1].total_amount, 21);
	calltree_destroy(tree);
	tree = calltree_create(profile,
			       &(struct calltree_options){.merge_lines = true, .inverted = true});
	/* leaf 15 > fib 15, of which the outermost 5, > fib 10 */
	assert_int_equal(tree->nodes[1].total_amount, 15);
	assert_int_equal(tree->nodes[tree->nodes[1].first_child].total_amount, 15);
	assert_int_equal(tree->nodes[tree->nodes[1].first_child].own_amount, 5);
	calltree_destroy(tree);
	destroy(profile);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 12;
}

/* Sums of random stacks against a count of each function by hand. */
static void random_stacks_sum_up(void **state)
{
	enum {
		STACKS = 200,
		FUNCTIONS = 5,
		BLOCKS = 300
	};
	static const char *const names[FUNCTIONS] = {"a", "b", "c", "d", "e"};
	uint64_t own[FUNCTIONS] = {0}, total[FUNCTIONS] = {0};
	stack_id stacks[STACKS + 1] = {0};
	unsigned on_stack[STACKS + 1] = {0}, innermost[STACKS + 1] = {0};
	uint32_t seed = 99;
	struct specimen s;
	struct profile *profile;
	struct functions *functions;

	(void)state;
	specimen_begin(&s, NULL);
	for (unsigned i = 1; i <= STACKS; i++) {
		unsigned parent = next_random(&seed) % i, function = next_random(&seed) % FUNCTIONS;

		stacks[i] = specimen_stack(&s, stacks[parent], names[function], "a.py",
					   1 + next_random(&seed) % 3);
		on_stack[i] = on_stack[parent] | 1u << function;
		innermost[i] = function;
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		unsigned stack = 1 + next_random(&seed) % STACKS;
		uint64_t bytes = next_random(&seed) % 1000;

		specimen_malloc(&s, stacks[stack], bytes);
		own[innermost[stack]] += bytes;
		for (unsigned f = 0; f < FUNCTIONS; f++)
			total[f] += on_stack[stack] & 1u << f ? bytes : 0;
	}
	profile = create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_PEAK});
	functions = functions_create(profile);
	assert_int_equal(functions->count, FUNCTIONS);
	for (unsigned f = 0; f < FUNCTIONS; f++) {
		assert_int_equal(find(profile, functions, names[f])->own.amount, own[f]);
		assert_int_equal(find(profile, functions, names[f])->total.amount, total[f]);
	}
	for (unsigned f = 1; f < FUNCTIONS; f++)
		assert_true(functions->sums[f - 1].total.amount >= functions->sums[f].total.amount);
	functions_sort_by_own(functions);
	for (unsigned f = 1; f < FUNCTIONS; f++)
		assert_true(functions->sums[f - 1].own.amount >= functions->sums[f].own.amount);
	functions_destroy(functions);
	destroy(profile);
}

static void blocks_without_a_stack_are_a_function_of_their_own(void **state)
{
	struct specimen s;
	struct profile *profile;
	struct functions *functions;

	(void)state;
	specimen_begin(&s, NULL);
	specimen_malloc(&s, 0, 40);
	specimen_malloc(&s, specimen_stack(&s, 0, "f", "a.py", 1), 2);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	functions = functions_create(profile);
	assert_int_equal(functions->count, 2);
	assert_int_equal(functions->sums[0].frame, 0);
	assert_int_equal(functions->sums[0].own.amount, 40);
	assert_int_equal(functions->sums[0].total.amount, 40);
	functions_destroy(functions);
	destroy(profile);
}

static void tops_are_by_place(void **state)
{
	struct specimen s;
	struct profile *profile;
	struct stats *stats;
	stack_id one, two, three;

	(void)state;
	specimen_begin(&s, NULL);
	one = specimen_stack(&s, 0, "f", "a.py", 1);
	two = specimen_stack(&s, one, "f", "a.py", 2);
	three = specimen_stack(&s, two, "f", "a.py", 1); /* the place of `one` */
	specimen_malloc(&s, one, 60);
	specimen_free(&s, specimen_malloc(&s, three, 50));
	for (int i = 0; i < 3; i++)
		specimen_malloc(&s, two, 30);
	specimen_malloc(&s, specimen_stack(&s, 0, "g", "a.py", 7), 1);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	stats = stats_create(profile, 2);
	assert_int_equal(stats->location_count, 3);
	assert_int_equal(stats->top_count, 2);
	assert_int_equal(stats->top_by_bytes[0].allocated.bytes, 110);
	assert_int_equal(stats->top_by_bytes[0].allocated.count, 2);
	assert_int_equal(reader_frame(profile->reader, stats->top_by_bytes[0].frame)->line, 1);
	assert_int_equal(stats->top_by_count[0].allocated.count, 3);
	assert_int_equal(stats->top_by_count[1].allocated.count, 2);
	/* 1, 30 and 50, 60: buckets 1 to 6 */
	assert_int_equal(stats->histogram_first, 1);
	assert_int_equal(stats->histogram_end, 7);
	stats_destroy(stats);
	destroy(profile);
}

static int64_t part(const struct stats_memory *memory, enum stats_part_kind kind)
{
	for (size_t i = 0; i < memory->part_count; i++) {
		if (memory->parts[i].kind == kind)
			return memory->parts[i].bytes;
	}
	return 0;
}

static void check_memory(const struct capture_memory *look, uint64_t heap_bytes,
			 const int64_t expected[STATS_PART_END])
{
	struct specimen s;
	struct profile *profile;
	struct stats *stats;
	int64_t sum = 0;

	specimen_begin(&s, NULL);
	specimen_malloc(&s, 0, heap_bytes);
	writer_memory(s.writer, s.process, 3000000, look);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	stats = stats_create(profile, 1);
	assert_true(stats->memory.known);
	assert_int_equal(stats->memory.rss_bytes, look->rss);
	assert_int_equal(stats->memory.traced_bytes, heap_bytes);
	for (int kind = 0; kind < STATS_PART_END; kind++)
		assert_int_equal(part(&stats->memory, (enum stats_part_kind)kind), expected[kind]);
	for (size_t i = 0; i < stats->memory.part_count; i++) {
		sum += stats->memory.parts[i].bytes;
		if (i > 0)
			assert_true(llabs(stats->memory.parts[i].bytes) <=
				    llabs(stats->memory.parts[i - 1].bytes));
	}
	assert_int_equal(sum, (int64_t)look->rss - (int64_t)heap_bytes);
	assert_int_equal(stats->peak_rss_bytes, look->peak_rss);
	stats_destroy(stats);
	destroy(profile);
}

static void the_difference_to_rss_is_divided_up(void **state)
{
	const struct capture_memory fragmented = {
		.rss = 1000,
		.anonymous = 600,
		.file = 300,
		.shared_memory = 100,
		.peak_rss = 1200,
		.own_rss = 40,
		.stacks_resident = 50,
	};
	const struct capture_memory untouched = {
		.rss = 500,
		.anonymous = 400,
		.file = 100,
		.swap = 30,
		.peak_rss = 500,
	};

	(void)state;
	check_memory(&fragmented, 200,
		     (const int64_t[STATS_PART_END]){[STATS_PART_FILES] = 300,
						     [STATS_PART_ALLOCATOR] = 350,
						     [STATS_PART_STACKS] = 50,
						     [STATS_PART_SHARED] = 60,
						     [STATS_PART_OWN] = 40});
	check_memory(&untouched, 1000,
		     (const int64_t[STATS_PART_END]){[STATS_PART_FILES] = 100,
						     [STATS_PART_SWAPPED] = -30,
						     [STATS_PART_UNTOUCHED] = -570});
}

static void without_a_look_rss_is_not_explained(void **state)
{
	struct specimen s;
	struct profile *profile;
	struct stats *stats;

	(void)state;
	specimen_begin(&s, NULL);
	writer_rss(s.writer, s.process, 1000, 4096);
	specimen_malloc(&s, 0, 1);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	stats = stats_create(profile, 5);
	assert_false(stats->memory.known);
	assert_int_equal(stats->peak_rss_bytes, 4096);
	stats_destroy(stats);
	destroy(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recursive_function_counts_once_per_stack),
		cmocka_unit_test(lines_merge_in_the_call_tree),
		cmocka_unit_test(random_stacks_sum_up),
		cmocka_unit_test(blocks_without_a_stack_are_a_function_of_their_own),
		cmocka_unit_test(tops_are_by_place),
		cmocka_unit_test(the_difference_to_rss_is_divided_up),
		cmocka_unit_test(without_a_look_rss_is_not_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
