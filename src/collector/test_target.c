#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/producer.h"

/* A target for the tests of recording: it plays a program and its agent at once. */

static struct wire_session *session;
static struct wire_area *area;
static const char *self;

static uint32_t self_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static void nap(unsigned milliseconds)
{
	usleep(milliseconds * 1000);
}

static void find_python(void)
{
	area->layout_linetable = 0;
	area->python_version = 0x030c01f0;
	memcpy(area->python_allocator, "pymalloc", sizeof("pymalloc"));
}

static void begin_early(struct producer *producer)
{
	area = producer_join(&session, true);
	if (!area)
		_exit(99);
	if (!producer_begin(producer, session, area, self_tid()))
		_exit(98);
}

static void begin(struct producer *producer)
{
	begin_early(producer);
	find_python();
}

/* Allocates before it is known which Python this is. */
static int run_early(unsigned unused)
{
	struct producer producer;

	(void)unused;
	begin_early(&producer);
	for (uint64_t i = 1; i <= 30; i++) {
		producer_alloc(&producer, WIRE_MALLOC, i * 16, 1, WIRE_NODE_EMPTY);
		nap(1);
	}
	find_python();
	nap(20);
	return 0;
}

/* 1,000 blocks of 100 bytes in one place, every second of them released. */
static int run_simple(unsigned unused)
{
	(void)unused;
	struct producer producer;
	uint32_t node, code;

	begin(&producer);
	code = producer_code(area, "main", "main.py", 7, "", 0);
	node = producer_node(area, WIRE_NODE_EMPTY, code, 0);
	for (uint64_t i = 1; i <= 1000; i++)
		producer_alloc(&producer, WIRE_MALLOC, i * 16, 100, node);
	for (uint64_t i = 1; i <= 1000; i += 2)
		producer_free(&producer, i * 16);
	return 3;
}

static int run_kill(unsigned unused)
{
	(void)unused;
	run_simple(0);
	kill(getpid(), SIGKILL);
	return 0;
}

static int run_exec(unsigned times)
{
	struct producer producer;
	char left[16];

	begin(&producer);
	for (uint64_t i = 1; i <= 10; i++)
		producer_alloc(&producer, WIRE_CALLOC, i * 16, 1, WIRE_NODE_EMPTY);
	snprintf(left, sizeof(left), "%u", times - 1);
	if (times > 1)
		execl(self, self, "exec", left, NULL);
	else
		execl(self, self, "simple", NULL);
	return 97;
}

/* Several at once that run one program after the other. */
static int run_crowd(unsigned count)
{
	int status;

	while (count--) {
		if (fork() == 0)
			_exit(run_exec(30));
	}
	while (wait(&status) > 0)
		;
	return 0;
}

/* The child outlives the parent, and records on. */
static int run_fork(unsigned unused)
{
	(void)unused;
	if (fork() == 0) {
		struct producer producer;

		begin(&producer);
		for (uint64_t i = 1; i <= 50; i++) {
			producer_alloc(&producer, WIRE_MALLOC, i * 16, 10, WIRE_NODE_EMPTY);
			nap(6);
		}
		_exit(0);
	}
	nap(50); /* until the child is in the session */
	return run_simple(0);
}

/* The child outlives the parent, tells sonde to end, and records until sonde wants no more. */
static int run_leave(unsigned number)
{
	pid_t parent = getpid();
	int status = number ? (int)number : 4;

	if (fork() == 0) {
		struct producer producer;
		pid_t sonde;

		begin(&producer);
		sonde = (pid_t)atomic_load(&session->collector_pid);
		producer_alloc(&producer, WIRE_MALLOC, 16, 10, WIRE_NODE_EMPTY);
		while (getppid() == parent)
			nap(1);
		nap(1200);
		kill(sonde, SIGTERM);
		for (int i = 0; i < 5000 && atomic_load(&session->collector_pid); i++)
			nap(1);
		_exit(0);
	}
	nap(50); /* until the child is in the session */
	return status;
}

