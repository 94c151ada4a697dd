#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pyabi/field.h"
#include "sampler/chunks.h"
#include "sampler/test_memory.h"

#define BASE   0x100000u
#define APART  0x10000u
#define BYTES  0x4000u
#define MOST   8192u /* chunks of a list */
#define CHUNKS 40u

static struct pyabi_layout layout;

static int set_up(void **state)
{
	(void)state;
	return pyabi_layout_init(0x030c00f0, false, NULL, 0, &layout);
}

static uint64_t place(unsigned number)
{
	return BASE + (uint64_t)APART * number;
}

static void put_chunk(struct memory *memory, unsigned number, uint64_t previous, uint64_t bytes,
		      uint64_t top)
{
	memory_put_word(memory, place(number) + layout.chunk_previous, previous);
	memory_put_word(memory, place(number) + layout.chunk_size, bytes);
	memory_put_word(memory, place(number) + layout.chunk_top, top);
}

/* Chunks from `first` (the oldest) on, in steps through the numbers. */
static void map_list(struct memory *memory, const unsigned *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		memory_map(memory, place(numbers[i]), BYTES);
		put_chunk(memory, numbers[i], i ? place(numbers[i - 1]) : 0, BYTES, 100 + i);
	}
}

static void follow(struct chunks *chunks, struct memory *memory, uint64_t current)
{
	chunks_follow(chunks, memory_target(memory), &layout, current);
	for (size_t i = 0; i < chunks->count; i++) {
		const struct chunk *chunk = &chunks->items[i];

		assert_true(chunk->end > chunk->start);
		assert_true(chunk->used >= layout.chunk_data);
		assert_true(!i || chunk[-1].start <= chunk->start);
		assert_true(chunk->level < chunks->count);
		for (size_t j = 0; j < i && chunks->count < 100; j++)
			assert_true(chunks->items[j].level != chunk->level);
	}
	if (chunks->count) {
		assert_int_equal(chunks->items[chunks->current].level, 0);
		assert_int_equal(chunks->items[chunks->current].start, current);
	}
}

static void assert_levels(struct chunks *chunks, const unsigned *numbers, size_t count)
{
	assert_int_equal(chunks->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct chunk *chunk = chunks_find(chunks, place(numbers[i]) + 5);

		assert_non_null(chunk);
		assert_int_equal(chunk->start, place(numbers[i]));
		assert_int_equal(chunk->end, place(numbers[i]) + BYTES);
		assert_int_equal(chunk->level, count - 1 - i);
	}
}

static void test_follow(void **state)
{
	const unsigned numbers[] = {7, 2, 9, 4, 1};
	struct memory memory = {0};
	struct chunks chunks;

	(void)state;
	chunks_init(&chunks);
	follow(&chunks, &memory, 0);
	assert_int_equal(chunks.count, 0);
	assert_int_equal(memory.calls, 0);
	assert_null(chunks_find(&chunks, place(7)));
	map_list(&memory, numbers, 5);
	follow(&chunks, &memory, place(1));
	assert_levels(&chunks, numbers, 5);
	assert_int_equal(memory.calls, 5);
	assert_int_equal(chunks.reads, 5);
	assert_null(chunks_find(&chunks, place(7) + BYTES));
	assert_null(chunks_find(&chunks, place(1) - 1));
	assert_null(chunks_find(&chunks, 0));
	assert_null(chunks_find(&chunks, UINT64_MAX));
	/* What stays costs nothing, nor what was popped. */
	follow(&chunks, &memory, place(1));
	follow(&chunks, &memory, place(9));
	assert_int_equal(memory.calls, 5);
	assert_levels(&chunks, numbers, 3);
	/* Pushed again: up to the one that is known, which was the current one. */
	follow(&chunks, &memory, place(1));
	assert_levels(&chunks, numbers, 5);
	assert_int_equal(memory.calls, 8);
	follow(&chunks, &memory, 0);
	assert_int_equal(chunks.count, 0);
	chunks_deinit(&chunks);
	chunks_deinit(&chunks);
	memory_deinit(&memory);
}

/* The list goes elsewhere below what was known. */
static void test_another_list(void **state)
{
	const unsigned before[] = {1, 2, 3}, after[] = {5, 6, 3, 4};
	struct memory memory = {0};
	struct chunks chunks;

	(void)state;
	chunks_init(&chunks);
	map_list(&memory, before, 3);
	follow(&chunks, &memory, place(3));
	assert_levels(&chunks, before, 3);
	memory_unmap(&memory, place(3));
	map_list(&memory, after, 4);
	follow(&chunks, &memory, place(4));
	assert_levels(&chunks, after, 4);
	assert_null(chunks_find(&chunks, place(1)));
	chunks_deinit(&chunks);
	memory_deinit(&memory);
}

