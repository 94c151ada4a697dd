#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sampler/test_memory.h"
#include "sampler/view.h"

#define BASE 0x10000u

/* Memory in which each word is its own address. */
static void map_words(struct memory *memory, uint64_t start, size_t bytes)
{
	memory_map(memory, start, bytes);
	for (size_t at = 0; at + 8 <= bytes; at += 8)
		memory_put_word(memory, start + at, start + at);
}

static void assert_word(struct view *view, uint64_t address)
{
	const unsigned char *copy = view_find(view, address, 8);
	uint64_t word;

	assert_non_null(copy);
	memcpy(&word, copy, sizeof(word));
	assert_int_equal(word, address);
}

/* Windows are in order, apart, and where they say. */
static void assert_is_valid(struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct view_window *window = &view->windows[i];

		assert_true(window->bytes > 0);
		if (i)
			assert_true(window[-1].start + window[-1].bytes <= window->start);
		if (window->is_read)
			assert_true((size_t)window->offset + window->bytes <= view->buffer_bytes);
	}
}

static enum view_result read_at(struct view *view, struct memory *memory,
				const struct view_words *words, size_t count, uint64_t interest)
{
	struct view_plan plan = {.words = words, .word_count = count, .interest = interest};

	return view_read(view, memory_target(memory), &plan);
}

static enum view_result read_windows(struct view *view, struct memory *memory)
{
	enum view_result result = read_at(view, memory, NULL, 0, view->count ? BASE : 0);

	assert_is_valid(view);
	return result;
}

static void test_nothing(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	view_init(&view);
	view_begin(&view);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_null(view_find(&view, 0, 0));
	assert_null(view_find(&view, BASE, 8));
	assert_null(view_find(&view, UINT64_MAX, 8));
	view_deinit(&view);
	view_deinit(&view);
}

static void test_want(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 4096);
	view_init(&view);
	view_begin(&view);
	assert_true(view_want(&view, BASE + 80, 40));
	assert_true(view_want(&view, BASE, 16));
	assert_true(view_want(&view, BASE + 2000, 8));
	assert_int_equal(view.count, 3);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(memory.calls, 1);
	assert_int_equal(view.reads, 1);
	for (unsigned at = 80; at < 120; at += 8)
		assert_word(&view, BASE + at);
	assert_word(&view, BASE);
	assert_word(&view, BASE + 2000);
	/* Beyond what was wanted there is nothing, whether it was copied or not. */
	assert_null(view_find(&view, BASE + 72, 8));
	assert_null(view_find(&view, BASE + 116, 8));
	assert_null(view_find(&view, BASE + 120, 8));
	assert_null(view_find(&view, BASE + 16, 1));
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_grow(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 8192);
	view_init(&view);
	view_begin(&view);
	view_want(&view, BASE + 100 * 8, 80);
	view_want(&view, BASE + 102 * 8, 16); /* inside */
	assert_int_equal(view.count, 1);
	view_want(&view, BASE + 105 * 8, 80); /* over its end */
	view_want(&view, BASE + 95 * 8, 80);  /* over its start */
	assert_int_equal(view.count, 1);
	assert_int_equal(view.windows[0].start, BASE + 95 * 8);
	assert_int_equal(view.windows[0].bytes, 20 * 8);
	/* What only touches stays apart. */
	view_want(&view, BASE + 115 * 8, 8);
	view_want(&view, BASE + 94 * 8, 8);
	assert_int_equal(view.count, 3);
	/* Over several. */
	view_want(&view, BASE + 94 * 8 + 4, 22 * 8 - 8);
	assert_int_equal(view.count, 1);
	view_want(&view, BASE, 16);
	view_want(&view, BASE + 400 * 8, 16);
	view_want(&view, BASE + 50 * 8, 100 * 8);
	assert_int_equal(view.count, 3);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	for (unsigned at = 50; at < 150; at++)
		assert_word(&view, BASE + at * 8);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_no_place(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	view_init(&view);
	view_begin(&view);
	assert_false(view_want(&view, UINT64_MAX - 8, 80));
	assert_false(view_want(&view, UINT64_MAX - 7, 8));
	assert_false(view_want(&view, BASE, 0));
	assert_false(view_want(&view, BASE, UINT32_MAX));
	assert_false(view_fetch(&view, memory_target(&memory), UINT64_MAX - 8, 80));
	assert_int_equal(view.count, 0);
	/* The last that is one, and the first: not neighbours. */
	assert_true(view_want(&view, UINT64_MAX - 8, 8));
	assert_true(view_want(&view, 0, 8));
	assert_false(view_fetch(&view, memory_target(&memory), UINT64_MAX - 100, 80));
	assert_int_equal(read_at(&view, &memory, NULL, 0, UINT64_MAX - 8), VIEW_READ);
	assert_int_equal(view.count, 0);
	view_deinit(&view);
}

