#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/subject.h"
#include "target/syscalls.h"
#include "target/target.h"
#include "target/tasks.h"
#include "target/tasks_text.h"

static struct subject_board *board;
static struct target *target;
static struct tasks tasks;

static int begin(void **state)
{
	(void)state;
	board = subject_board_create();
	target = NULL;
	tasks_init(&tasks);
	return 0;
}

static int end(void **state)
{
	(void)state;
	tasks_deinit(&tasks);
	target_close(target);
	if (atomic_load(&board->pid))
		subject_end(atomic_load(&board->pid));
	subject_board_destroy(board);
	return 0;
}

static void watch(void (*body)(struct subject_board *))
{
	struct error err;

	assert_int_equal(target_open(subject_start(board, true, body), &target, &err), 0);
	assert_true(tasks_list(target, &tasks));
}

static void check_syscall(const char *text, bool expected, long number, uint64_t argument,
			  uint64_t stack_pointer)
{
	struct tasks_syscall call;

	assert_int_equal(tasks_parse_syscall(text, &call), expected);
	if (!expected)
		return;
	assert_int_equal(call.number, number);
	assert_int_equal(call.arguments[0], argument);
	assert_int_equal(call.stack_pointer, stack_pointer);
}

static void test_parse_syscall(void **state)
{
	struct tasks_syscall call;

	(void)state;
	check_syscall(
		"202 0x7f1bb8000b60 0x189 0x0 0x0 0x0 0xffffffff 0x7ffcdf285f30 0x7fbdbd2fc\n",
		true, 202, 0x7f1bb8000b60, 0x7ffcdf285f30);
	check_syscall("-1 0x7ffcdf285f30 0x7fbdbd2fcc77\n", true, -1, 0, 0x7ffcdf285f30);
	check_syscall("0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0", true, 0, 0, 0);
	check_syscall("running\n", false, 0, 0, 0);
	check_syscall("", false, 0, 0, 0);
	check_syscall("-", false, 0, 0, 0);
	check_syscall("7", true, 7, 0, 0);
	check_syscall("7 0x1", true, 7, 0, 0);
	check_syscall("99999999999999999999 0xffffffffffffffffffff 0x1 0x2", true, 999999, 0, 0);
	check_syscall("1 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9 0xa", true, 1, 1, 7);
	assert_true(tasks_parse_syscall("1 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8", &call));
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(call.arguments[i], i + 1);
}

static enum task_wait wait_of(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return syscalls_wait(&(struct tasks_syscall){.number = number, .arguments = {a, b, c, d}});
}

static void test_system_calls(void **state)
{
	const uint64_t address = 0x7ffcdf285f30;

	(void)state;
	assert_int_equal(wait_of(-1, 0, 0, 0, 0), WAIT_KERNEL);
	assert_int_equal(wait_of(SYS_futex, 0, 0, 0, 0), WAIT_FUTEX);
	assert_int_equal(wait_of(SYS_ppoll, address, 1, 0, 0), WAIT_POLL);
	assert_int_equal(wait_of(SYS_ppoll, address, 0, 0, 0), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_pselect6, 5, address, 0, 0), WAIT_POLL);
	assert_int_equal(wait_of(SYS_pselect6, 0, 0, 0, 0), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_clock_nanosleep, 0, 0, 0, 0), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_read, 0, 0, 0, 0), WAIT_READ);
	assert_int_equal(wait_of(SYS_semtimedop, 0, 0, 0, 0), WAIT_OTHER);
	assert_int_equal(wait_of(511, 0, 0, 0, 0), WAIT_OTHER);
	assert_int_equal(wait_of(512, 0, 0, 0, 0), WAIT_OTHER);
	assert_int_equal(wait_of(999999, 0, 0, 0, 0), WAIT_OTHER);
	/* What a stop has interrupted goes on under another number. */
	assert_int_equal(wait_of(SYS_restart_syscall, address, 0x189, 0, address), WAIT_FUTEX);
	assert_int_equal(wait_of(SYS_restart_syscall, address, 0x80, 2, address), WAIT_FUTEX);
	assert_int_equal(wait_of(SYS_restart_syscall, 1, 0, address, 0), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_restart_syscall, address, address, 7, 7), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_restart_syscall, address, 0, 7, 7), WAIT_SLEEP);
	assert_int_equal(wait_of(SYS_restart_syscall, address, 3, 0xffffffff, 7), WAIT_POLL);
	assert_int_equal(wait_of(SYS_restart_syscall, 0, 0, 5000, address), WAIT_POLL);
}

