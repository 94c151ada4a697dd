#include "analysis/calltree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/stacks.h"

/* A profile by hand: calltree needs no reader unless lines are merged. */
struct fixture {
	struct profile profile;
	struct stacks stacks;
};

static void fixture_init(struct fixture *fixture, uint32_t stack_room, size_t row_room)
{
	*fixture = (struct fixture){0};
	fixture->stacks.parents = calloc(stack_room + 1, sizeof(stack_id));
	fixture->stacks.frames = calloc(stack_room + 1, sizeof(frame_id));
	fixture->profile.rows = calloc(row_room, sizeof(struct profile_row));
	fixture->profile.stacks = &fixture->stacks;
}

static void fixture_deinit(struct fixture *fixture)
{
	free(fixture->stacks.parents);
	free(fixture->stacks.frames);
	free(fixture->profile.rows);
}

static stack_id push(struct fixture *fixture, stack_id parent, frame_id frame)
{
	stack_id id = ++fixture->stacks.count;

	fixture->stacks.parents[id] = parent;
	fixture->stacks.frames[id] = frame;
	return id;
}

static void add_row(struct fixture *fixture, stack_id stack, thread_id thread, uint64_t bytes,
		    uint64_t count)
{
	struct profile *profile = &fixture->profile;

	profile->rows[profile->row_count++] = (struct profile_row){
		.stack = stack, .thread = thread, .amount = bytes, .count = count};
	profile->all_count = profile->row_count;
	profile->amount += bytes;
	profile->count += count;
}

static const struct calltree_node *child(const struct calltree *tree,
					 const struct calltree_node *node, unsigned which)
{
	uint32_t id = node->first_child;

	while (which-- > 0 && id != 0)
		id = tree->nodes[id].next_sibling;
	assert_int_not_equal(id, 0);
	return &tree->nodes[id];
}

static void assert_node(const struct calltree_node *node, frame_id frame, uint64_t own,
			uint64_t total)
{
	assert_int_equal(node->frame, frame);
	assert_int_equal(node->own_amount, own);
	assert_int_equal(node->total_amount, total);
}

enum {
	MAIN = 1,
	LOAD,
	PARSE,
	STORE
};

/* main > load > parse 60, main > load 10, main > store > parse 100, no stack 5 */
static void make_small(struct fixture *fixture)
{
	stack_id main_stack, load, store;

	fixture_init(fixture, 10, 10);
	main_stack = push(fixture, 0, MAIN);
	load = push(fixture, main_stack, LOAD);
	store = push(fixture, main_stack, STORE);
	add_row(fixture, push(fixture, store, PARSE), 0, 100, 1);
	add_row(fixture, push(fixture, load, PARSE), 0, 60, 3);
	add_row(fixture, load, 0, 10, 2);
	add_row(fixture, 0, 0, 5, 1);
}

static void upright_is_callers_first(void **state)
{
	struct fixture fixture;
	struct calltree *tree;
	const struct calltree_node *top;

	(void)state;
	make_small(&fixture);
	tree = calltree_create(&fixture.profile, &(struct calltree_options){0});
	assert_int_equal(tree->count, 6);
	assert_int_equal(tree->max_depth, 3);
	assert_int_equal(tree->left_out, 0);
	assert_node(&tree->nodes[0], 0, 5, 175);
	assert_int_equal(tree->nodes[0].total_count, 7);
	top = child(tree, &tree->nodes[0], 0);
	assert_node(top, MAIN, 0, 170);
	assert_node(child(tree, top, 0), STORE, 0, 100);
	assert_node(child(tree, top, 1), LOAD, 10, 70);
	assert_node(child(tree, child(tree, top, 1), 0), PARSE, 60, 60);
	assert_int_equal(child(tree, top, 1)->next_sibling, 0);
	calltree_destroy(tree);
	fixture_deinit(&fixture);
}

static void inverted_is_who_allocated_first(void **state)
{
	struct fixture fixture;
	struct calltree *tree;
	const struct calltree_node *parse;

	(void)state;
	make_small(&fixture);
	tree = calltree_create(&fixture.profile, &(struct calltree_options){.inverted = true});
	assert_int_equal(tree->count, 8);
	assert_node(&tree->nodes[0], 0, 5, 175);
	parse = child(tree, &tree->nodes[0], 0);
	assert_node(parse, PARSE, 0, 160);
	assert_node(child(tree, parse, 0), STORE, 0, 100);
	assert_node(child(tree, parse, 1), LOAD, 0, 60);
	assert_node(child(tree, child(tree, parse, 1), 0), MAIN, 60, 60);
	assert_node(child(tree, &tree->nodes[0], 1), LOAD, 0, 10);
	calltree_destroy(tree);
	fixture_deinit(&fixture);
}