static void *run_thread(void *name)
{
	struct producer producer;

	if (!producer_begin(&producer, session, area, self_tid()))
		return NULL;
	if (name) {
		prctl(PR_SET_NAME, name);
		producer_name(&producer, name);
	}
	for (uint64_t i = 1; i <= 10; i++) {
		uint64_t address = (uint64_t)producer.slot << 16 | i * 16;

		producer_alloc(&producer, WIRE_MALLOC, address, 10, WIRE_NODE_EMPTY);
		producer_free(&producer, address);
	}
	return NULL;
}

static void run_threads_of(unsigned count, const char *name)
{
	while (count--) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, run_thread, (void *)(uintptr_t)name) == 0)
			pthread_join(thread, NULL);
	}
}

/* One after the other: many more than there are slots. */
static int run_threads(unsigned count)
{
	struct producer producer;

	begin(&producer);
	run_threads_of(count, NULL);
	run_threads_of(1, "worker");
	return 0;
}

static int run_sleep(unsigned milliseconds)
{
	struct producer producer;

	begin(&producer);
	producer_alloc(&producer, WIRE_MALLOC, 16, 1, WIRE_NODE_EMPTY);
	nap(milliseconds);
	return 0;
}

/* Without end, 10 events a millisecond. */
static int run_forever(unsigned unused)
{
	(void)unused;
	struct producer producer;

	begin(&producer);
	for (uint64_t i = 1;; i++) {
		producer_alloc(&producer, WIRE_MALLOC, i * 16, 10, WIRE_NODE_EMPTY);
		if (i % 10 == 0)
			nap(1);
		if (!i)
			return 0;
	}
}

/* What does not compress: count blocks of random sizes at random places. */
static int run_random(unsigned count)
{
	struct producer producer;
	uint64_t random = 88172645463325252ull;

	begin(&producer);
	while (count--) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		producer_alloc(&producer, WIRE_MALLOC, random >> 16 & ~15ull, random & 0xfffff,
			       WIRE_NODE_EMPTY);
	}
	return 5;
}

/* As fast as it goes: allocates and releases; tells how long an event took. */
static int run_loop(unsigned count)
{
	struct producer producer;
	struct timespec from, to;

	begin(&producer);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint64_t i = 0; i < count; i++) {
		producer_alloc(&producer, WIRE_MALLOC, (i & 15) * 1024 + 16, 1000, WIRE_NODE_EMPTY);
		producer_free(&producer, (i & 15) * 1024 + 16);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%.1f ns an event\n",
	       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
		       (2.0 * count));
	return 0;
}

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
	(void)number;
	terminated++;
}

static int run_signal(unsigned unused)
{
	(void)unused;
	struct producer producer;

	signal(SIGTERM, on_terminate);
	begin(&producer);
	producer_alloc(&producer, WIRE_MALLOC, 16, 1, WIRE_NODE_EMPTY);
	for (int i = 0; i < 5000 && !terminated; i++)
		nap(1);
	producer_alloc(&producer, WIRE_MALLOC, 32, 1, WIRE_NODE_EMPTY);
	nap(50);
	return terminated == 1 ? 7 : 8;
}

/* Stops by itself, as an agent does when the user's code has ended. */
static int stop(enum wire_stop why)
{
	struct producer producer;

	begin(&producer);
	producer_alloc(&producer, WIRE_MALLOC, 16, 1, WIRE_NODE_EMPTY);
	producer_done(session, area, why);
	nap(30);
	return 0;
}

static int run_finished(unsigned unused)
{
	(void)unused;
	return stop(WIRE_STOP_FINISHED);
}

static int run_gave_up(unsigned unused)
{
	(void)unused;
	return stop(WIRE_STOP_COLLECTOR);
}

static int run_nothing(unsigned unused)
{
	(void)unused;
	return 42;
}