static void test_parse_schedstat(void **state)
{
	uint64_t cpu_ns, switches;

	(void)state;
	assert_true(tasks_parse_schedstat("281219638 74190 16\n", &cpu_ns, &switches));
	assert_int_equal(cpu_ns, 281219638);
	assert_int_equal(switches, 16);
	assert_false(tasks_parse_schedstat("", &cpu_ns, &switches));
	assert_false(tasks_parse_schedstat("1 2", &cpu_ns, &switches));
	assert_false(tasks_parse_schedstat("1 2 x", &cpu_ns, &switches));
}

/* Of the board's numbers: after those of the threads. */
#define CHILD 15

/* A thread for each way of waiting; its name tells it, and its number is on the board. */

static int word;
static int ends[2];

static void wait_futex(void)
{
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void wait_poll(void)
{
	struct pollfd nothing = {.fd = -1};

	poll(&nothing, 1, -1);
}

static void wait_sleep(void)
{
	struct timespec time = {.tv_sec = 1000};

	nanosleep(&time, NULL);
}

static void wait_read(void)
{
	char byte;

	if (read(ends[0], &byte, 1) < 0)
		abort();
}

static void wait_network(void)
{
	int sockets[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0)
		recv(sockets[0], &byte, 1, 0);
}

static void wait_write(void)
{
	static char bytes[1 << 20];
	int own[2];

	if (pipe(own) == 0 && write(own[1], bytes, sizeof(bytes)) < 0)
		abort();
}

static void wait_child(void)
{
	waitid(P_PID, (id_t)atomic_load(&board->numbers[CHILD]), NULL, WEXITED);
}

/* Two descriptions of one file: the second waits for the first. */
static void wait_file(void)
{
	char path[32];
	int fd = memfd_create("locked", MFD_CLOEXEC);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	flock(fd, LOCK_EX);
	flock(open(path, O_RDWR | O_CLOEXEC), LOCK_EX);
}

static void compute(void)
{
	for (volatile int i = 0;; i++)
		;
}

static const struct way {
	const char *name;
	void (*wait)(void);
	enum task_state state;
	enum task_wait expected;
} ways[] = {
	{"futex", wait_futex, TASK_BLOCKED, WAIT_FUTEX},
	{"poll", wait_poll, TASK_BLOCKED, WAIT_POLL},
	{"sleep", wait_sleep, TASK_BLOCKED, WAIT_SLEEP},
	{"read", wait_read, TASK_BLOCKED, WAIT_READ},
	{"write", wait_write, TASK_BLOCKED, WAIT_WRITE},
	{"network", wait_network, TASK_BLOCKED, WAIT_NETWORK},
	{"child", wait_child, TASK_BLOCKED, WAIT_CHILD},
	{"file", wait_file, TASK_BLOCKED, WAIT_FILE},
	{"compute", compute, TASK_RUNNING, WAIT_NONE},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void *wait_so(void *data)
{
	const struct way *way = data;

	prctl(PR_SET_NAME, way->name);
	atomic_store(&board->numbers[way - ways], (uint64_t)syscall(SYS_gettid));
	/* A stop may end a call: what is written so far is written. */
	for (;;)
		way->wait();
	return NULL;
}

static void wait_in_all_ways(struct subject_board *unused)
{
	pthread_t thread;
	pid_t parent = getpid(), child = fork();

	(void)unused;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* It may have been killed before. */
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	atomic_store(&board->numbers[CHILD], (uint64_t)child);
	if (pipe(ends) < 0)
		abort();
	for (size_t i = 0; i < WAYS; i++)
		pthread_create(&thread, NULL, wait_so, (void *)&ways[i]);
	for (size_t i = 0; i < WAYS; i++)
		while (!atomic_load(&board->numbers[i]))
			subject_sleep_ms(1);
	atomic_store(&board->ready, true);
	for (;;)
		pause();
}

static struct task *find_task(pid_t tid)
{
	for (size_t i = 0; i < tasks.count; i++)
		if (tasks.items[i].tid == tid)
			return &tasks.items[i];
	return NULL;
}

static void check_ways(void)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct task *task = find_task((pid_t)atomic_load(&board->numbers[i]));
		char name[16];

		assert_non_null(task);
		/* It was just made, or continued. */
		for (int j = 0; j < 2000 && subject_state(task->tid) !=
						    (ways[i].state == TASK_BLOCKED ? 'S' : 'R');
		     j++)
			subject_sleep_ms(1);
		assert_int_equal(task->inner_tid, task->tid);
		for (int j = 0; j < 3; j++)
			task_look(task);
		task_name(target, task->tid, name);
		assert_string_equal(name, ways[i].name);
		assert_int_equal(task->state, ways[i].state);
		assert_int_equal(task->wait, ways[i].expected);
		if (ways[i].state == TASK_BLOCKED) {
			assert_string_equal(task_wait_name(task->wait), ways[i].name);
			assert_int_not_equal(task->stack_pointer, 0);
		}
		if (ways[i].expected == WAIT_FUTEX)
			assert_int_equal(task->syscall_argument, (uintptr_t)&word);
	}
}