static void threads_are_the_first_level(void **state)
{
	struct fixture fixture;
	stack_id stack;

	(void)state;
	fixture_init(&fixture, 4, 4);
	fixture.profile.options.split_threads = true;
	stack = push(&fixture, 0, MAIN);
	add_row(&fixture, push(&fixture, stack, LOAD), 2, 50, 1);
	add_row(&fixture, stack, 1, 40, 1);
	add_row(&fixture, stack, 2, 30, 1);
	add_row(&fixture, 0, 1, 1, 1);
	for (int inverted = 0; inverted < 2; inverted++) {
		struct calltree *tree = calltree_create(
			&fixture.profile, &(struct calltree_options){.inverted = inverted});
		const struct calltree_node *two = child(tree, &tree->nodes[0], 0);
		const struct calltree_node *one = child(tree, &tree->nodes[0], 1);

		assert_node(&tree->nodes[0], 0, 0, 121);
		assert_int_equal(two->thread, 2);
		assert_node(two, 0, 0, 80);
		assert_int_equal(one->thread, 1);
		assert_node(one, 0, 1, 41);
		assert_node(child(tree, one, 0), MAIN, 40, 40);
		if (inverted) {
			assert_int_equal(tree->count, 7);
			assert_node(child(tree, two, 0), LOAD, 0, 50);
			assert_node(child(tree, two, 1), MAIN, 30, 30);
		} else {
			assert_int_equal(tree->count, 6);
			assert_node(child(tree, two, 0), MAIN, 30, 80);
		}
		calltree_destroy(tree);
	}
	fixture_deinit(&fixture);
}

static void no_rows_make_a_root(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, 1, 1);
	for (int kind = 0; kind < 4; kind++) {
		struct calltree *tree;

		fixture.profile.options.split_threads = kind & 2;
		tree = calltree_create(&fixture.profile,
				       &(struct calltree_options){.inverted = kind & 1});
		assert_int_equal(tree->count, 1);
		assert_int_equal(tree->nodes[0].first_child, 0);
		calltree_destroy(tree);
	}
	fixture_deinit(&fixture);
}

static void a_deep_stack_needs_no_deep_calls(void **state)
{
	enum {
		DEPTH = 100000
	};
	struct fixture fixture;
	stack_id stack = 0;

	(void)state;
	fixture_init(&fixture, DEPTH, 3);
	for (unsigned i = 0; i < DEPTH; i++) {
		stack = push(&fixture, stack, 1 + i % 3);
		if (i == DEPTH / 2)
			add_row(&fixture, stack, 0, 7, 1);
	}
	add_row(&fixture, stack, 0, 10, 1);
	for (int inverted = 0; inverted < 2; inverted++) {
		struct calltree *tree = calltree_create(
			&fixture.profile, &(struct calltree_options){.inverted = inverted});
		uint32_t seen = 1;

		assert_int_equal(tree->max_depth, DEPTH);
		assert_int_equal(tree->nodes[0].total_amount, 17);
		for (uint32_t n = calltree_next(tree, 0, 0); n != 0; n = calltree_next(tree, n, 0))
			seen++;
		assert_int_equal(seen, tree->count);
		calltree_destroy(tree);
	}
	fixture_deinit(&fixture);
}

/* The frames of a stack, outermost first (or innermost first), behind its thread. */
static size_t spell(const struct fixture *fixture, const struct profile_row *row, bool inverted,
		    uint32_t path[64])
{
	size_t length = 0;
	stack_id stack;

	for (stack = row->stack; stack != 0; stack = fixture->stacks.parents[stack])
		path[length++] = fixture->stacks.frames[stack];
	for (size_t i = 0; !inverted && i < length / 2; i++) {
		uint32_t swap = path[i];

		path[i] = path[length - 1 - i];
		path[length - 1 - i] = swap;
	}
	if (!fixture->profile.options.split_threads)
		return length;
	memmove(path + 1, path, length * sizeof(*path));
	path[0] = 1000 + row->thread;
	return length + 1;
}

static size_t spell_node(const struct calltree *tree, uint32_t node, uint32_t path[64])
{
	size_t length = tree->nodes[node].depth;

	for (size_t i = length; i-- > 0; node = tree->nodes[node].parent)
		path[i] = tree->nodes[node].thread != 0 ? 1000 + tree->nodes[node].thread
							: tree->nodes[node].frame;
	return length;
}

