#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers end a program that asks for too much; here it is to be refused. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void no_memory(void)
{
	memory_check(NULL, "a test");
}

static void no_mapping(void)
{
	memory_check(MAP_FAILED, "a test");
}

static void too_many(void)
{
	size_t room = 0;

	free(memory_grow(NULL, SIZE_MAX / 2, &room, 8, "a test"));
}

static void too_many_to_double(void)
{
	size_t room = 1;

	free(memory_grow(malloc(2), SIZE_MAX, &room, 2, "a test"));
}

/* What a process says that does this, and dies of SIGABRT. */
static void assert_aborts(void (*action)(void))
{
	char said[128] = "";
	int ends[2], status;
	ssize_t length;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = {0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		action();
		_exit(0);
	}
	close(ends[1]);
	length = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(length > 0);
	assert_string_equal(said, "sonde: out of memory for a test\n");
}

static void test_check(void **state)
{
	int there;

	(void)state;
	assert_ptr_equal(memory_check(&there, "a test"), &there);
	assert_aborts(no_memory);
	assert_aborts(no_mapping);
}

static void test_grow(void **state)
{
	uint32_t *items = NULL;
	size_t room = 0, times = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		size_t before = room;

		items = memory_grow(items, i + 1, &room, sizeof(*items), "a test");
		assert_true(room > i);
		times += room != before;
		items[i] = i;
	}
	assert_true(times <= 11);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void test_grow_at_once(void **state)
{
	size_t room = 3;
	char *items = malloc(3), *same;

	(void)state;
	memcpy(items, "abc", 3);
	same = memory_grow(items, 3, &room, 1, "a test");
	assert_ptr_equal(same, items);
	assert_int_equal(room, 3);
	items = memory_grow(same, 1000, &room, 1, "a test");
	assert_true(room >= 1000 && room < 2000);
	assert_memory_equal(items, "abc", 3);
	free(items);
}

static void test_grow_too_far(void **state)
{
	(void)state;
	assert_aborts(too_many);
	assert_aborts(too_many_to_double);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_grow_at_once),
		cmocka_unit_test(test_grow_too_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
