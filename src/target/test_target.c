#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/proc.h"
#include "target/subject.h"
#include "target/target.h"

#define PAGE 4096u

static struct subject_board *board;

/* Where the subject has what: these pages are made before it is, so their addresses are known. Of
 * every two of `pages` the second is not mapped. */
enum {
	PAGES = 1100
};
static unsigned char *pages;

static unsigned char pattern(size_t page, size_t at)
{
	return (unsigned char)(page * 31 + at * 7 + 1);
}

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
	subject_board_destroy(board);
	return 0;
}

static int make_pages(void **state)
{
	(void)state;
	pages = mmap(NULL, 2ul * PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	return pages == MAP_FAILED;
}

static void fill_and_wait(struct subject_board *unused)
{
	(void)unused;
	for (size_t page = 0; page < PAGES; page++) {
		for (size_t at = 0; at < PAGE; at++)
			pages[2 * page * PAGE + at] = pattern(page, at);
		munmap(pages + (2 * page + 1) * PAGE, PAGE);
	}
	atomic_store(&board->ready, true);
	for (;;)
		pause();
}

static struct target *open_subject(bool is_child, void (*body)(struct subject_board *))
{
	struct target *target;
	struct error err;

	assert_int_equal(target_open(subject_start(board, is_child, body), &target, &err), 0);
	return target;
}

/* Place i is in page i: 1 + i % 100 bytes of it, or 8 of the hole behind it. */
struct places {
	unsigned char bytes[PAGES][128];
	struct iovec local[PAGES], remote[PAGES];
};

static void place(struct places *places, size_t i, bool in_hole)
{
	size_t length = in_hole ? 8 : 1 + i % 100;

	places->local[i] = (struct iovec){places->bytes[i], length};
	places->remote[i] = (struct iovec){pages + (2 * i + in_hole) * PAGE + i % 50, length};
}

static void check_places(const struct places *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t at = 0; at < places->remote[i].iov_len; at++)
			assert_int_equal(places->bytes[i][at], pattern(i, i % 50 + at));
}

static void check_reading(const struct target *target)
{
	struct places *places = calloc(1, sizeof(*places));
	unsigned char bytes[2 * PAGE];
	uint64_t pointer, expected;

	assert_non_null(places);
	for (size_t i = 0; i < PAGES; i++)
		place(places, i, false);
	assert_int_equal(target_read_places(target, places->local, places->remote, 0), 0);
	assert_int_equal(target_read_places(target, places->local, places->remote, 1), 1);
	assert_int_equal(
		target_read_places(target, places->local, places->remote, TARGET_PLACES_MAX),
		TARGET_PLACES_MAX);
	check_places(places, TARGET_PLACES_MAX);
	errno = 0;
	assert_int_equal(
		target_read_places(target, places->local, places->remote, TARGET_PLACES_MAX + 1),
		-1);
	assert_int_equal(errno, EINVAL);
	memset(places->bytes, 0, sizeof(places->bytes));
	for (size_t hole = 0; hole < 300; hole += 37) {
		place(places, hole, true);
		assert_int_equal(target_read_places(target, places->local, places->remote, 500),
				 hole);
		check_places(places, hole);
		place(places, hole, false);
	}
	assert_true(target_read(target, (uintptr_t)pages, bytes, PAGE));
	for (size_t at = 0; at < PAGE; at++)
		assert_int_equal(bytes[at], pattern(0, at));
	/* Into the hole, and from it. */
	assert_false(target_read(target, (uintptr_t)pages, bytes, PAGE + 1));
	assert_false(target_read(target, (uintptr_t)pages + PAGE - 1, bytes, 2));
	assert_true(target_read(target, (uintptr_t)pages + PAGE - 1, bytes, 1));
	assert_false(target_read(target, (uintptr_t)pages + PAGE, bytes, 1));
	assert_false(target_read(target, 0, bytes, 1));
	assert_false(target_read(target, UINT64_MAX - 3, bytes, 8));
	assert_false(target_read(target, 1ull << 63, bytes, 8));
	assert_true(target_read_pointer(target, (uintptr_t)pages + 16, &pointer));
	for (size_t at = 0; at < 8; at++)
		((unsigned char *)&expected)[at] = pattern(0, 16 + at);
	assert_int_equal(pointer, expected);
	free(places);
}

static void test_read(void **state)
{
	struct target *target = open_subject(true, fill_and_wait);

	(void)state;
	check_reading(target);
	target_close(target);
}