/* Many that overlap, each as large as one may be. */
static void test_huge(void **state)
{
	const uint32_t most = 64u << 20;
	struct memory memory = {0};
	struct view view;

	(void)state;
	view_init(&view);
	view_begin(&view);
	for (uint64_t i = 0; i < 200; i++) {
		assert_true(view_want(&view, BASE + i * (most - 16), most));
		assert_is_valid(&view);
	}
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(view.count, 0);
	assert_true(view.buffer_bytes <= most);
	view_deinit(&view);
}

/* More than is ever read at once, though all of it is there. */
static void test_too_much(void **state)
{
	struct view_words words = {.address = BASE, .bytes = 8};
	uint32_t bytes = 40u << 20;
	struct memory memory = {0};
	struct view view;
	uint64_t word;

	(void)state;
	words.out = &word;
	map_words(&memory, BASE, 64);
	memory_map(&memory, 1ull << 32, bytes);
	memory_map(&memory, 2ull << 32, bytes);
	view_init(&view);
	view_begin(&view);
	view_want(&view, 1ull << 32, bytes);
	assert_int_equal(read_at(&view, &memory, &words, 1, 0), VIEW_READ);
	assert_non_null(view_find(&view, (1ull << 32) + bytes - 8, 8));
	assert_false(view_fetch(&view, memory_target(&memory), 2ull << 32, bytes));
	view_begin(&view);
	assert_int_equal(read_at(&view, &memory, &words, 1, 0), VIEW_READ);
	assert_int_equal(word, BASE);
	assert_int_equal(view.count, 0);
	assert_true(view.buffer_bytes <= 64u << 20);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_join(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 8192);
	view_init(&view);
	view_begin(&view);
	for (unsigned i = 0; i < 10; i++)
		view_want(&view, BASE + i * 600, 96);
	assert_int_equal(view.count, 10);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(memory.places, 1);
	for (unsigned i = 0; i < 10; i++)
		assert_word(&view, BASE + i * 600 + 8);
	/* The first of interest comes first, and what lies before it is no neighbour of the last.
	 */
	view_begin(&view);
	assert_int_equal(read_at(&view, &memory, NULL, 0, BASE + 1800), VIEW_READ);
	assert_int_equal(memory.places, 3);
	for (unsigned i = 0; i < 10; i++)
		assert_word(&view, BASE + i * 600 + 8);
	memory_deinit(&memory);
	view_deinit(&view);
}

/* What is read first, by its address. */
static void note_first(struct memory *memory, size_t place, uint64_t address, void *data)
{
	(void)memory;
	if (place == 1)
		*(uint64_t *)data = address;
}

static void test_words(void **state)
{
	struct memory memory = {0};
	uint64_t word = 0, first = 0;
	struct view_words words = {.address = BASE + 8, .out = &word, .bytes = 8};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 64);
	map_words(&memory, 2 * BASE, 64);
	map_words(&memory, 3 * BASE, 64);
	view_init(&view);
	view_begin(&view);
	view_want(&view, 2 * BASE, 64);
	view_want(&view, 3 * BASE, 64);
	memory.before = note_first;
	memory.data = &first;
	assert_int_equal(read_at(&view, &memory, &words, 1, 3 * BASE + 40), VIEW_READ);
	assert_int_equal(memory.calls, 1);
	assert_int_equal(word, BASE + 8);
	assert_int_equal(first, 3 * BASE);
	assert_word(&view, 2 * BASE);
	/* Without the words there is nothing to be said. */
	memory_unmap(&memory, BASE);
	assert_int_equal(read_at(&view, &memory, &words, 1, 0), VIEW_NOTHING);
	memory.gone = true;
	assert_int_equal(read_at(&view, &memory, &words, 1, 0), VIEW_GONE);
	memory_deinit(&memory);
	view_deinit(&view);
}

