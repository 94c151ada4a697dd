#include "agent/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What the rest of the agent would do, as far as a ring needs it. */
struct agent agent;
struct agent_page agent_page;
__thread struct thread *agent_thread;
static enum wire_stop stopped;

uint32_t stack_capture(struct thread *t)
{
	(void)t;
	return WIRE_NODE_EMPTY;
}

void agent_stop(enum wire_stop why)
{
	stopped = why;
	atomic_store(&agent_page.state, AGENT_OFF);
}

struct thread *thread_register(void)
{
	return NULL;
}

void python_check_start(void) {}

void sample_next(struct thread *t)
{
	(void)t;
}

bool sample_remember(uintptr_t address)
{
	return address != 0;
}

bool sample_forget(uintptr_t address)
{
	return address != 0;
}

static void *zeroed(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static int begin(void **state)
{
	static struct thread t;

	memset(&agent, 0, sizeof(agent));
	agent.session = zeroed(WIRE_SESSION_BYTES);
	agent.area = zeroed(WIRE_AREA_BYTES);
	agent.session->collector_pid = (uint32_t)getpid();
	t = (struct thread){.slot = 3, .ring = wire_ring(agent.area, 3)};
	t.shared = &wire_threads(agent.area)[3];
	atomic_store(&agent_page.state, AGENT_ON);
	stopped = WIRE_STOP_NONE;
	*state = &t;
	return 0;
}

static int end(void **state)
{
	(void)state;
	munmap(agent.session, WIRE_SESSION_BYTES);
	munmap(agent.area, WIRE_AREA_BYTES);
	return 0;
}

/* Others take the turn and time goes on: the next record of this thread needs both words again. */
static void disturb(void)
{
	atomic_fetch_add(&agent.area->turn, 1 << 16 | 1);
	atomic_fetch_add(&agent.session->clock_ns, 1 << 20);
}

static void test_longest_hook_fits(void **state)
{
	struct thread *t = *state;
	unsigned most = 0;

	/* Wherever the ring ends. */
	for (uint64_t free = 0; free <= 2 * RING_HOOK_WORDS; free++) {
		uint64_t from = WIRE_RING_WORDS - free;
		bool announced;

		agent.drop = true;
		t->head = t->limit = from;
		atomic_store(&t->shared->head, from);
		disturb();
		announced = emit_unmap_begin(t, t, 4096);
		disturb();
		emit_unmap_end(t, announced, true);
		disturb();
		if (announced)
			emit_map(t, true, WIRE_MREMAP, t, 8192);
		assert_true(t->head <= WIRE_RING_WORDS);
		assert_int_equal(announced, free >= RING_HOOK_WORDS);
		if (t->head - from > most)
			most = (unsigned)(t->head - from);
	}
	assert_int_equal(most, RING_HOOK_WORDS);
	assert_int_equal(atomic_load(&t->shared->lost[WIRE_LOST_FULL]), RING_HOOK_WORDS);
}

static void test_full_ring_drops(void **state)
{
	struct thread *t = *state;

	agent.drop = true;
	for (unsigned i = 0; i < WIRE_RING_WORDS; i++)
		emit_free(t, t);
	assert_true(t->head <= WIRE_RING_WORDS && t->head > WIRE_RING_WORDS - RING_HOOK_WORDS);
	/* One ticket, and a word for each that got in. */
	assert_int_equal(t->head - 1 + atomic_load(&t->shared->lost[WIRE_LOST_FULL]),
			 WIRE_RING_WORDS);
	atomic_store(&t->shared->tail, t->head);
	emit_free(t, t);
	assert_int_equal(atomic_load(&t->shared->head), t->head);
}

static void test_dead_collector_ends_it(void **state)
{
	struct thread *t = *state;
	pid_t dead = fork();

	if (dead == 0)
		_exit(0);
	waitpid(dead, NULL, 0);
	agent.session->collector_pid = (uint32_t)dead;
	for (unsigned i = 0; i < WIRE_RING_WORDS; i++)
		emit_free(t, t);
	assert_int_equal(stopped, WIRE_STOP_COLLECTOR);
}

/* A collector that leaves: nobody waits for it, and nothing counts as lost. */
static void test_dismissed(void **state)
{
	struct thread *t = *state;

	atomic_store(&agent.session->collector_pid, 0);
	emit_free(t, t);
	assert_int_equal(stopped, WIRE_STOP_COLLECTOR);
	assert_int_equal(t->head, 0);
	assert_int_equal(atomic_load(&t->shared->lost[WIRE_LOST_FULL]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_longest_hook_fits, begin, end),
		cmocka_unit_test_setup_teardown(test_full_ring_drops, begin, end),
		cmocka_unit_test_setup_teardown(test_dead_collector_ends_it, begin, end),
		cmocka_unit_test_setup_teardown(test_dismissed, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
