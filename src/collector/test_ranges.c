#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/ranges.h"

/* The model: for each of a few hundred bytes the slot that covers it, and for each slot how many
 * bytes it has left. */
#define MODEL_BYTES 700u
#define MODEL_SLOTS 100000u
#define BASE        0x7f0000000000ull

struct model {
	slot_id at[MODEL_BYTES];
	uint32_t left[MODEL_SLOTS];
	slot_id next;
};

static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % limit);
}

struct compare {
	const struct model *model;
	slot_id seen[MODEL_BYTES];
	uint64_t end;
};

static void compare_range(void *data, uint64_t start, uint64_t bytes, slot_id slot)
{
	struct compare *compare = data;

	assert_true(bytes > 0);
	assert_true(start >= compare->end);
	compare->end = start + bytes;
	assert_true(compare->end <= BASE + MODEL_BYTES);
	for (uint64_t i = 0; i < bytes; i++)
		compare->seen[start - BASE + i] = slot;
}

static void compare_all(const struct ranges *ranges, const struct model *model)
{
	struct compare compare = {.model = model};

	ranges_each(ranges, compare_range, &compare);
	assert_memory_equal(compare.seen, model->at, sizeof(model->at));
}

/* Drops a cut piece by piece, and sees that the map says what the model knows. */
static void drop_all(struct ranges *ranges, struct model *model, struct ranges_cut *cut)
{
	for (size_t i = 0; i < cut->count; i++) {
		bool last;
		slot_id slot = ranges_drop(ranges, &cut->pieces[i], &last);

		assert_true(slot && slot < model->next);
		assert_true(model->left[slot] >= cut->pieces[i].bytes);
		model->left[slot] -= (uint32_t)cut->pieces[i].bytes;
		assert_int_equal(last, model->left[slot] == 0);
	}
	cut->count = 0;
}

/* The pieces of a cut are exactly what the model has in [from, to). */
static void take_out(struct ranges *ranges, struct model *model, uint32_t from, uint32_t to,
		     struct ranges_cut *cut)
{
	uint32_t found = 0;
	uint32_t covered = 0;

	for (uint32_t i = from; i < to; i++)
		covered += model->at[i] != 0;
	ranges_cut(ranges, BASE + from, BASE + to, cut);
	for (size_t i = 0; i < cut->count; i++) {
		assert_true(cut->pieces[i].start >= BASE + from);
		assert_true(cut->pieces[i].start + cut->pieces[i].bytes <= BASE + to);
		found += (uint32_t)cut->pieces[i].bytes;
	}
	assert_int_equal(found, covered);
	memset(&model->at[from], 0, (to - from) * sizeof(model->at[0]));
}

static void map(struct ranges *ranges, struct model *model, uint32_t from, uint32_t to)
{
	struct ranges_cut cut = {0};
	slot_id slot = model->next++;

	take_out(ranges, model, from, to, &cut);
	drop_all(ranges, model, &cut);
	ranges_cut_deinit(&cut);
	ranges_add(ranges, BASE + from, to - from, slot);
	for (uint32_t i = from; i < to; i++)
		model->at[i] = slot;
	model->left[slot] = to - from;
}

/* An unmapping that fails, while something else may have been mapped in its place. */
static void fail_to_unmap(struct ranges *ranges, struct model *model, uint32_t from, uint32_t to)
{
	slot_id before[MODEL_BYTES];
	struct ranges_cut cut = {0};

	memcpy(before, model->at, sizeof(before));
	take_out(ranges, model, from, to, &cut);
	if (random_below(2)) {
		uint32_t start = random_below(MODEL_BYTES - 40);

		map(ranges, model, start, start + 1 + random_below(40));
	}
	ranges_restore(ranges, &cut);
	for (uint32_t i = from; i < to; i++) {
		if (!model->at[i])
			model->at[i] = before[i];
	}
	drop_all(ranges, model, &cut);
	ranges_cut_deinit(&cut);
}

