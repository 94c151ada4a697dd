#include "agent/index.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* Entries of these tests: key << 20 | value, keys from 1. */
static bool key_match(uint64_t entry, const void *key)
{
	return entry >> 20 == *(const uint64_t *)key;
}

static uint64_t find(struct index *index, uint64_t key)
{
	return index_find(index, index_mix(key), key_match, &key);
}

static uint64_t add(struct index *index, uint64_t key, uint64_t value)
{
	return index_add(index, index_mix(key), key << 20 | value, key_match, &key);
}

static void test_finds_what_was_added(void **state)
{
	static struct index index;

	(void)state;
	for (uint64_t key = 1; key <= 300000; key++)
		assert_int_equal(add(&index, key, key % 1000), key << 20 | key % 1000);
	for (uint64_t key = 1; key <= 300000; key++)
		assert_int_equal(find(&index, key), key << 20 | key % 1000);
	assert_int_equal(find(&index, 300001), 0);
}

static void test_added_twice_is_one(void **state)
{
	static struct index index;

	(void)state;
	assert_int_equal(add(&index, 7, 1), 7 << 20 | 1);
	assert_int_equal(add(&index, 7, 2), 7 << 20 | 1);
}

static void test_killed_is_gone_everywhere(void **state)
{
	static struct index index;
	uint64_t key = 5;

	(void)state;
	add(&index, key, 1);
	for (uint64_t other = 100; other < 20000; other++) {
		add(&index, other, 0);
		find(&index, key); /* moves it into every newer table */
	}
	assert_true(index_kill(&index, index_mix(key), key_match, &key));
	assert_int_equal(find(&index, key), 0);
	assert_false(index_kill(&index, index_mix(key), key_match, &key));
	assert_int_equal(add(&index, key, 9), key << 20 | 9);
	assert_int_equal(find(&index, key), key << 20 | 9);
}

static void test_killing_and_adding_does_not_grow(void **state)
{
	static struct index index;

	(void)state;
	for (uint64_t round = 0; round < 1000000; round++) {
		uint64_t key = 1 + round % 50;

		add(&index, key, 1);
		assert_true(index_kill(&index, index_mix(key), key_match, &key));
	}
	assert_int_equal(atomic_load(&index.count), 1);
}

static struct index shared;

static void *add_many(void *seed)
{
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t key = 1 + (i * 7919 + (uintptr_t)seed * 31) % 60000;
		uint64_t entry = find(&shared, key);

		if (!entry)
			entry = add(&shared, key, key & 0xfffff);
		if (entry != (key << 20 | (key & 0xfffff)))
			return (void *)1;
	}
	return NULL;
}

static void test_threads_agree(void **state)
{
	pthread_t thread[4];

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, add_many, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	for (uint64_t key = 1; key <= 60000; key++)
		assert_int_equal(find(&shared, key), key << 20 | (key & 0xfffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_was_added),
		cmocka_unit_test(test_added_twice_is_one),
		cmocka_unit_test(test_killed_is_gone_everywhere),
		cmocka_unit_test(test_killing_and_adding_does_not_grow),
		cmocka_unit_test(test_threads_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