static void test_used(void **state)
{
	const unsigned numbers[] = {1, 2};
	struct memory memory = {0};
	struct chunks chunks;
	struct view view;

	(void)state;
	chunks_init(&chunks);
	view_init(&view);
	view_begin(&view);
	map_list(&memory, numbers, 2);
	follow(&chunks, &memory, place(2));
	assert_int_equal(chunks_find(&chunks, place(1))->used, layout.chunk_data + 100 * 8);
	/* The current one says nothing of itself that is true. */
	assert_true(chunks_find(&chunks, place(2))->used > layout.chunk_data + 101 * 8);
	chunks_measure(&chunks, 5000);
	assert_int_equal(chunks_find(&chunks, place(2))->used, 5000);
	chunks_measure(&chunks, 1000);
	assert_in_range(chunks_find(&chunks, place(2))->used, 4000, 4999);
	for (unsigned i = 0; i < 200; i++)
		chunks_measure(&chunks, 1000);
	assert_in_range(chunks_find(&chunks, place(2))->used, 1000, 1100);
	assert_int_equal(chunks_find(&chunks, place(1))->used, layout.chunk_data + 100 * 8);
	/* More is wanted of the current one than was used, and never more than there is. */
	chunks_want(&chunks, &view);
	assert_int_equal(view.count, 2);
	assert_int_equal(view.windows[0].bytes, layout.chunk_data + 100 * 8);
	assert_true(view.windows[1].bytes > 1100);
	chunks_measure(&chunks, BYTES);
	chunks_want(&chunks, &view);
	assert_int_equal(view.windows[1].start, place(2));
	assert_int_equal(view.windows[1].bytes, BYTES);
	view_deinit(&view);
	chunks_deinit(&chunks);
	chunks_init(&chunks);
	chunks_measure(&chunks, 100);
	memory_deinit(&memory);
}

static void test_not_a_chunk(void **state)
{
	static const struct {
		uint64_t bytes, top;
		bool taken;
	} cases[] = {
		{0, 0, false},          {23, 0, false},
		{24, 0, true},          {BYTES, UINT64_MAX, true},
		{64u << 20, 8, true},   {(64u << 20) + 1, 8, false},
		{UINT64_MAX, 8, false}, {1ull << 63, 8, false},
	};
	const unsigned numbers[] = {1, 2, 3};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct memory memory = {0};
		struct chunks chunks;
		struct view view;

		chunks_init(&chunks);
		view_init(&view);
		view_begin(&view);
		map_list(&memory, numbers, 3);
		put_chunk(&memory, 2, place(1), cases[i].bytes, cases[i].top);
		follow(&chunks, &memory, place(3));
		assert_int_equal(chunks.count, cases[i].taken ? 3 : 1);
		chunks_want(&chunks, &view);
		assert_true(view.count <= chunks.count);
		follow(&chunks, &memory, place(2));
		assert_int_equal(chunks.count, cases[i].taken ? 2 : 0);
		view_deinit(&view);
		chunks_deinit(&chunks);
		memory_deinit(&memory);
	}
}

static void test_not_there(void **state)
{
	const unsigned numbers[] = {1, 2, 3};
	struct memory memory = {0};
	struct chunks chunks;

	(void)state;
	chunks_init(&chunks);
	map_list(&memory, numbers, 3);
	memory_unmap(&memory, place(2));
	follow(&chunks, &memory, place(3));
	assert_int_equal(chunks.count, 1);
	follow(&chunks, &memory, place(2));
	assert_int_equal(chunks.count, 0);
	follow(&chunks, &memory, UINT64_MAX - 3);
	assert_int_equal(chunks.count, 0);
	memory.gone = true;
	follow(&chunks, &memory, place(3));
	assert_int_equal(chunks.count, 0);
	chunks_deinit(&chunks);
	memory_deinit(&memory);
}

/* Lists that never end. */
static void test_circles(void **state)
{
	unsigned numbers[CHUNKS];
	struct memory memory = {0};
	struct chunks chunks;

	(void)state;
	for (unsigned i = 0; i < CHUNKS; i++)
		numbers[i] = i * 17 % CHUNKS;
	map_list(&memory, numbers, CHUNKS);
	for (unsigned back = 0; back < CHUNKS; back += 13) {
		put_chunk(&memory, numbers[0], place(numbers[back]), BYTES, 8);
		chunks_init(&chunks);
		memory.calls = 0;
		/* At most MOST of them are looked at, also when it was a list before. */
		for (unsigned look = 0; look < 4; look++) {
			follow(&chunks, &memory, place(numbers[look % 2 ? 3 : CHUNKS - 1]));
			assert_true(chunks.count <= MOST);
		}
		assert_true(memory.calls <= 4 * MOST);
		assert_non_null(chunks_find(&chunks, place(numbers[3])));
		chunks_deinit(&chunks);
	}
	memory_deinit(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow),    cmocka_unit_test(test_another_list),
		cmocka_unit_test(test_used),      cmocka_unit_test(test_not_a_chunk),
		cmocka_unit_test(test_not_there), cmocka_unit_test(test_circles),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