/* Hides itself from other processes of its user. */
static int run_undumpable(unsigned unused)
{
	struct producer producer;

	(void)unused;
	prctl(PR_SET_DUMPABLE, 0);
	begin(&producer);
	for (uint64_t i = 1; i <= 100; i++) {
		producer_alloc(&producer, WIRE_MALLOC, i * 16, 1, WIRE_NODE_EMPTY);
		nap(1);
	}
	return 0;
}

/* Loads the agent, which nothing ever starts. */
static int run_armed(unsigned unused)
{
	(void)unused;
	area = producer_join(&session, false);
	nap(20);
	return area ? 0 : 99;
}

static void scribble(uint64_t *words, uint64_t count, uint64_t seed)
{
	for (uint64_t i = 0; i < count; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		words[i] = seed;
	}
}

/* Writes nonsense over everything that it shares with sonde. */
static int run_hostile(unsigned unused)
{
	(void)unused;
	struct producer producer;
	uint64_t turn;

	begin(&producer);
	producer_alloc(&producer, WIRE_MALLOC, 16, 1, WIRE_NODE_EMPTY);
	nap(10);
	for (unsigned i = 2; i < WIRE_PROCESS_MAX; i++) {
		atomic_store(&session->process[i].pid, i % 3 ? 1 : i * 1000003u);
		atomic_store(&session->process[i].state, i % 5);
	}
	for (unsigned round = 0; round < 20; round++) {
		scribble((uint64_t *)wire_threads(area), WIRE_THREAD_MAX * 16, round + 1);
		scribble((uint64_t *)wire_codes(area), 4096, round + 2);
		scribble((uint64_t *)wire_nodes(area), 8192, round + 3);
		scribble((uint64_t *)wire_heap(area), 8192, round + 4);
		for (unsigned slot = 0; slot < 8; slot++) {
			scribble(wire_ring(area, slot), WIRE_RING_WORDS, round + slot + 5);
			for (unsigned i = 0; i < WIRE_RING_WORDS; i += 2)
				wire_ring(area, slot)[i] &= 0x0f0f00000000ffffull;
		}
		atomic_store(&area->node_count, UINT32_MAX);
		atomic_store(&area->code_count, UINT32_MAX);
		atomic_store(&area->heap_bytes, UINT64_MAX);
		atomic_store(&area->thread_high, UINT32_MAX);
		area->layout_linetable = round;
		for (unsigned i = 0; i < 500; i++) {
			turn = i % 8;
			atomic_fetch_add(&wire_threads(area)[turn].head, 997 * (i % 70));
		}
		nap(2);
	}
	return 0;
}

/* What a program sees of having been started by sonde. */
static int run_status(const char *path)
{
	FILE *out = fopen(path, "w");
	FILE *in = fopen("/proc/self/status", "r");
	char line[512];

	if (!out || !in)
		return 99;
	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0 ||
		    strncmp(line, "SigCgt", 6) == 0)
			fputs(line, out);
	}
	fprintf(out, "next fd %d\n", dup(0));
	fprintf(out, "preload %s\n", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "");
	fprintf(out, "value %s\n", getenv("TEST_VALUE") ? getenv("TEST_VALUE") : "");
	fclose(in);
	fclose(out);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(unsigned number);
} parts[] = {
	{"early", run_early},     {"crowd", run_crowd},     {"simple", run_simple},
	{"kill", run_kill},       {"exec", run_exec},       {"fork", run_fork},
	{"threads", run_threads}, {"sleep", run_sleep},     {"forever", run_forever},
	{"random", run_random},   {"loop", run_loop},       {"signal", run_signal},
	{"done", run_finished},   {"gave-up", run_gave_up}, {"armed", run_armed},
	{"hostile", run_hostile}, {"nothing", run_nothing}, {"undumpable", run_undumpable},
	{"leave", run_leave},
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	self = argv[0];
	if (strcmp(what, "status") == 0 && argc > 2)
		return run_status(argv[2]);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(what, parts[i].name) == 0)
			return parts[i].run(argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0);
	}
	return 96;
}