/* Every node has the sums of the rows whose path begins with its own. */
static void check_against_rows(const struct fixture *fixture, const struct calltree *tree,
			       bool inverted)
{
	for (uint32_t n = 0; n < tree->count; n++) {
		const struct calltree_node *node = &tree->nodes[n];
		uint64_t bytes = 0, count = 0, own = 0;
		uint32_t own_path[64], path[64];
		size_t own_length = spell_node(tree, n, own_path);

		for (size_t i = 0; i < fixture->profile.row_count; i++) {
			const struct profile_row *row = &fixture->profile.rows[i];
			size_t length = spell(fixture, row, inverted, path);

			if (length < own_length ||
			    memcmp(path, own_path, own_length * sizeof(*path)) != 0)
				continue;
			bytes += row->amount;
			count += row->count;
			own += length == own_length ? row->amount : 0;
		}
		assert_int_equal(node->total_amount, bytes);
		assert_int_equal(node->total_count, count);
		assert_int_equal(node->own_amount, own);
		if (n > 0) {
			assert_true(node->parent < n);
			assert_int_equal(node->depth, tree->nodes[node->parent].depth + 1);
		}
		if (node->next_sibling != 0)
			assert_true(tree->nodes[node->next_sibling].total_amount <=
				    node->total_amount);
	}
}

/* A limited tree keeps the heaviest nodes of the full one, and what it leaves out adds up. */
static void check_limit(const struct fixture *fixture, const struct calltree *full,
			const struct calltree_options *options)
{
	struct calltree *tree = calltree_create(&fixture->profile, options);
	uint32_t expected = 1;
	uint64_t own = 0;

	while (expected < full->count && full->nodes[expected].total_amount >= options->min_amount)
		expected++;
	if (options->max_nodes != 0 && options->max_nodes < expected)
		expected = options->max_nodes;
	assert_int_equal(tree->count, expected);
	check_against_rows(fixture, tree, options->inverted);
	for (uint32_t n = 0; n < tree->count; n++) {
		own += tree->nodes[n].own_amount;
		assert_int_equal(tree->nodes[n].total_amount, full->nodes[n].total_amount);
	}
	assert_int_equal(own + tree->left_out_amount, fixture->profile.amount);
	assert_int_equal(tree->left_out == 0, tree->count == full->count);
	calltree_destroy(tree);
}

static uint32_t distinct_paths(const struct fixture *fixture, bool inverted)
{
	static uint32_t known[20000][65];
	uint32_t path[64], count = 0;

	for (size_t i = 0; i < fixture->profile.row_count; i++) {
		size_t length = spell(fixture, &fixture->profile.rows[i], inverted, path);

		for (size_t l = 1; l <= length; l++) {
			uint32_t k = 0;

			while (k < count && (known[k][0] != l ||
					     memcmp(&known[k][1], path, l * sizeof(*path)) != 0))
				k++;
			if (k < count)
				continue;
			known[count][0] = (uint32_t)l;
			memcpy(&known[count++][1], path, l * sizeof(*path));
		}
	}
	return count;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 12;
}

static void make_random(struct fixture *fixture, uint32_t *seed, bool split)
{
	fixture_init(fixture, 120, 150);
	fixture->profile.options.split_threads = split;
	for (unsigned i = 0; i < 120; i++) {
		/* Interned, as real stacks are: the same parent and frame only once. */
		stack_id parent = next_random(seed) % (fixture->stacks.count + 1), known;
		frame_id frame = 1 + next_random(seed) % 6;

		for (known = 1; known <= fixture->stacks.count; known++) {
			if (fixture->stacks.parents[known] == parent &&
			    fixture->stacks.frames[known] == frame)
				break;
		}
		if (known > fixture->stacks.count)
			push(fixture, parent, frame);
	}
	for (unsigned i = 0; i < 150; i++)
		add_row(fixture, next_random(seed) % (fixture->stacks.count + 1),
			split ? 1 + next_random(seed) % 3 : 0, next_random(seed) % 50,
			1 + next_random(seed) % 3);
}

static void random_trees_agree_with_their_rows(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		bool inverted = round & 1;
		struct calltree_options options = {.inverted = inverted};
		struct fixture fixture;
		struct calltree *tree;

		make_random(&fixture, &seed, round & 2);
		tree = calltree_create(&fixture.profile, &options);
		assert_int_equal(tree->count, 1 + distinct_paths(&fixture, inverted));
		check_against_rows(&fixture, tree, inverted);
		options.max_nodes = 1 + next_random(&seed) % tree->count;
		check_limit(&fixture, tree, &options);
		options.max_nodes = 0;
		options.min_amount = next_random(&seed) % 300;
		check_limit(&fixture, tree, &options);
		options.max_nodes = 1 + next_random(&seed) % 20;
		check_limit(&fixture, tree, &options);
		calltree_destroy(tree);
		fixture_deinit(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upright_is_callers_first),
		cmocka_unit_test(inverted_is_who_allocated_first),
		cmocka_unit_test(threads_are_the_first_level),
		cmocka_unit_test(no_rows_make_a_root),
		cmocka_unit_test(a_deep_stack_needs_no_deep_calls),
		cmocka_unit_test(random_trees_agree_with_their_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