/* Makes a system call fail with EPERM in this process, for good. */
static void forbid(unsigned number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* The same through the file, where the call is forbidden. Asserts end the child with another
 * status than 0. */
static void test_read_by_file(void **state)
{
	struct target *target = open_subject(true, fill_and_wait);
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		forbid(SYS_process_vm_readv);
		check_reading(target);
		check_reading(target);
		_exit(target->memory->denied && target->memory->fd >= 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	target_close(target);
}

/* exec puts other memory in place: what is open is of the old one. */
static void exec_cat(struct subject_board *unused)
{
	(void)unused;
	atomic_store(&board->ready, true);
	subject_wait(&board->go);
	execlp("sleep", "sleep", "1000", NULL);
}

static uint64_t first_readable(const struct target *target)
{
	uint64_t start = 0;
	char text[256];

	assert_true(proc_read(target, "maps", text, sizeof(text)) > 0);
	start = strtoull(text, NULL, 16);
	return start;
}

static void check_exec(bool by_file)
{
	struct target *target = open_subject(true, exec_cat);
	char *before = target_executable(target), *after = NULL;
	uint64_t image = target_image(target);
	struct target *test;
	struct error err = {0};
	char magic[4], **words;

	/* It is a fork of this one. */
	assert_int_equal(target_open(getpid(), &test, &err), 0);
	assert_true(image && target_image(test) == image);
	target_close(test);

	target->memory->denied = by_file;
	assert_true(target_read(target, first_readable(target), magic, 4));
	atomic_store(&board->go, true);
	/* Its command is in place after its memory is. */
	for (int i = 0; i < 5000; i++) {
		free(after);
		after = target_command(target);
		if (after && strcmp(after, "sleep 1000") == 0)
			break;
		subject_sleep_ms(1);
	}
	assert_string_equal(after, "sleep 1000");
	words = target_argv(target);
	assert_non_null(words);
	assert_string_equal(words[0], "sleep");
	assert_string_equal(words[1], "1000");
	assert_null(words[2]);
	free(words);
	free(after);
	after = target_executable(target);
	assert_string_not_equal(after, before);
	assert_non_null(strstr(after, "/sleep"));
	assert_true(target_image(target) && target_image(target) != image);
	assert_true(target_read(target, first_readable(target), magic, 4));
	assert_memory_equal(magic, "\177ELF", 4);
	assert_true(target_is_alive(target));
	free(before);
	free(after);
	target_close(target);
}

static void test_exec(void **state)
{
	(void)state;
	check_exec(false);
	subject_end(atomic_load(&board->pid));
	atomic_store(&board->go, false);
	check_exec(true);
}

/* The first thread ends: /proc knows nothing of the memory under its number any more. */
static void *go_on(void *data)
{
	while (subject_state(getpid()) != 'Z')
		subject_sleep_ms(1);
	atomic_store(&board->go, true);
	subject_wait(&board->stop);
	_exit(0);
	return data;
}

static void end_the_first_thread(struct subject_board *unused)
{
	pthread_t thread;

	(void)unused;
	for (size_t at = 0; at < PAGE; at++)
		pages[at] = pattern(0, at);
	pthread_create(&thread, NULL, go_on, NULL);
	atomic_store(&board->ready, true);
	subject_sleep_ms(50);
	pthread_exit(NULL);
}

static void check_first_page(const struct target *target)
{
	unsigned char bytes[PAGE];

	assert_true(target_read(target, (uintptr_t)pages, bytes, PAGE));
	for (size_t at = 0; at < PAGE; at++)
		assert_int_equal(bytes[at], pattern(0, at));
}

static void test_first_thread_ended(void **state)
{
	struct target *target = open_subject(false, end_the_first_thread);
	unsigned char byte;
	struct target *again;
	struct error err;
	char *text;

	(void)state;
	check_first_page(target);
	assert_true(subject_wait(&board->go));
	assert_true(target_is_alive(target));
	check_first_page(target);
	assert_int_equal(target_open(target_pid(target), &again, &err), 0);
	check_first_page(again);
	text = target_executable(again);
	assert_non_null(text);
	free(text);
	text = target_command(again);
	assert_non_null(text);
	free(text);
	atomic_store(&board->stop, true);
	for (int i = 0; i < 5000 && target_is_alive(target); i++)
		subject_sleep_ms(1);
	assert_false(target_is_alive(target));
	assert_false(target_read(target, (uintptr_t)pages, &byte, 1));
	target_close(again);
	target_close(target);
}

static void test_facts(void **state)
{
	struct target *target = open_subject(true, fill_and_wait);
	struct proc_stat stat;

	(void)state;
	assert_int_equal(target_pid(target), atomic_load(&board->pid));
	assert_int_equal(target_inner_pid(target), atomic_load(&board->pid));
	assert_int_equal(target_parent(target), getpid());
	assert_true(proc_read_stat(target, "stat", &stat));
	assert_int_equal(target_start_ticks(target), stat.start_ticks);
	assert_true(stat.start_ticks > 0);
	assert_int_equal(stat.threads, 1);
	target_close(target);
}

/* One that has ended and was not waited for, then one whose number is free. */
static void test_ended(void **state)
{
	struct target *target = open_subject(true, fill_and_wait);
	pid_t pid = target_pid(target);
	struct iovec local, remote;
	struct target *again;
	struct error err;
	unsigned char byte;

	(void)state;
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	local = (struct iovec){&byte, 1};
	remote = (struct iovec){pages, 1};
	for (int round = 0; round < 2; round++) {
		assert_false(target_is_alive(target));
		errno = 0;
		assert_int_equal(target_read_places(target, &local, &remote, 1), -1);
		assert_int_equal(errno, ESRCH);
		assert_null(target_executable(target));
		assert_null(target_command(target));
		assert_null(target_argv(target));
		assert_int_equal(target_open(pid, &again, &err), -ERROR_NOT_FOUND);
		assert_null(again);
		waitpid(pid, NULL, 0);
	}
	target_close(target);
}

static void *only_tell(void *data)
{
	atomic_store(&board->numbers[0], (uint64_t)syscall(SYS_gettid));
	atomic_store(&board->ready, true);
	for (;;)
		pause();
	return data;
}

static void have_a_thread(struct subject_board *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, only_tell, NULL);
	for (;;)
		pause();
}

static void test_not_found(void **state)
{
	struct target *target;
	struct error err;

	(void)state;
	assert_int_equal(target_open(0, &target, &err), -ERROR_NOT_FOUND);
	assert_int_equal(target_open(-1, &target, &err), -ERROR_NOT_FOUND);
	assert_int_equal(target_open(INT32_MAX, &target, &err), -ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "2147483647"));
	subject_start(board, true, have_a_thread);
	assert_int_equal(target_open((pid_t)atomic_load(&board->numbers[0]), &target, &err),
			 -ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "is a thread of process"));
	target_close(NULL);
}