static void test_against_model(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct ranges *ranges = ranges_create();

	(void)state;
	model->next = 1;
	for (int step = 0; step < 60000; step++) {
		uint32_t from = random_below(MODEL_BYTES);
		uint32_t length = 1 + random_below(random_below(8) ? 30 : 300);
		uint32_t to = from + length < MODEL_BYTES ? from + length : MODEL_BYTES;
		struct ranges_cut cut = {0};

		switch (random_below(5)) {
		case 0:
		case 1:
			map(ranges, model, from, to);
			break;
		case 2:
			fail_to_unmap(ranges, model, from, to);
			break;
		default:
			take_out(ranges, model, from, to, &cut);
			drop_all(ranges, model, &cut);
			ranges_cut_deinit(&cut);
		}
		if (step % 64 == 0)
			compare_all(ranges, model);
	}
	compare_all(ranges, model);
	ranges_destroy(ranges);
	free(model);
}

static void test_splits(void **state)
{
	struct ranges *ranges = ranges_create();
	struct ranges_cut cut = {0};
	bool last;

	(void)state;
	ranges_add(ranges, 0x10000, 0x5000, 7);
	ranges_cut(ranges, 0x12000, 0x13000, &cut);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.pieces[0].start, 0x12000);
	assert_int_equal(cut.pieces[0].bytes, 0x1000);
	assert_int_equal(ranges_drop(ranges, &cut.pieces[0], &last), 7);
	assert_false(last);

	/* A cut over both remaining parts and beyond. */
	cut.count = 0;
	ranges_cut(ranges, 0, UINT64_MAX, &cut);
	assert_int_equal(cut.count, 2);
	assert_int_equal(cut.pieces[0].bytes, 0x2000);
	assert_int_equal(cut.pieces[1].start, 0x13000);
	assert_int_equal(cut.pieces[1].bytes, 0x2000);
	assert_int_equal(ranges_drop(ranges, &cut.pieces[0], &last), 7);
	assert_false(last);
	assert_int_equal(ranges_drop(ranges, &cut.pieces[1], &last), 7);
	assert_true(last);

	cut.count = 0;
	ranges_cut(ranges, 0, UINT64_MAX, &cut);
	ranges_cut(ranges, 5, 5, &cut);
	assert_int_equal(cut.count, 0);
	ranges_cut_deinit(&cut);
	ranges_destroy(ranges);
}

/* The end of a mapping need not be the end of a page; what is cut is what it has there. */
static void test_odd_lengths(void **state)
{
	struct ranges *ranges = ranges_create();
	struct ranges_cut cut = {0};

	(void)state;
	ranges_add(ranges, 0x10000, 5000, 1);
	ranges_cut(ranges, 0x11000, 0x12000, &cut);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.pieces[0].bytes, 904);
	ranges_restore(ranges, &cut);
	assert_int_equal(cut.count, 0);
	ranges_cut(ranges, 0x10000, 0x12000, &cut);
	assert_int_equal(cut.count, 2);
	assert_int_equal(cut.pieces[0].bytes + cut.pieces[1].bytes, 5000);
	ranges_cut_deinit(&cut);
	ranges_destroy(ranges);
}

/* Maps `count` ranges, then unmaps them in another order; returns what finding them cost. */
static uint64_t steps_of_pairs(uint32_t count)
{
	struct ranges *ranges = ranges_create();
	struct ranges_cut cut = {0};
	uint64_t steps;
	bool last;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t start = BASE + i * 7919ull % count * 0x2000;

		ranges_cut(ranges, start, start + 0x2000, &cut);
		ranges_add(ranges, start, 0x2000, i + 1);
	}
	assert_int_equal(cut.count, 0);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start = BASE + i * 104729ull % count * 0x2000;

		ranges_cut(ranges, start, start + 0x2000, &cut);
		assert_int_equal(cut.count, 1);
		ranges_drop(ranges, &cut.pieces[0], &last);
		assert_true(last);
		cut.count = 0;
	}
	ranges_cut_deinit(&cut);
	steps = ranges_steps(ranges);
	ranges_destroy(ranges);
	return steps;
}

/* Finding one of eight times as many takes three doublings more, not eight times as long. */
static void test_growth(void **state)
{
	uint64_t few = steps_of_pairs(8000);
	uint64_t many = steps_of_pairs(64000);

	(void)state;
	assert_true(few > 0);
	assert_true(many < 8 * few * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_odd_lengths),
		cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
