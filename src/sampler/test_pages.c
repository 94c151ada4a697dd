#include "sampler/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* Pages 1 to 3 are there, page 4 is not, page 5 is; every byte is its address' lowest. */
struct memory {
	unsigned reads;
};

static bool read_memory(const void *data, uint64_t address, void *out, size_t bytes)
{
	struct memory *memory = (struct memory *)data;
	uint64_t page = address / PAGES_BYTES;

	memory->reads++;
	assert_int_equal(bytes, PAGES_BYTES);
	assert_int_equal(address % PAGES_BYTES, 0);
	if (page < 1 || page == 4 || page > 5)
		return false;
	for (size_t i = 0; i < bytes; i++)
		((unsigned char *)out)[i] = (unsigned char)(address + i);
	return true;
}

static struct memory memory;
static struct pages pages;

static int set_up(void **state)
{
	(void)state;
	memory.reads = 0;
	pages_init(&pages, read_memory, &memory);
	pages_begin(&pages, 100, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pages_deinit(&pages);
	return 0;
}

static void test_reads_once(void **state)
{
	unsigned char bytes[300];

	(void)state;
	assert_true(pages_read(&pages, PAGES_BYTES + 5, bytes, 300));
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(bytes[i], (unsigned char)(5 + i));
	assert_true(pages_read(&pages, PAGES_BYTES + 400, bytes, 100));
	assert_int_equal(memory.reads, 1);
	/* over the end of a page */
	assert_true(pages_read(&pages, 2 * PAGES_BYTES - 3, bytes, 6));
	assert_int_equal(bytes[0], 0xfd);
	assert_int_equal(bytes[5], 2);
	assert_int_equal(memory.reads, 2);
	pages_begin(&pages, 100, 0);
	assert_true(pages_read(&pages, PAGES_BYTES, bytes, 1));
	assert_int_equal(memory.reads, 3);
}

static void test_not_there(void **state)
{
	unsigned char bytes[PAGES_BYTES * 2];
	uint64_t word;

	(void)state;
	assert_false(pages_read_u64(&pages, 0, &word));
	assert_false(pages_read_u64(&pages, 4 * PAGES_BYTES + 8, &word));
	assert_false(pages_read_u64(&pages, 4 * PAGES_BYTES - 4, &word));
	assert_false(pages_read(&pages, 3 * PAGES_BYTES, bytes, sizeof(bytes)));
	assert_false(pages_read_u64(&pages, UINT64_MAX - 3, &word));
	assert_false(pages_read(&pages, UINT64_MAX, bytes, 1));
	assert_true(pages_read_u64(&pages, 5 * PAGES_BYTES, &word));
	assert_true(pages_read(&pages, 77, bytes, 0));
}

static void test_is_bounded(void **state)
{
	uint64_t word;

	(void)state;
	pages_begin(&pages, 2, 0);
	assert_true(pages_read_u64(&pages, 1 * PAGES_BYTES, &word));
	assert_false(pages_read_u64(&pages, 4 * PAGES_BYTES, &word));
	assert_int_equal(pages.reads_left, 0);
	assert_false(pages_read_u64(&pages, 2 * PAGES_BYTES, &word));
	assert_true(pages_read_u64(&pages, 1 * PAGES_BYTES + 8, &word)); /* was kept */
	assert_int_equal(memory.reads, 2);
	/* a nanosecond: over before the first read ends */
	pages_begin(&pages, 100, 1);
	(void)pages_read_u64(&pages, 1 * PAGES_BYTES, &word);
	assert_int_equal(pages.reads_left, 0);
	assert_false(pages_read_u64(&pages, 2 * PAGES_BYTES, &word));
}

static void test_string(void **state)
{
	char text[600];

	(void)state;
	/* bytes 1, 2, .. 255, 0 */
	assert_true(pages_read_string(&pages, PAGES_BYTES + 250, text, sizeof(text)));
	assert_string_equal(text, "\xfa\xfb\xfc\xfd\xfe\xff");
	assert_true(pages_read_string(&pages, PAGES_BYTES + 250, text, 4));
	assert_string_equal(text, "\xfa\xfb\xfc");
	assert_true(pages_read_string(&pages, 2 * PAGES_BYTES - 2, text, sizeof(text)));
	assert_string_equal(text, "\xfe\xff");
	assert_false(pages_read_string(&pages, 4 * PAGES_BYTES + 1, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_string, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
