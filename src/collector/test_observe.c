#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/observe.h"

#define MIB (1ull << 20)

static struct capture_memory memory_of(const char *const *lines, uint64_t own_inode)
{
	struct capture_memory memory = {0};
	struct observe_smaps smaps = {.memory = &memory, .own_inode = own_inode};

	for (; *lines; lines++)
		observe_smaps_line(&smaps, *lines);
	observe_smaps_end(&smaps);
	return memory;
}

static void test_smaps(void **state)
{
	static const char *const lines[] = {
		"55d0c0000000-55d0c0100000 r-xp 00000000 fe:00 1234  /usr/bin/python3\n",
		"Size:               1024 kB\n",
		"Rss:                 600 kB\n",
		"VmFlags: rd ex mr mw me\n",
		"55d0c1000000-55d0c1400000 rw-p 00000000 00:00 0   [heap]\n",
		"Size:               4096 kB\n",
		"Rss:                3072 kB\n",
		/* an arena, and what of it is not in use yet */
		"7f0004000000-7f0004200000 rw-p 00000000 00:00 0 \n",
		"Rss:                1024 kB\n",
		"Swap:                512 kB\n",
		"7f0004200000-7f0008000000 ---p 00000000 00:00 0 \n",
		"Rss:                   0 kB\n",
		/* a thread's stack behind its guard */
		"7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n",
		"Rss:                   0 kB\n",
		"7f0010001000-7f0010801000 rw-p 00000000 00:00 0 \n",
		"Rss:                  64 kB\n",
		/* mapped by the program: 16 MiB, 1 MiB touched, 2 MiB swapped */
		"7f0020001000-7f0021001000 rw-p 00000000 00:00 0 \n",
		"Rss:                1024 kB\n",
		"Swap:               2048 kB\n",
		"SwapPss:     9 kB\n",
		/* reserved only */
		"7f0030001000-7f0031001000 ---p 00000000 00:00 0 \n",
		"Rss:                   0 kB\n",
		/* shared with sonde, and shared otherwise */
		"7f0040000000-7f0080000000 rw-s 00000000 00:01 99  /memfd:sonde\n",
		"Rss:                2048 kB\n",
		"7f0080000000-7f0090000000 rw-s 00000000 00:01 98  /dev/zero\n",
		"Rss:                4096 kB\n",
		"7f00a0000000-7f00a0100000 rw-p 00000000 00:00 0  [anon:cpython:pymalloc]\n",
		"Rss:                 512 kB\n",
		"7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0   [stack]\n",
		"Rss:                 128 kB\n",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n",
		"Rss:                   0 kB\n",
		NULL,
	};
	struct capture_memory memory = memory_of(lines, 99);

	(void)state;
	assert_int_equal(memory.own_rss, 2 * MIB);
	assert_int_equal(memory.heap_mapped, 4 * MIB + 2 * MIB + MIB);
	assert_int_equal(memory.heap_resident, 3 * MIB + MIB + MIB / 2);
	assert_int_equal(memory.stacks_resident, (64 + 128) << 10);
	assert_int_equal(memory.untouched, 13 * MIB + 16 * MIB + 4096);
}

/* Lines that are none, and numbers that cannot be: nothing overflows. */
static void test_smaps_broken(void **state)
{
	char long_name[200] = "7f0000005000-7f0000006000 rw-p 0 00:00 0 ";
	const char *const lines[] = {
		"Rss:                 600 kB\n",
		"7f00-7f\n",
		"zzz\n",
		"",
		"7f0000001000-7f0000002000 rw-p\n",
		"7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n",
		"Rss:  99999999999999999999 kB\n",
		"Swap:  99999999999999999999 kB\n",
		long_name,
		NULL,
	};
	struct capture_memory memory;

	(void)state;
	memset(long_name + strlen(long_name), 'n', 100);
	memory = memory_of(lines, 99);
	assert_int_equal(memory.untouched, 0);
	assert_int_equal(memory.own_rss, 0);
}