static void test_waits(void **state)
{
	(void)state;
	watch(wait_in_all_ways);
	assert_int_equal(tasks.count, WAYS + 1);
	for (size_t i = 1; i < tasks.count; i++)
		assert_true(tasks.items[i].tid > tasks.items[i - 1].tid);
	check_ways();
}

/* With no descriptor to spare the files are opened each time. */
static void test_without_descriptors(void **state)
{
	struct rlimit few = {.rlim_cur = 40, .rlim_max = 40}, before;

	(void)state;
	watch(wait_in_all_ways);
	for (size_t i = 0; i < tasks.count; i++) {
		close(tasks.items[i].syscall_fd);
		close(tasks.items[i].schedstat_fd);
		tasks.items[i].syscall_fd = tasks.items[i].schedstat_fd = -1;
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	check_ways();
	task_look_at_schedule(&tasks.items[0]);
	assert_true(tasks.items[0].cpu_ns > 0 && tasks.items[0].switches > 0);
	setrlimit(RLIMIT_NOFILE, &before);
}

static void test_stopped(void **state)
{
	struct task *computing;
	uint64_t before;

	(void)state;
	watch(wait_in_all_ways);
	computing = find_task((pid_t)atomic_load(&board->numbers[WAYS - 1]));
	task_look(computing);
	assert_int_equal(computing->state, TASK_RUNNING);
	task_look_at_schedule(computing);
	before = computing->cpu_ns;
	kill(target_pid(target), SIGSTOP);
	for (size_t i = 0; i < tasks.count; i++) {
		for (int j = 0; j < 2000 && subject_state(tasks.items[i].tid) != 'T'; j++)
			subject_sleep_ms(1);
	}
	task_look(computing);
	assert_int_equal(computing->state, TASK_STOPPED);
	/* The first look at one tells, too, whatever it was in. */
	tasks_deinit(&tasks);
	assert_true(tasks_list(target, &tasks));
	for (size_t i = 0; i < tasks.count; i++) {
		task_look(&tasks.items[i]);
		assert_int_equal(tasks.items[i].state, TASK_STOPPED);
		task_look(&tasks.items[i]);
		assert_int_equal(tasks.items[i].state, TASK_STOPPED);
	}
	kill(target_pid(target), SIGCONT);
	check_ways();
	computing = find_task((pid_t)atomic_load(&board->numbers[WAYS - 1]));
	task_look_at_schedule(computing);
	assert_true(computing->cpu_ns > before);
}

/* One that waits is not put on a CPU; one that woke up was. */

static void wake_now_and_then(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	for (;;) {
		while (!atomic_exchange(&board->numbers[1], 0))
			syscall(SYS_futex, &board->numbers[1], FUTEX_WAIT, 0, NULL, NULL, 0);
		atomic_fetch_add(&board->numbers[0], 1);
	}
}

static void test_switches(void **state)
{
	uint64_t before;

	(void)state;
	watch(wake_now_and_then);
	subject_sleep_ms(20);
	for (uint64_t i = 1; i < 50; i++) {
		task_look_at_schedule(&tasks.items[0]);
		before = tasks.items[0].switches;
		task_look_at_schedule(&tasks.items[0]);
		assert_int_equal(tasks.items[0].switches, before);
		atomic_store(&board->numbers[1], 1);
		syscall(SYS_futex, &board->numbers[1], FUTEX_WAKE, 1, NULL, NULL, 0);
		for (int j = 0; j < 5000 && (atomic_load(&board->numbers[0]) < i ||
					     subject_state(target_pid(target)) != 'S');
		     j++)
			usleep(100);
		task_look_at_schedule(&tasks.items[0]);
		assert_true(tasks.items[0].switches > before);
	}
}

/* Threads that come and go. */

static void *be_there(void *data)
{
	(void)data;
	while (!atomic_load(&board->stop))
		subject_sleep_ms(1);
	return NULL;
}

static void have_threads(struct subject_board *unused)
{
	pthread_t threads[20];

	(void)unused;
	atomic_store(&board->ready, true);
	for (;;) {
		subject_wait(&board->go);
		atomic_store(&board->go, false);
		for (int i = 0; i < 20; i++)
			pthread_create(&threads[i], NULL, be_there, NULL);
		atomic_store(&board->numbers[0], 20);
		for (int i = 0; i < 20; i++)
			pthread_join(threads[i], NULL);
		atomic_store(&board->stop, false);
		atomic_store(&board->numbers[0], 0);
	}
}

static void wait_number(uint64_t number)
{
	for (int i = 0; i < 5000 && atomic_load(&board->numbers[0]) != number; i++)
		subject_sleep_ms(1);
	assert_int_equal(atomic_load(&board->numbers[0]), number);
}

static int free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void test_come_and_go(void **state)
{
	int free_before;

	(void)state;
	watch(have_threads);
	free_before = free_descriptor();
	for (int round = 0; round < 5; round++) {
		assert_int_equal(tasks.count, 1);
		assert_int_equal(free_descriptor(), free_before);
		atomic_store(&board->go, true);
		wait_number(20);
		assert_true(tasks_list(target, &tasks));
		assert_int_equal(tasks.count, 21);
		for (size_t i = 0; i < tasks.count; i++) {
			task_look(&tasks.items[i]);
			assert_int_not_equal(tasks.items[i].state, TASK_GONE);
		}
		atomic_store(&board->stop, true);
		wait_number(0);
		for (size_t i = 0; i < tasks.count; i++) {
			task_look(&tasks.items[i]);
			assert_int_equal(tasks.items[i].state == TASK_GONE,
					 tasks.items[i].tid != target_pid(target));
		}
		assert_true(tasks_list(target, &tasks));
	}
	subject_end(target_pid(target));
	assert_false(tasks_list(target, &tasks));
	task_look(&tasks.items[0]);
	assert_int_equal(tasks.items[0].state, TASK_GONE);
}

/* In another PID namespace, where threads have other numbers. */

static void *tell_inner_tid(void *data)
{
	(void)data;
	atomic_store(&board->numbers[1], (uint64_t)syscall(SYS_gettid));
	for (;;)
		pause();
	return NULL;
}

static void be_elsewhere(struct subject_board *unused)
{
	pthread_t thread;
	pid_t pid;

	(void)unused;
	pid = unshare(CLONE_NEWPID) == 0 ? fork() : 0;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, tell_inner_tid, NULL);
		for (;;)
			pause();
	}
	atomic_store(&board->numbers[0], (uint64_t)pid);
	while (!atomic_load(&board->numbers[1]))
		subject_sleep_ms(1);
	atomic_store(&board->ready, true);
	for (;;)
		pause();
}

static void test_other_namespace(void **state)
{
	struct error err;
	pid_t outer;

	(void)state;
	if (geteuid() != 0)
		skip();
	subject_start(board, true, be_elsewhere);
	outer = (pid_t)atomic_load(&board->numbers[0]);
	if (!outer)
		skip();
	assert_int_equal(target_open(outer, &target, &err), 0);
	assert_int_equal(target_pid(target), outer);
	assert_int_equal(target_inner_pid(target), 1);
	assert_true(tasks_list(target, &tasks));
	assert_int_equal(tasks.count, 2);
	assert_int_equal(tasks.items[0].tid, outer);
	assert_int_equal(tasks.items[0].inner_tid, 1);
	assert_int_equal(tasks.items[1].inner_tid, atomic_load(&board->numbers[1]));
	assert_int_not_equal(tasks.items[1].tid, tasks.items[1].inner_tid);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_syscall),
		cmocka_unit_test(test_system_calls),
		cmocka_unit_test(test_parse_schedstat),
		TEST(test_waits),
		TEST(test_without_descriptors),
		TEST(test_stopped),
		TEST(test_switches),
		TEST(test_come_and_go),
		TEST(test_other_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
