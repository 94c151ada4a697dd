#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/births.h"

static struct births births;

static int begin(void **state)
{
	struct birth list[BIRTHS_MAX];

	(void)state;
	births_init(&births);
	assert_int_equal(births_look(&births, list), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	births_deinit(&births);
	return 0;
}

/* Others of this machine may begin as well. */
static const struct birth *find(const struct birth *list, ssize_t count, pid_t pid)
{
	for (ssize_t i = 0; i < count; i++) {
		if (list[i].pid == pid)
			return &list[i];
	}
	return NULL;
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	pause();
	_exit(0);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_child(void **state)
{
	struct birth list[BIRTHS_MAX];
	const struct birth *birth;
	pid_t pid = start_child();
	ssize_t count = births_look(&births, list);

	(void)state;
	birth = find(list, count, pid);
	assert_non_null(birth);
	assert_int_equal(birth->parent, getpid());
	/* It is told once. */
	assert_null(find(list, births_look(&births, list), pid));
	end_child(pid);
}

static void test_ended(void **state)
{
	struct birth list[BIRTHS_MAX];
	pid_t waited = start_child(), pid;
	siginfo_t info;
	ssize_t count;

	(void)state;
	end_child(waited);
	pid = start_child();
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	count = births_look(&births, list);
	/* As long as nobody has waited for it. */
	assert_non_null(find(list, count, pid));
	assert_null(find(list, count, waited));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static _Atomic pid_t tid;

static void *have_tid(void *unused)
{
	(void)unused;
	tid = gettid();
	pause();
	return NULL;
}

static void test_thread(void **state)
{
	struct birth list[BIRTHS_MAX];
	pthread_t thread;
	ssize_t count;

	(void)state;
	tid = 0;
	assert_int_equal(pthread_create(&thread, NULL, have_tid, NULL), 0);
	while (!tid)
		usleep(1000);
	count = births_look(&births, list);
	assert_true(count >= 0);
	assert_null(find(list, count, tid));
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void test_many(void **state)
{
	struct birth list[BIRTHS_MAX];
	pid_t pids[BIRTHS_MAX + 1], pid;

	(void)state;
	for (size_t i = 0; i <= BIRTHS_MAX; i++)
		pids[i] = start_child();
	assert_int_equal(births_look(&births, list), -1);
	for (size_t i = 0; i <= BIRTHS_MAX; i++)
		end_child(pids[i]);
	/* From there on it goes on. */
	pid = start_child();
	assert_non_null(find(list, births_look(&births, list), pid));
	end_child(pid);
}

static void test_unknown(void **state)
{
	struct birth list[BIRTHS_MAX];

	(void)state;
	births_deinit(&births);
	assert_int_equal(births_look(&births, list), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_child), TEST(test_ended),   TEST(test_thread),
		TEST(test_many),  TEST(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
