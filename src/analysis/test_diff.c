#include "analysis/diff.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/calltree.h"
#include "analysis/difftree.h"
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

static struct diff *compare(const struct profile *before, const struct profile *after,
			    const struct diff_options *options)
{
	struct diff *diff = NULL;
	struct error err = {0};

	if (diff_create(before, after, options, &diff, &err) != 0)
		fail_msg("%s", err.message);
	return diff;
}

static const struct diff_sum *find(const struct diff *diff, const char *function, uint32_t line)
{
	for (size_t i = 0; i < diff->sum_count; i++) {
		const struct capture_frame *frame = &diff->frames[diff->sums[i].frame];

		if (strcmp(frame->function, function) == 0 && frame->line == line)
			return &diff->sums[i];
	}
	fail_msg("no %s:%u", function, line);
	return NULL;
}

static void assert_amount(const struct diff_amount *amount, uint64_t before, uint64_t after,
			  uint64_t before_count, uint64_t after_count)
{
	assert_int_equal(amount->before, before);
	assert_int_equal(amount->after, after);
	assert_int_equal(amount->before_count, before_count);
	assert_int_equal(amount->after_count, after_count);
}

/* What `main` allocates: load 1000 in two blocks (another line in a new version), store 300, once
 * through a recursion; gone 50, or new 7; one block of `main` itself; one without a stack. */
static struct profile *make_memory(bool is_new)
{
	struct specimen s;
	stack_id top, load, store;

	specimen_begin(&s, NULL);
	if (is_new) /* other ids in the other capture */
		specimen_stack(&s, 0, "unused", "z.py", 1);
	top = specimen_stack(&s, 0, "main", "app.py", is_new ? 12 : 10);
	load = specimen_stack(&s, top, "load", "app.py", is_new ? 22 : 20);
	specimen_malloc(&s, load, 400);
	specimen_malloc(&s, load, is_new ? 900 : 600);
	store = specimen_stack(&s, top, "store", "app.py", 30);
	store = specimen_stack(&s, store, "store", "app.py", 31);
	specimen_malloc(&s, store, 300);
	if (is_new)
		specimen_malloc(&s, specimen_stack(&s, top, "new", "app.py", 40), 7);
	else
		specimen_malloc(&s, specimen_stack(&s, top, "gone", "app.py", 40), 50);
	specimen_malloc(&s, top, is_new ? 11 : 10);
	specimen_malloc(&s, 0, 5);
	return create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_LEAKS});
}

struct pair {
	struct profile *before, *after;
};

static struct pair make_pair(void)
{
	return (struct pair){make_memory(false), make_memory(true)};
}

static void destroy_pair(struct pair *pair)
{
	destroy(pair->before);
	destroy(pair->after);
}

