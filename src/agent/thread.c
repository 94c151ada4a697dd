#include <sys/mman.h>

#include "agent/agent.h"
#include "agent/sample.h"
#include "agent/sys.h"

__thread struct thread *agent_thread __attribute__((tls_model("initial-exec")));

/* One per slot; pages appear when a slot is first used, and stay for its next user. */
static struct thread threads[WIRE_THREAD_MAX] __attribute__((aligned(64)));

static struct thread *thread_begin(uint32_t slot, uint32_t tid)
{
	struct thread *t = &threads[slot];
	struct wire_thread *shared = &wire_threads(agent.area)[slot];
	struct stack_level *levels = t->levels;
	uintptr_t *fresh = t->fresh;
	uint32_t high = atomic_load_explicit(&agent.area->thread_high, memory_order_relaxed);

	*t = (struct thread){.levels = levels, .fresh = fresh, .slot = slot, .shared = shared};
	t->ring = wire_ring(agent.area, slot);
	t->head = atomic_load_explicit(&shared->head, memory_order_relaxed);
	t->limit = t->head;
	sample_begin(t, (uint64_t)tid << 32 ^ (uint64_t)(uintptr_t)agent.area ^ t->head);
	atomic_store_explicit(&shared->tid, tid, memory_order_release);
	while (high <= slot &&
	       !atomic_compare_exchange_weak(&agent.area->thread_high, &high, slot + 1))
		;
	agent_thread = t;
	return t;
}

struct thread *thread_register(void)
{
	struct wire_thread *shared = wire_threads(agent.area);
	uint32_t tid = (uint32_t)sys_gettid();

	for (uint32_t slot = 0; slot < WIRE_THREAD_MAX; slot++) {
		uint32_t expected = WIRE_THREAD_FREE;

		if (atomic_load_explicit(&shared[slot].state, memory_order_acquire) ==
			    WIRE_THREAD_FREE &&
		    atomic_compare_exchange_strong(&shared[slot].state, &expected,
						   WIRE_THREAD_USED))
			return thread_begin(slot, tid);
	}
	atomic_fetch_add_explicit(&agent.area->lost_threads, 1, memory_order_relaxed);
	return NULL;
}
