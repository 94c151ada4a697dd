#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/pause.h"
#include "target/subject.h"
#include "target/target.h"
#include "target/tasks.h"

/* What a board's numbers are here. */
enum {
	SENT,
	SENT_SUM,
	RECEIVED,
	RECEIVED_SUM,
	BROKEN, /* what a pause must not change, and did */
	TICKS,
	TID,
	WORK,
};

static struct subject_board *board;

static int begin(void **state)
{
	(void)state;
	board = subject_board_create();
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (atomic_load(&board->pid))
		subject_end(atomic_load(&board->pid));
	pause_settle();
	subject_board_destroy(board);
	return 0;
}

static void count(unsigned number, uint64_t amount)
{
	atomic_fetch_add(&board->numbers[number], amount);
}

static uint64_t counted(unsigned number)
{
	return atomic_load(&board->numbers[number]);
}

#define STORM_THREADS 5

/* The storm: threads that compute, sleep and lock while signals with numbers fly. */

static void on_number(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code != SI_QUEUE || info->si_pid != getpid())
		count(BROKEN, 1);
	count(RECEIVED, 1);
	count(RECEIVED_SUM, (uint64_t)info->si_value.sival_int);
}

static void on_tick(int signal)
{
	(void)signal;
	count(TICKS, 1);
}

static void *compute(void *data)
{
	volatile uint64_t sum = 0;

	(void)data;
	while (!atomic_load(&board->stop)) {
		sum = sum * 3 + 1;
		count(WORK, 1);
	}
	return NULL;
}