/* What stands behind all windows may be missing; what there is of it is later than they are. */
static void test_after(void **state)
{
	struct memory memory = {0};
	uint64_t word = 0, behind[3] = {0};
	struct view_words words = {.address = BASE, .out = &word, .bytes = 8};
	struct view_words after[] = {
		{3 * BASE, &behind[0], 8}, {4 * BASE, &behind[1], 8}, {3 * BASE, &behind[2], 8}};
	struct view_plan plan = {
		.words = &words, .word_count = 1, .after = after, .after_count = 3};
	struct view view;

	(void)state;
	for (unsigned i = 1; i < 4; i++)
		map_words(&memory, i * BASE, 64);
	view_init(&view);
	view_begin(&view);
	view_want(&view, 2 * BASE, 16);
	view_want(&view, 5 * BASE, 16);
	memory_map(&memory, 5 * BASE, 16);
	assert_int_equal(view_read(&view, memory_target(&memory), &plan), VIEW_READ);
	assert_int_equal(memory.calls, 1);
	assert_int_equal(plan.after_read, 1);
	assert_int_equal(behind[0], 3 * BASE);
	assert_int_equal(behind[1], 0);
	assert_word(&view, 2 * BASE);
	assert_non_null(view_find(&view, 5 * BASE, 16));
	/* Nor does a window that is gone take them along. */
	memory_unmap(&memory, 5 * BASE);
	map_words(&memory, 4 * BASE, 64);
	assert_int_equal(view_read(&view, memory_target(&memory), &plan), VIEW_READ);
	assert_int_equal(plan.after_read, 3);
	assert_int_equal(behind[1], 4 * BASE);
	assert_null(view_find(&view, 5 * BASE, 16));
	memory_unmap(&memory, BASE);
	assert_int_equal(view_read(&view, memory_target(&memory), &plan), VIEW_NOTHING);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_drop(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 4096);
	map_words(&memory, 3 * BASE, 4096);
	view_init(&view);
	view_begin(&view);
	view_want(&view, BASE, 64);
	for (unsigned i = 0; i < 50; i++)
		view_want(&view, 2 * BASE + i * 64, 32);
	view_want(&view, 2 * BASE + 8192, 4096);
	view_want(&view, 3 * BASE, 64);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(view.count, 2);
	assert_int_equal(memory.calls, 3);
	assert_word(&view, BASE);
	assert_word(&view, 3 * BASE);
	assert_null(view_find(&view, 2 * BASE, 8));
	/* A page that goes takes along what is in it, though it is read in many places. */
	map_words(&memory, 2 * BASE, 4096);
	for (unsigned i = 0; i < 7; i++)
		assert_true(view_fetch(&view, memory_target(&memory), 2 * BASE + i * 600, 16));
	memory_unmap(&memory, 2 * BASE);
	memory.calls = 0;
	view_begin(&view);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(memory.calls, 2);
	assert_int_equal(view.count, 2);
	memory_deinit(&memory);
	view_deinit(&view);
}