static void test_stat(void **state)
{
	static const char text[] = "4242 (a ) S 7 (x) R 17 1 2 0 -1 4194560 1 2 3 4 11 22 0 0 20 0 "
				   "5 0 987654 1 2 3";
	struct proc_stat stat;

	(void)state;
	assert_true(proc_parse_stat(text, &stat));
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.parent, 17);
	assert_int_equal(stat.cpu_ticks, 33);
	assert_int_equal(stat.threads, 5);
	assert_int_equal(stat.start_ticks, 987654);
	assert_false(proc_parse_stat("", &stat));
	assert_false(proc_parse_stat("1 (a)", &stat));
	assert_false(proc_parse_stat("1 (a) ", &stat));
	assert_false(proc_parse_stat("1 (a) R 1 2", &stat));
	for (size_t length = 0; length < sizeof(text) - 7; length++) {
		char *cut = strndup(text, length);

		proc_parse_stat(cut, &stat);
		free(cut);
	}
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(proc_parse_inner_pid("Name:\tx\nNSpid:\t4242\t17\t1\nNSpgid:\t4242\n"), 1);
	assert_int_equal(proc_parse_inner_pid("NSpid:\t4242\n"), 4242);
	assert_int_equal(proc_parse_inner_pid("NSpid:\t4242"), 4242);
	assert_int_equal(proc_parse_inner_pid("NSpid:\n"), 0);
	assert_int_equal(proc_parse_inner_pid("Name:\tNSpid:\t1\n"), 0);
	assert_int_equal(proc_parse_inner_pid(""), 0);
	assert_int_equal(proc_parse_inner_pid("NSpid:\t-5\n"), 0);
	assert_int_equal(proc_parse_inner_pid("NSpid:\t99999999999\n"), 0);
	assert_null(proc_status_value("A:\t1\nB:\t2", "C:"));
	assert_string_equal(proc_status_value("A:\t1\nB:\t2", "B:"), "2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_read),
		TEST(test_read_by_file),
		TEST(test_exec),
		TEST(test_first_thread_ended),
		TEST(test_facts),
		TEST(test_ended),
		TEST(test_not_found),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, make_pages, NULL);
}