static void functions_match_whatever_their_lines(void **state)
{
	static const char *const order[] = {"load", "gone", "new", "main", "store", "<no stack>"};
	struct pair pair = make_pair();
	struct diff *diff = compare(pair.before, pair.after, &(struct diff_options){0});

	(void)state;
	assert_false(diff->estimated);
	assert_int_equal(diff->sum_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(diff->frames[diff->sums[i].frame].function, order[i]);
	assert_amount(&find(diff, "load", 0)->own, 1000, 1300, 2, 2);
	assert_amount(&find(diff, "load", 0)->total, 1000, 1300, 2, 2);
	assert_amount(&find(diff, "main", 0)->own, 10, 11, 1, 1);
	assert_amount(&find(diff, "main", 0)->total, 1360, 1618, 5, 5);
	assert_amount(&find(diff, "store", 0)->own, 300, 300, 1, 1);
	assert_amount(&find(diff, "store", 0)->total, 300, 300, 1, 1);
	assert_amount(&find(diff, "gone", 0)->total, 50, 0, 1, 0);
	assert_amount(&find(diff, "new", 0)->total, 0, 7, 0, 1);
	assert_amount(&find(diff, "<no stack>", 0)->own, 5, 5, 1, 1);
	assert_amount(&find(diff, "<no stack>", 0)->total, 5, 5, 1, 1);
	assert_amount(&diff->total, 1365, 1623, 6, 6);
	assert_true(diff->total.error == 0);
	assert_int_equal(diff_change(&diff->total), 258);
	assert_int_equal(diff_change(&find(diff, "gone", 0)->own), -50);
	assert_true(diff_is_significant(&find(diff, "main", 0)->own));
	assert_false(diff_is_significant(&find(diff, "store", 0)->own));
	diff_destroy(diff);
	diff = compare(pair.before, pair.after, &(struct diff_options){.order = DIFF_BY_TOTAL});
	assert_string_equal(diff->frames[diff->sums[0].frame].function, "load");
	assert_string_equal(diff->frames[diff->sums[1].frame].function, "main");
	diff_destroy(diff);
	diff_destroy(NULL);
	destroy_pair(&pair);
}

static void lines_are_told_apart_on_request(void **state)
{
	struct pair pair = make_pair();
	struct diff *diff = compare(pair.before, pair.after, &(struct diff_options){.lines = true});

	(void)state;
	assert_amount(&find(diff, "load", 20)->own, 1000, 0, 2, 0);
	assert_amount(&find(diff, "load", 22)->own, 0, 1300, 0, 2);
	assert_amount(&find(diff, "store", 30)->own, 0, 0, 0, 0);
	assert_amount(&find(diff, "store", 30)->total, 300, 300, 1, 1);
	assert_amount(&diff->total, 1365, 1623, 6, 6);
	diff_destroy(diff);
	destroy_pair(&pair);
}

static const struct difftree_node *child(const struct diff *diff, const struct difftree *tree,
					 const struct difftree_node *parent, const char *function)
{
	for (uint32_t c = parent->first_child; c != 0; c = tree->nodes[c].next_sibling) {
		assert_ptr_equal(&tree->nodes[tree->nodes[c].parent], parent);
		if (strcmp(diff->frames[tree->nodes[c].frame].function, function) == 0)
			return &tree->nodes[c];
	}
	fail_msg("no %s", function);
	return NULL;
}

static void trees_have_both_numbers(void **state)
{
	struct pair pair = make_pair();
	struct diff *diff = compare(pair.before, pair.after, &(struct diff_options){0});
	struct difftree *tree = difftree_create(diff, &(struct difftree_options){0});
	const struct difftree_node *root = &tree->nodes[0], *top, *store;

	(void)state;
	/* all > main > load, store > store, gone, new */
	assert_int_equal(tree->count, 7);
	assert_int_equal(tree->max_depth, 3);
	assert_int_equal(tree->left_out, 0);
	assert_amount(&root->total, 1365, 1623, 6, 6);
	assert_amount(&root->own, 5, 5, 1, 1);
	top = child(diff, tree, root, "main");
	assert_amount(&top->total, 1360, 1618, 5, 5);
	assert_amount(&top->own, 10, 11, 1, 1);
	assert_amount(&child(diff, tree, top, "load")->own, 1000, 1300, 2, 2);
	store = child(diff, tree, top, "store");
	assert_amount(&store->own, 0, 0, 0, 0);
	assert_amount(&child(diff, tree, store, "store")->own, 300, 300, 1, 1);
	assert_amount(&child(diff, tree, top, "gone")->total, 50, 0, 1, 0);
	assert_amount(&child(diff, tree, top, "new")->total, 0, 7, 0, 1);
	assert_int_equal(store->depth, 2);
	difftree_destroy(tree);
	difftree_destroy(NULL);
	diff_destroy(diff);
	destroy_pair(&pair);
}

static void inverted_trees_begin_with_who_allocated(void **state)
{
	struct pair pair = make_pair();
	struct diff *diff = compare(pair.before, pair.after, &(struct diff_options){0});
	struct difftree *tree = difftree_create(diff, &(struct difftree_options){.inverted = true});
	const struct difftree_node *root = &tree->nodes[0], *top, *store;

	(void)state;
	assert_amount(&root->total, 1365, 1623, 6, 6);
	assert_amount(&root->own, 5, 5, 1, 1);
	top = child(diff, tree, root, "main");
	assert_amount(&top->total, 10, 11, 1, 1);
	assert_amount(&top->own, 10, 11, 1, 1);
	store = child(diff, tree, child(diff, tree, root, "store"), "store");
	assert_amount(&store->total, 300, 300, 1, 1);
	assert_amount(&store->own, 0, 0, 0, 0);
	assert_amount(&child(diff, tree, store, "main")->own, 300, 300, 1, 1);
	assert_amount(&child(diff, tree, child(diff, tree, root, "gone"), "main")->own, 50, 0, 1,
		      0);
	difftree_destroy(tree);
	diff_destroy(diff);
	destroy_pair(&pair);
}

/* A node that one side has little of stays when the other has much: its numbers are whole. */
static void limits_look_at_both(void **state)
{
	struct pair pair = make_pair();
	struct diff *diff = compare(pair.before, pair.after, &(struct diff_options){0});
	struct difftree_options options = {.min_weight = 50};
	struct difftree *tree = difftree_create(diff, &options);

	(void)state;
	assert_int_equal(tree->count, 6); /* all but new */
	assert_int_equal(tree->left_out, 1);
	assert_amount(&child(diff, tree, &tree->nodes[1], "gone")->total, 50, 0, 1, 0);
	assert_amount(&tree->nodes[1].total, 1360, 1618, 5, 5);
	difftree_destroy(tree);
	options = (struct difftree_options){.weight = DIFFTREE_AFTER, .min_weight = 1};
	tree = difftree_create(diff, &options);
	assert_int_equal(tree->count, 6); /* all but gone */
	assert_int_equal(tree->left_out, 0);
	assert_amount(&tree->nodes[0].total, 1365, 1623, 6, 6);
	difftree_destroy(tree);
	options.weight = DIFFTREE_BEFORE;
	tree = difftree_create(diff, &options);
	assert_int_equal(tree->count, 6);
	assert_amount(&child(diff, tree, &tree->nodes[1], "gone")->total, 50, 0, 1, 0);
	difftree_destroy(tree);
	options = (struct difftree_options){.max_nodes = 3, .inverted = true};
	tree = difftree_create(diff, &options);
	assert_int_equal(tree->count, 3); /* all > load > main */
	assert_amount(&tree->nodes[2].own, 1000, 1300, 2, 2);
	difftree_destroy(tree);
	diff_destroy(diff);
	destroy_pair(&pair);
}

static void scaled_totals_are_equal_and_add_up(void **state)
{
	struct pair pair = make_pair();
	struct diff *diff =
		compare(pair.before, pair.after, &(struct diff_options){.normalize = true});
	struct difftree *tree = difftree_create(diff, &(struct difftree_options){0});
	uint64_t own = 0, nodes = 0;

	(void)state;
	assert_amount(&diff->total, 1623, 1623, 6, 6);
	for (size_t i = 0; i < diff->sum_count; i++)
		own += diff->sums[i].own.before;
	assert_int_equal(own, 1623);
	for (uint32_t i = 0; i < tree->count; i++)
		nodes += tree->nodes[i].own.before;
	assert_int_equal(nodes, 1623);
	for (size_t i = 0; i < diff->sum_count; i++) {
		const struct diff_sum *sum = &diff->sums[i];
		double exact = strcmp(diff->frames[sum->frame].function, "load") == 0 ? 1000 : -1;

		if (exact > 0)
			assert_true(fabs((double)sum->own.before - exact * 1623 / 1365) < 1);
	}
	assert_true(diff_change(&find(diff, "store", 0)->own) < 0); /* 300 of more */
	difftree_destroy(tree);
	diff_destroy(diff);
	destroy_pair(&pair);
}

/* Numbers that a double does not hold. */
static void large_numbers_are_scaled_exactly(void **state)
{
	struct profile *sides[2];
	struct diff *diff;

	(void)state;
	for (size_t side = 0; side < 2; side++) {
		struct specimen s;

		specimen_begin(&s, NULL);
		specimen_malloc(&s, specimen_stack(&s, 0, "a", "a.py", 1),
				(UINT64_C(1) << 55) + 1 + side);
		specimen_malloc(&s, specimen_stack(&s, 0, "b", "a.py", 1), 1);
		sides[side] = create(specimen_read(&s, true),
				     &(struct profile_options){.metric = METRIC_LEAKS});
	}
	diff = compare(sides[0], sides[1], &(struct diff_options){0});
	assert_int_equal(diff_change(&find(diff, "a", 0)->own), 1);
	diff_destroy(diff);
	diff = compare(sides[0], sides[1], &(struct diff_options){.normalize = true});
	assert_true(diff->total.before == (UINT64_C(1) << 55) + 3);
	assert_int_equal(find(diff, "a", 0)->own.before + find(diff, "b", 0)->own.before,
			 diff->total.before);
	assert_true(diff_distance(&find(diff, "a", 0)->own) <= 1);
	diff_destroy(diff);
	destroy(sides[0]);
	destroy(sides[1]);
}

static void nothing_cannot_be_scaled(void **state)
{
	struct specimen s;
	struct profile *some = make_memory(false), *none;
	struct diff *diff;
	struct error err;

	(void)state;
	specimen_begin(&s, NULL);
	none = create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_LEAKS});
	assert_int_equal(
		diff_create(none, some, &(struct diff_options){.normalize = true}, &diff, &err),
		-ERROR_USAGE);
	assert_non_null(strstr(err.message, "BASE"));
	assert_int_equal(
		diff_create(some, none, &(struct diff_options){.normalize = true}, &diff, &err),
		-ERROR_USAGE);
	assert_non_null(strstr(err.message, "NEW"));
	diff = compare(some, none, &(struct diff_options){0});
	assert_amount(&diff->total, 1365, 0, 6, 0);
	diff_destroy(diff);
	diff = compare(none, none, &(struct diff_options){0});
	assert_int_equal(diff->sum_count, 0);
	diff_destroy(diff);
	destroy(some);
	destroy(none);
}