/* Much that is not there any more, each in a page of its own. */
static void test_drop_all(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 64);
	view_init(&view);
	view_begin(&view);
	view_want(&view, BASE, 64);
	for (uint64_t i = 1; i < 10000; i++)
		view_want(&view, BASE + i * 65536, 32);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_true(memory.calls < 1000);
	assert_true(view.count <= 1);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_many(void **state)
{
	enum {
		COUNT = 5000
	};
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, COUNT * 1024);
	view_init(&view);
	view_begin(&view);
	/* In no order. */
	for (uint64_t i = 0; i < COUNT; i++)
		view_want(&view, BASE + i * 1709 % COUNT * 1024, 40);
	assert_int_equal(view.count, COUNT);
	assert_int_equal(read_at(&view, &memory, NULL, 0, BASE + 777 * 1024), VIEW_READ);
	assert_int_equal(memory.calls, 5);
	assert_is_valid(&view);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_word(&view, BASE + i * 1024 + 32);
	/* And one in the middle that is gone. */
	memory_deinit(&memory);
	map_words(&memory, BASE, 3000 * 1024);
	map_words(&memory, BASE + 3001 * 1024, (COUNT - 3001) * 1024);
	view_begin(&view);
	assert_int_equal(read_at(&view, &memory, NULL, 0, BASE + 777 * 1024), VIEW_READ);
	assert_is_valid(&view);
	assert_null(view_find(&view, BASE + 3000 * 1024, 40));
	assert_word(&view, BASE + 2990 * 1024);
	assert_word(&view, BASE + 3010 * 1024);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_too_many(void **state)
{
	struct memory memory = {0};
	struct view view;
	uint64_t wanted = 0;

	(void)state;
	view_init(&view);
	view_begin(&view);
	while (view_want(&view, BASE + wanted * 1024, 32))
		wanted++;
	assert_true(wanted > 20000 && wanted < 100000);
	/* One that grows still may. */
	assert_true(view_want(&view, BASE + 16, 40));
	assert_false(view_fetch(&view, memory_target(&memory), BASE + wanted * 1024, 32));
	view_deinit(&view);
}

static void test_fetch(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 8192);
	view_init(&view);
	view_begin(&view);
	view_want(&view, BASE, 64);
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	memory.calls = 0;
	assert_true(view_fetch(&view, memory_target(&memory), BASE + 8, 16)); /* there already */
	assert_int_equal(memory.calls, 0);
	assert_true(view_fetch(&view, memory_target(&memory), BASE + 4000, 64));
	assert_int_equal(memory.calls, 1);
	assert_word(&view, BASE + 4056);
	assert_word(&view, BASE + 56);
	/* One that overlaps: all of it is read again. */
	assert_true(view_fetch(&view, memory_target(&memory), BASE + 32, 64));
	assert_int_equal(view.count, 2);
	for (unsigned at = 0; at < 96; at += 8)
		assert_word(&view, BASE + at);
	assert_word(&view, BASE + 4000);
	assert_is_valid(&view);
	/* What is not there leaves nothing behind. */
	assert_false(view_fetch(&view, memory_target(&memory), BASE + 100000, 64));
	assert_false(view_fetch(&view, memory_target(&memory), BASE + 8160, 64));
	assert_int_equal(view.count, 2);
	/* The next look takes it along. */
	view_begin(&view);
	memory.calls = 0;
	assert_int_equal(read_windows(&view, &memory), VIEW_READ);
	assert_int_equal(memory.calls, 1);
	assert_word(&view, BASE + 4000);
	memory_deinit(&memory);
	view_deinit(&view);
}

static void test_forget(void **state)
{
	struct memory memory = {0};
	struct view view;

	(void)state;
	map_words(&memory, BASE, 8192);
	view_init(&view);
	view_begin(&view);
	view_want(&view, BASE, 64);
	view_want(&view, BASE + 4096, 64);
	for (unsigned look = 0; look < 200; look++) {
		view_begin(&view);
		assert_int_equal(read_windows(&view, &memory), VIEW_READ);
		assert_word(&view, BASE); /* used */
		assert_int_equal(view.count, look < 32 ? 2 : 1);
	}
	assert_null(view_find(&view, BASE + 4096, 8));
	memory_deinit(&memory);
	view_deinit(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_want),
		cmocka_unit_test(test_grow),    cmocka_unit_test(test_no_place),
		cmocka_unit_test(test_huge),    cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_join),    cmocka_unit_test(test_words),
		cmocka_unit_test(test_drop),    cmocka_unit_test(test_drop_all),
		cmocka_unit_test(test_many),    cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_fetch),   cmocka_unit_test(test_forget),
		cmocka_unit_test(test_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
