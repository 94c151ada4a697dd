#pragma once

#include "agent/agent.h"
#include "agent/python.h"
#include "agent/ring.h"
#include "agent/sample.h"
#include "agent/stack.h"

/*
 * From hook to ring. A hook enters, calls the real function, emits and leaves:
 *
 *   1. Between enter and leave no other event of this thread is recorded.
 *   2. An allocation is emitted after the real call, a release before it. What may still fail after
 *      it was announced gets a second record, for which room was made with the first.
 *   3. Nothing here changes errno.
 */

/* Events that may not be recorded: by a signal handler in the middle of a hook (lost), or by an
 * allocator inside itself (not ours to count). */
COLD void emit_nested(struct thread *t);

/* NULL: this call is not recorded. */
static inline struct thread *emit_enter(void)
{
	uint32_t state = atomic_load_explicit(&agent_page.state, memory_order_acquire);
	struct thread *t;

	if (UNLIKELY(state != AGENT_ON)) {
		if (state == AGENT_OFF)
			return NULL;
		python_check_start();
		if (atomic_load_explicit(&agent_page.state, memory_order_acquire) != AGENT_ON)
			return NULL;
	}
	if (UNLIKELY(*agent.finalizing)) {
		agent_stop(WIRE_STOP_FINISHED);
		return NULL;
	}
	t = thread_get();
	if (UNLIKELY(!t))
		return NULL;
	if (UNLIKELY(t->busy)) {
		emit_nested(t);
		return NULL;
	}
	t->busy = agent.calling;
	return t;
}

static inline void emit_leave(struct thread *t)
{
	t->busy = BUSY_IDLE;
}

static inline void emit_word(struct thread *t, enum wire_kind kind, unsigned detail, uint64_t value)
{
	ring_begin(t);
	ring_put(t, wire_word(kind, detail, value));
	ring_publish(t);
}

static inline void emit_block(struct thread *t, enum wire_allocator allocator, const void *block,
			      size_t bytes)
{
	uint32_t node = stack_capture(t);

	ring_begin(t);
	if (LIKELY(bytes <= UINT32_MAX)) {
		ring_put(t, wire_word(WIRE_ALLOC, allocator, (uintptr_t)block));
		ring_put(t, (uint64_t)bytes << 32 | node);
	} else {
		ring_put(t, wire_word(WIRE_ALLOC_LARGE, allocator, (uintptr_t)block));
		ring_put(t, node);
		ring_put(t, bytes);
	}
	ring_publish(t);
}

/* Whether a block of this size is to be recorded, and can be. */
static inline bool emit_wants(struct thread *t, const void *block, size_t bytes)
{
	if (LIKELY(!agent.sample_rate_bytes))
		return true;
	if (!sample_hits(t, bytes))
		return false;
	if (sample_remember((uintptr_t)block))
		return true;
	ring_count_lost(t, WIRE_LOST_SAMPLED);
	return false;
}

/* After the real allocation. block may be NULL: then nothing happened. */
static inline void emit_alloc(struct thread *t, enum wire_allocator allocator, const void *block,
			      size_t bytes)
{
	if (!block || !emit_wants(t, block, bytes))
		return;
	t->busy = BUSY_EMITTING;
	if (ring_room(t))
		emit_block(t, allocator, block, bytes);
}

/* Before the real release of a block that is not NULL. */
static inline void emit_free(struct thread *t, const void *block)
{
	uint32_t calling = t->busy;

	if (agent.sample_rate_bytes && !sample_forget((uintptr_t)block))
		return;
	t->busy = BUSY_EMITTING;
	if (ring_room(t))
		emit_word(t, WIRE_FREE, 0, (uintptr_t)block);
	t->busy = calling;
}

/* free() where emit_enter said no: an allocator may release what it got before it was entered, as
 * tracemalloc does with its traces. */
COLD void emit_free_inside(const void *block);

/* Before a realloc of `old`. True: it is announced, and emit_realloc_end must decide it. */
static inline bool emit_realloc_begin(struct thread *t, const void *old)
{
	uint32_t calling = t->busy;
	bool announced;

	if (!old || (agent.sample_rate_bytes && !sample_forget((uintptr_t)old)))
		return false;
	t->busy = BUSY_EMITTING;
	announced = ring_room(t);
	if (announced)
		emit_word(t, WIRE_REALLOC_BEGIN, 0, (uintptr_t)old);
	t->busy = calling;
	return announced;
}

static inline void emit_realloc_end(struct thread *t, bool announced, enum wire_allocator allocator,
				    const void *old, const void *block, size_t bytes)
{
	t->busy = BUSY_EMITTING;
	if (!block) {
		if (announced && bytes && agent.sample_rate_bytes)
			sample_remember((uintptr_t)old);
		if (announced)
			emit_word(t, bytes ? WIRE_REALLOC_FAILED : WIRE_REALLOC_FREED, 0, 0);
	} else if (!emit_wants(t, block, bytes)) {
		if (announced)
			emit_word(t, WIRE_REALLOC_FREED, 0, 0);
	} else if (announced || ring_room(t)) {
		emit_block(t, allocator, block, bytes);
	}
}

/* After memory was mapped, or the break was raised. */
static inline void emit_map(struct thread *t, bool announced, enum wire_allocator allocator,
			    const void *address, size_t bytes)
{
	uint32_t node;

	t->busy = BUSY_EMITTING;
	if (!announced && !ring_room(t))
		return;
	node = stack_capture(t);
	ring_begin(t);
	ring_put(t, wire_word(WIRE_MAP, allocator, (uintptr_t)address));
	ring_put(t, node);
	ring_put(t, bytes);
	ring_publish(t);
}

/* Before memory is unmapped. True: announced, and emit_unmap_end must decide it. */
static inline bool emit_unmap_begin(struct thread *t, const void *address, size_t bytes)
{
	uint32_t calling = t->busy;
	bool announced;

	t->busy = BUSY_EMITTING;
	announced = ring_room(t);
	if (announced) {
		ring_begin(t);
		ring_put(t, wire_word(WIRE_UNMAP_BEGIN, 0, (uintptr_t)address));
		ring_put(t, bytes);
		ring_publish(t);
	}
	t->busy = calling;
	return announced;
}

static inline void emit_unmap_end(struct thread *t, bool announced, bool gone)
{
	t->busy = BUSY_EMITTING;
	if (announced)
		emit_word(t, WIRE_UNMAP_END, gone, 0);
}

/* name: at most 15 bytes and a terminator count. */
void emit_thread_name(struct thread *t, const char *name);