/* n samples of f, m of g, of a program that is looked at every `period`. */
static struct profile *make_time(unsigned f, unsigned g, uint64_t period_ns)
{
	struct capture_sampling sampling = {.rounds = f + g, .sampled_ns = (f + g) * period_ns};
	struct capture_start start = specimen_time_start();
	struct specimen s;
	stack_id stacks[2];

	specimen_begin(&s, &start);
	stacks[0] = specimen_stack(&s, 0, "f", "a.py", 1);
	stacks[1] = specimen_stack(&s, 0, "g", "a.py", 2);
	for (unsigned i = 0; i < f + g; i++) {
		struct capture_sample sample = {s.thread, stacks[i >= f], SAMPLE_RUNNING, 0};

		writer_samples(s.writer, s.process, (i + 1) * period_ns, &sample, 1);
	}
	writer_sampling(s.writer, &sampling);
	return create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_CPU});
}

static void estimates_know_what_is_chance(void **state)
{
	struct profile *before = make_time(100, 4, MS), *after = make_time(144, 25, 2 * MS);
	struct diff *diff = compare(before, after, &(struct diff_options){0});
	const struct diff_sum *f = find(diff, "f", 0);

	(void)state;
	assert_true(diff->estimated);
	assert_amount(&f->own, 100 * MS, 288 * MS, 100, 144);
	/* 10 ms and 24 ms */
	assert_true(fabs(f->own.error - 26e6) < 1);
	assert_true(fabs(diff->total.error - sqrt(104 + 4 * 169) * 1e6) < 1);
	assert_true(diff_is_significant(&f->own));
	diff_destroy(diff);
	destroy(before);
	destroy(after);
	before = make_time(100, 0, MS);
	after = make_time(127, 4, MS);
	diff = compare(before, after, &(struct diff_options){0});
	/* 27 ms of sqrt(227) = 15.1 ms; 4 ms of 2 ms. */
	assert_false(diff_is_significant(&find(diff, "f", 0)->own));
	assert_true(diff_is_significant(&find(diff, "g", 0)->own));
	diff_destroy(diff);
	/* Scaled by 131 / 100, and its error with it. */
	diff = compare(before, after, &(struct diff_options){.normalize = true});
	f = find(diff, "f", 0);
	assert_amount(&f->own, 131 * MS, 127 * MS, 100, 127);
	assert_true(fabs(f->own.error - sqrt(1.31 * 1.31 * 100 + 127) * 1e6) < 1);
	diff_destroy(diff);
	destroy(before);
	destroy(after);
}