static void *sleep_all_signals_blocked(void *data)
{
	const struct timespec time = {.tv_nsec = 200000};
	sigset_t all;

	(void)data;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	/* Nothing interrupts this thread, so nothing may seem to. */
	while (!atomic_load(&board->stop)) {
		if (nanosleep(&time, NULL) < 0)
			count(BROKEN, 1);
	}
	return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t under_lock;

static void *take_turns(void *data)
{
	(void)data;
	while (!atomic_load(&board->stop)) {
		pthread_mutex_lock(&lock);
		under_lock++;
		pthread_mutex_unlock(&lock);
		sched_yield();
	}
	return NULL;
}

static void storm(struct subject_board *unused)
{
	static void *(*const bodies[])(void *) = {compute, sleep_all_signals_blocked, take_turns,
						  take_turns};
	struct itimerval timer = {.it_interval.tv_usec = 1000, .it_value.tv_usec = 1000};
	struct sigaction number = {.sa_sigaction = on_number, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	pthread_t threads[4];

	(void)unused;
	sigaction(SIGRTMIN, &number, NULL);
	sigaction(SIGALRM, &tick, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, bodies[i], NULL);
	atomic_store(&board->ready, true);
	for (int i = 1; !atomic_load(&board->stop); i = i % 1000 + 1) {
		union sigval value = {.sival_int = i};

		if (sigqueue(getpid(), SIGRTMIN, value) == 0) {
			count(SENT, 1);
			count(SENT_SUM, (uint64_t)i);
		}
		if (i % 16 == 0)
			usleep(50);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	/* What is queued is delivered before the next system call returns. */
	subject_sleep_ms(1);
}

static void check_storm(void)
{
	atomic_store(&board->stop, true);
	for (int i = 0; i < 10000 && subject_state(atomic_load(&board->pid)) > 0 &&
			subject_state(atomic_load(&board->pid)) != 'Z';
	     i++)
		subject_sleep_ms(1);
	assert_int_equal(counted(RECEIVED), counted(SENT));
	assert_int_equal(counted(RECEIVED_SUM), counted(SENT_SUM));
	assert_int_equal(counted(BROKEN), 0);
	assert_true(counted(SENT) > 100);
	assert_true(counted(TICKS) > 10);
	assert_true(counted(WORK) > 1000);
}

/* What waits for a CPU gets one within a second. */
static void settle(const struct task *tasks, size_t count_of_tasks)
{
	for (int i = 0; i < 1000; i++) {
		bool traced = false;

		pause_settle();
		for (size_t j = 0; j < count_of_tasks; j++)
			traced = traced || subject_tracer(tasks[j].tid) != 0;
		if (!traced)
			break;
		subject_sleep_ms(1);
	}
}

/* Pauses all threads in turn. */
static void pause_all(pid_t pid, unsigned times, unsigned results[4], uint64_t *signals)
{
	struct target *target;
	struct tasks tasks;
	struct error err;

	assert_int_equal(target_open(pid, &target, &err), 0);
	tasks_init(&tasks);
	assert_true(tasks_list(target, &tasks));
	assert_int_equal(tasks.count, STORM_THREADS);
	for (unsigned i = 0; i < times; i++) {
		struct pause pause;
		enum pause_result result = pause_begin(tasks.items[i % STORM_THREADS].tid, &pause);

		results[result]++;
		if (result == PAUSE_STOPPED) {
			*signals += pause.signal != 0;
			pause_end(&pause);
		}
	}
	settle(tasks.items, tasks.count);
	for (size_t i = 0; i < tasks.count; i++) {
		assert_int_equal(subject_tracer(tasks.items[i].tid), 0);
		assert_int_not_equal(subject_state(tasks.items[i].tid), 't');
	}
	tasks_deinit(&tasks);
	target_close(target);
}

static void weather_storm(bool is_child)
{
	const char *asked = getenv("SONDE_TEST_PAUSES");
	unsigned times = asked ? (unsigned)strtoul(asked, NULL, 10) : 10000;
	unsigned results[4] = {0};
	uint64_t signals = 0;

	subject_start(board, is_child, storm);
	pause_all(atomic_load(&board->pid), times, results, &signals);
	print_message("%u stopped, %u late, %lu stops had a signal; %lu signals\n",
		      results[PAUSE_STOPPED], results[PAUSE_LATE], (unsigned long)signals,
		      (unsigned long)counted(SENT));
	assert_int_equal(results[PAUSE_GONE], 0);
	assert_int_equal(results[PAUSE_DENIED], 0);
	/* Threads of a busy machine are late, but not most of them. */
	assert_true(results[PAUSE_STOPPED] > times / 2);
	check_storm();
}

static void test_storm(void **state)
{
	(void)state;
	weather_storm(false);
}

static void test_storm_of_a_child(void **state)
{
	(void)state;
	weather_storm(true);
}

/* One that pauses for ever, to be killed. */
static void pauser(const pid_t tids[STORM_THREADS])
{
	for (unsigned i = 0;; i++) {
		struct pause pause;

		if (pause_begin(tids[i % STORM_THREADS], &pause) == PAUSE_STOPPED)
			pause_end(&pause);
	}
}

static void test_killed_while_it_pauses(void **state)
{
	const char *asked = getenv("SONDE_TEST_KILLS");
	unsigned times = asked ? (unsigned)strtoul(asked, NULL, 10) : 300;
	pid_t tids[STORM_THREADS];
	struct target *target;
	struct tasks tasks;
	struct error err;
	unsigned seed = 1;

	(void)state;
	subject_start(board, false, storm);
	assert_int_equal(target_open(atomic_load(&board->pid), &target, &err), 0);
	tasks_init(&tasks);
	assert_true(tasks_list(target, &tasks));
	assert_int_equal(tasks.count, STORM_THREADS);
	for (size_t i = 0; i < STORM_THREADS; i++)
		tids[i] = tasks.items[i].tid;
	for (unsigned i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0)
			pauser(tids);
		usleep((unsigned)rand_r(&seed) % 2000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		for (size_t j = 0; j < STORM_THREADS; j++) {
			assert_int_equal(subject_tracer(tids[j]), 0);
			assert_null(strchr("tTZ", subject_state(tids[j])));
		}
	}
	tasks_deinit(&tasks);
	target_close(target);
	check_storm();
}

/* One thread that counts. */
static void work(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	for (;;)
		count(WORK, 1);
}

static bool works(void)
{
	uint64_t before = counted(WORK);

	for (int i = 0; i < 1000 && counted(WORK) == before; i++)
		subject_sleep_ms(1);
	return counted(WORK) != before;
}

static void test_stands_still(void **state)
{
	pid_t pid = subject_start(board, false, work);
	struct pause pause;
	uint64_t before;

	(void)state;
	assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
	assert_false(pause.was_stopped);
	assert_int_equal(pause.signal, 0);
	before = counted(WORK);
	subject_sleep_ms(20);
	assert_int_equal(counted(WORK), before);
	assert_int_equal(subject_tracer(pid), getpid());
	pause_end(&pause);
	assert_int_equal(subject_tracer(pid), 0);
	assert_true(works());
}

static bool state_becomes(pid_t pid, char wanted)
{
	for (int i = 0; i < 2000 && subject_state(pid) != wanted; i++)
		subject_sleep_ms(1);
	return subject_state(pid) == wanted;
}

static void test_stopped_stays_stopped(void **state)
{
	pid_t pid = subject_start(board, false, work);
	struct pause pause;

	(void)state;
	kill(pid, SIGSTOP);
	assert_true(state_becomes(pid, 'T'));
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
		assert_true(pause.was_stopped);
		pause_end(&pause);
		assert_true(state_becomes(pid, 'T'));
		assert_int_equal(subject_tracer(pid), 0);
	}
	kill(pid, SIGCONT);
	assert_true(works());
}

/* A stop signal that comes while a thread is paused takes effect when it is not any more. */
static void test_stop_signal_meanwhile(void **state)
{
	pid_t pid = subject_start(board, false, work);
	struct pause pause;

	(void)state;
	assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
	kill(pid, SIGSTOP);
	pause_end(&pause);
	assert_true(state_becomes(pid, 'T'));
	kill(pid, SIGCONT);
	assert_true(works());
}

static void test_continued_meanwhile(void **state)
{
	pid_t pid = subject_start(board, false, work);
	struct pause pause;

	(void)state;
	kill(pid, SIGSTOP);
	assert_true(state_becomes(pid, 'T'));
	assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
	kill(pid, SIGCONT);
	pause_end(&pause);
	assert_true(works());
}

/* Like vfork, the parent does not go on, or stop, before the child ends; the memory is its own. */
static pid_t fork_and_wait(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The first thread calls vfork, and its child takes its time. */
static void parent_of_vfork(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	for (;;) {
		pid_t pid = fork_and_wait();

		if (pid == 0) {
			struct timespec time = {.tv_nsec = 300 * 1000000};

			nanosleep(&time, NULL);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		count(WORK, 1);
	}
}

static void test_vfork(void **state)
{
	struct timespec before, after;
	struct pause pause;
	pid_t pid = subject_start(board, false, parent_of_vfork);

	(void)state;
	assert_true(state_becomes(pid, 'D'));
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(pause_begin(pid, &pause), PAUSE_LATE);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(subject_tracer(pid), 0);
	assert_true((after.tv_sec - before.tv_sec) * 1000 +
			    (after.tv_nsec - before.tv_nsec) / 1000000 <
		    50);
	assert_true(works());
}

/* Falls asleep so again and again, so that pauses meet it on its way there. */
static void vfork_often(struct subject_board *unused)
{
	const struct timespec longer_than_a_pause = {.tv_nsec = 12 * 1000000};

	(void)unused;
	atomic_store(&board->ready, true);
	while (!atomic_load(&board->stop)) {
		pid_t pid;

		for (volatile int i = 0; i < 30000; i++)
			;
		pid = fork_and_wait();
		if (pid == 0) {
			nanosleep(&longer_than_a_pause, NULL);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		count(WORK, 1);
	}
}

static void test_falls_asleep_meanwhile(void **state)
{
	pid_t pid = subject_start(board, false, vfork_often);
	unsigned owed = 0;

	(void)state;
	while (counted(WORK) < 60) {
		struct pause pause;
		enum pause_result result = pause_begin(pid, &pause);

		assert_int_not_equal(result, PAUSE_GONE);
		assert_int_not_equal(result, PAUSE_DENIED);
		if (result == PAUSE_STOPPED)
			pause_end(&pause);
		else if (subject_tracer(pid))
			owed++;
	}
	print_message("%u times it was seized on its way\n", owed);
	for (int i = 0; i < 1000 && subject_tracer(pid); i++) {
		pause_settle();
		subject_sleep_ms(1);
	}
	assert_int_equal(subject_tracer(pid), 0);
	assert_true(works());
}

static void test_killed_while_paused(void **state)
{
	(void)state;
	for (int child = 0; child < 2; child++) {
		pid_t pid = subject_start(board, child, work);
		struct pause pause;
		int status;

		assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
		kill(pid, SIGKILL);
		pause_end(&pause);
		if (child) {
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGKILL);
		}
		assert_true(state_becomes(pid, 0));
		assert_int_equal(pause_begin(pid, &pause), PAUSE_GONE);
	}
}

/* Exits while it is paused again and again: its status is for who started it. */
static void exit_with_42(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	subject_wait(&board->go);
	_exit(42);
}

static void test_exits_while_it_is_paused(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		enum pause_result result = PAUSE_STOPPED;
		struct pause pause;
		int status = 0;
		pid_t pid;

		atomic_store(&board->go, false);
		pid = subject_start(board, true, exit_with_42);
		atomic_store(&board->go, true);
		for (int j = 0; j < 100000 && result != PAUSE_GONE; j++) {
			result = pause_begin(pid, &pause);
			if (result == PAUSE_STOPPED)
				pause_end(&pause);
		}
		assert_int_equal(result, PAUSE_GONE);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 42);
	}
}

static void *end_at_once(void *data)
{
	count(WORK, 1);
	return data;
}

static void threads_come_and_go(struct subject_board *unused)
{
	pthread_t threads[8];

	(void)unused;
	atomic_store(&board->ready, true);
	for (int i = 0; i < 400; i++) {
		for (int j = 0; j < 8; j++)
			pthread_create(&threads[j], NULL, end_at_once, NULL);
		for (int j = 0; j < 8; j++)
			pthread_join(threads[j], NULL);
	}
}

/* Pauses whatever thread there is until the process has ended. */
static void pause_whatever(pid_t pid)
{
	struct target *target;
	struct tasks tasks;
	struct error err;

	if (target_open(pid, &target, &err) < 0)
		return;
	tasks_init(&tasks);
	while (tasks_list(target, &tasks)) {
		for (size_t i = 0; i < tasks.count; i++) {
			struct pause pause;

			if (pause_begin(tasks.items[i].tid, &pause) == PAUSE_STOPPED)
				pause_end(&pause);
		}
	}
	tasks_deinit(&tasks);
	target_close(target);
}

static void test_threads_come_and_go(void **state)
{
	pid_t pid = subject_start(board, false, threads_come_and_go);

	(void)state;
	pause_whatever(pid);
	assert_int_equal(counted(WORK), 3200);
	assert_true(state_becomes(pid, 0));
}

/* The first thread ends, another goes on. */
static void *outlive(void *data)
{
	atomic_store(&board->numbers[TID], (uint64_t)syscall(SYS_gettid));
	while (subject_state(getpid()) != 'Z')
		subject_sleep_ms(1);
	atomic_store(&board->ready, true);
	while (!atomic_load(&board->stop))
		count(WORK, 1);
	_exit(0);
	return data;
}

static void first_thread_ends(struct subject_board *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, outlive, NULL);
	pthread_exit(NULL);
}

static void test_first_thread_ended(void **state)
{
	pid_t pid = subject_start(board, false, first_thread_ends);
	struct pause pause;

	(void)state;
	assert_int_equal(pause_begin(pid, &pause), PAUSE_GONE);
	assert_int_equal(pause_begin((pid_t)counted(TID), &pause), PAUSE_STOPPED);
	pause_end(&pause);
	assert_true(works());
	atomic_store(&board->stop, true);
	assert_true(state_becomes(pid, 0));
}

/* Calls exec from its second thread, so many times. */
static char *exec_name;

static void *exec_again(void *data)
{
	char left[24];

	snprintf(left, sizeof(left), "%ld", strtol(data, NULL, 10) - 1);
	execl(exec_name, exec_name, "exec", left, NULL);
	_exit(1);
}

static int exec_many_times(char *left)
{
	pthread_t thread;

	if (strtol(left, NULL, 10) == 0)
		_exit(42);
	pthread_create(&thread, NULL, exec_again, left);
	pthread_join(thread, NULL);
	return 1;
}

static void begin_exec(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	execl(exec_name, exec_name, "exec", "300", NULL);
}

static void test_exec_of_a_thread(void **state)
{
	int status = 0;
	pid_t pid, pausing;

	(void)state;
	pid = subject_start(board, true, begin_exec);
	pausing = fork();
	if (pausing == 0) {
		pause_whatever(pid);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(waitpid(pausing, &status, 0), pausing);
	assert_int_equal(status, 0);
}

static void test_traced_by_another(void **state)
{
	pid_t pid = subject_start(board, false, work);
	struct pause pause;
	_Atomic bool *traced = &board->go;
	pid_t tracer = fork();

	(void)state;
	if (tracer == 0) {
		ptrace(PTRACE_SEIZE, pid, NULL, NULL);
		atomic_store(traced, true);
		for (;;)
			subject_sleep_ms(1000);
	}
	assert_true(subject_wait(traced));
	assert_int_equal(pause_begin(pid, &pause), PAUSE_DENIED);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	assert_int_equal(pause_begin(pid, &pause), PAUSE_STOPPED);
	pause_end(&pause);
}

static void test_nobody(void **state)
{
	struct pause pause;

	(void)state;
	assert_int_equal(pause_begin(INT32_MAX, &pause), PAUSE_GONE);
	pause_end(&(struct pause){0});
	pause_settle();
}

int main(int count_of_arguments, char **arguments)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_storm),
		TEST(test_storm_of_a_child),
		TEST(test_killed_while_it_pauses),
		TEST(test_stands_still),
		TEST(test_stopped_stays_stopped),
		TEST(test_stop_signal_meanwhile),
		TEST(test_continued_meanwhile),
		TEST(test_vfork),
		TEST(test_falls_asleep_meanwhile),
		TEST(test_killed_while_paused),
		TEST(test_exits_while_it_is_paused),
		TEST(test_threads_come_and_go),
		TEST(test_first_thread_ended),
		TEST(test_exec_of_a_thread),
		TEST(test_traced_by_another),
		TEST(test_nobody),
	};

	exec_name = arguments[0];
	if (count_of_arguments == 3)
		return exec_many_times(arguments[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