static void test_self(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct observe observe;
	struct capture_memory memory;
	struct observe_part part;
	struct stat file;
	char name[16], *text;
	void *mapped;

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(mapped, 1, 1 << 20);
	assert_int_equal(fstat(fd, &file), 0);
	prctl(PR_SET_NAME, "a test");

	observe_open(&observe, getpid());
	assert_true(observe_is_alive(&observe));
	assert_true(observe_thread_is_alive(&observe, (uint32_t)syscall(SYS_gettid)));
	assert_false(observe_thread_is_alive(&observe, 0x3fffffff));
	assert_true(observe_rss(&observe) > MIB);
	assert_true(observe_thread_name(&observe, (uint32_t)getpid(), name));
	assert_string_equal(name, "a test");
	assert_false(observe_thread_name(&observe, 0x3fffffff, name));
	assert_string_equal(name, "");
	part = (struct observe_part){file.st_dev, file.st_ino, 0, 4096};
	assert_int_equal(observe_maps(&observe, &part), 1);
	part.offset = 4096;
	assert_int_equal(observe_maps(&observe, &part), 0);
	part = (struct observe_part){file.st_dev, file.st_ino + 1000, 0, 4096};
	assert_int_equal(observe_maps(&observe, &part), 0);
	assert_true(observe_memory(&observe, file.st_ino, &memory));
	assert_true(memory.rss > MIB);
	assert_true(memory.peak_rss >= memory.rss - (memory.rss >> 2));
	assert_int_equal(memory.own_rss, MIB);
	assert_true(memory.heap_mapped >= memory.heap_resident);
	text = observe_command(&observe);
	assert_non_null(strstr(text, "test_collector_observe"));
	free(text);
	text = observe_executable(&observe);
	assert_int_equal(text[0], '/');
	free(text);
	observe_close(&observe);
	munmap(mapped, 1 << 20);
	close(fd);
}

/* A process that has ended is over before its parent knows, and nothing can be read of it. */
static void test_zombie(void **state)
{
	struct observe_part part = {.device = 1, .inode = 1, .bytes = 1};
	struct capture_memory memory;
	struct observe observe, without;
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	observe_open(&observe, pid);
	without = observe;
	without.pidfd = -1; /* an old kernel */
	assert_true(observe_is_alive(&observe));
	assert_true(observe_is_alive(&without));
	assert_true(observe_age_ns(&observe) < 10000000000ull);
	kill(pid, SIGKILL);
	while (observe_is_alive(&observe))
		usleep(1000);
	assert_false(observe_is_alive(&without));
	assert_int_equal(observe_rss(&observe), 0);
	assert_null(observe_command(&observe));
	assert_int_equal(observe_maps(&observe, &part), 0);
	assert_false(observe_memory(&observe, 1, &memory));
	waitpid(pid, &status, 0);
	assert_false(observe_is_alive(&observe));
	assert_false(observe_is_alive(&without));
	observe_close(&observe);
}

/* The letter of its first thread. */
static char state_of(pid_t pid)
{
	char path[64], text[512] = "", *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		abort();
	fclose(file);
	at = strrchr(text, ')');
	return at ? at[2] : 0;
}

static void *outlive(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

/* A process whose first thread has ended lives on, and what it maps is seen through another. */
static void test_first_thread_ends(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct capture_memory memory;
	struct observe_part part;
	struct observe observe;
	struct stat file;
	char letter = 0;
	void *mapped;
	pid_t pid;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	assert_int_equal(fstat(fd, &file), 0);
	part = (struct observe_part){file.st_dev, file.st_ino, 0, 4096};
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, outlive, NULL);
		pthread_exit(NULL);
	}
	observe_open(&observe, pid);
	while (letter != 'Z') {
		letter = state_of(pid);
		usleep(1000);
	}
	assert_true(observe_is_alive(&observe));
	assert_int_equal(observe_maps(&observe, &part), 1);
	part.inode++;
	assert_int_equal(observe_maps(&observe, &part), 0);
	assert_true(observe_rss(&observe) > 0);
	assert_true(observe_memory(&observe, 1, &memory));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(observe_maps(&observe, &part), 0);
	assert_int_equal(observe_rss(&observe), 0);
	observe_close(&observe);
	munmap(mapped, 4096);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smaps),
		cmocka_unit_test(test_smaps_broken),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_zombie),
		cmocka_unit_test(test_first_thread_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