static void changes_end_where_numbers_do(void **state)
{
	(void)state;
	assert_true(diff_change(&(struct diff_amount){.before = UINT64_MAX}) == INT64_MIN);
	assert_true(diff_change(&(struct diff_amount){.after = UINT64_MAX}) == INT64_MAX);
	assert_int_equal(diff_change(&(struct diff_amount){.before = 7, .after = 7}), 0);
}

/* Random stacks on both sides: every number is that of the side's own analyses. */
static void sides_keep_their_numbers(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	struct profile *sides[2];
	uint32_t seed = 5;
	struct diff *diff;
	struct difftree *tree;
	struct calltree *one;
	uint32_t shared = 0;

	(void)state;
	for (size_t side = 0; side < 2; side++) {
		struct specimen s;

		specimen_begin(&s, NULL);
		for (unsigned i = 0; i < 400; i++) {
			stack_id stack = 0;

			do {
				seed = seed * 1664525 + 1013904223;
				stack = specimen_stack(&s, stack, names[(seed >> 8) % 6],
						       (seed >> 20) % 9 ? "x.py" : "y.py",
						       1 + (seed >> 12) % 3);
			} while (seed >> 29 != 0);
			specimen_malloc(&s, stack, 1 + (seed >> 16));
		}
		sides[side] = create(specimen_read(&s, true),
				     &(struct profile_options){.metric = METRIC_TOTAL});
	}
	diff = compare(sides[0], sides[1], &(struct diff_options){0});
	for (size_t side = 0; side < 2; side++) {
		struct functions *functions = functions_create(sides[side]);

		for (size_t i = 0; i < functions->count; i++) {
			const struct function_sum *function = &functions->sums[i];
			const struct capture_frame *frame =
				profile_frame(sides[side], function->frame);
			const struct diff_sum *sum = NULL;

			for (size_t j = 0; j < diff->sum_count; j++) {
				const struct capture_frame *other =
					&diff->frames[diff->sums[j].frame];

				if (strcmp(other->function, frame->function) == 0 &&
				    strcmp(other->file, frame->file) == 0)
					sum = &diff->sums[j];
			}
			assert_non_null(sum);
			assert_int_equal(side ? sum->own.after : sum->own.before,
					 function->own.amount);
			assert_int_equal(side ? sum->total.after : sum->total.before,
					 function->total.amount);
			assert_int_equal(side ? sum->total.after_count : sum->total.before_count,
					 function->total.count);
		}
		functions_destroy(functions);
	}
	tree = difftree_create(diff, &(struct difftree_options){0});
	for (size_t side = 0; side < 2; side++) {
		uint32_t with_number = 0;

		one = calltree_create(sides[side], &(struct calltree_options){.merge_lines = true});
		for (uint32_t i = 0; i < tree->count; i++)
			with_number += (side ? tree->nodes[i].total.after_count
					     : tree->nodes[i].total.before_count) > 0;
		assert_int_equal(with_number, one->count);
		calltree_destroy(one);
	}
	for (uint32_t i = 0; i < tree->count; i++)
		shared += tree->nodes[i].total.before_count > 0 &&
			  tree->nodes[i].total.after_count > 0;
	assert_true(shared > 50);
	difftree_destroy(tree);
	diff_destroy(diff);
	destroy(sides[0]);
	destroy(sides[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_match_whatever_their_lines),
		cmocka_unit_test(lines_are_told_apart_on_request),
		cmocka_unit_test(trees_have_both_numbers),
		cmocka_unit_test(inverted_trees_begin_with_who_allocated),
		cmocka_unit_test(limits_look_at_both),
		cmocka_unit_test(scaled_totals_are_equal_and_add_up),
		cmocka_unit_test(large_numbers_are_scaled_exactly),
		cmocka_unit_test(nothing_cannot_be_scaled),
		cmocka_unit_test(estimates_know_what_is_chance),
		cmocka_unit_test(changes_end_where_numbers_do),
		cmocka_unit_test(sides_keep_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
