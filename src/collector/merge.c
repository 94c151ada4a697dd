#include "collector/merge.h"

#include <string.h>

/* The thread sees its tail move at least this often: waiting threads go on early, and the line that
 * both sides use is not written for every short run. */
#define MERGE_PUBLISH_WORDS 1024u

#define MERGE_SLOT_BITS 16u
#define MERGE_SLOT_MASK ((1u << MERGE_SLOT_BITS) - 1)

_Static_assert(WIRE_THREAD_MAX <= MERGE_SLOT_MASK + 1, "a slot fits its bits");

/* Positions of one ring are never further apart than the ring is long, even when they wrap. */
static bool merge_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

void merge_init(struct merge *merge, struct wire_area *area)
{
	memset(merge, 0, sizeof(*merge));
	merge->area = area;
	merge->threads = wire_threads(area);
}

static void merge_publish(struct merge *merge, unsigned slot)
{
	struct merge_ring *ring = &merge->rings[slot];

	if (ring->published != ring->tail) {
		ring->published = ring->tail;
		atomic_store_explicit(&merge->threads[slot].tail, ring->tail, memory_order_release);
	}
}

static unsigned merge_high(const struct merge *merge)
{
	unsigned high = atomic_load_explicit(&merge->area->thread_high, memory_order_acquire);

	return high < WIRE_THREAD_MAX ? high : WIRE_THREAD_MAX;
}

static uint64_t merge_head(const struct merge *merge, unsigned slot)
{
	return atomic_load_explicit(&merge->threads[slot].head, memory_order_acquire);
}

static void merge_look_first(struct merge *merge)
{
	for (unsigned slot = 0; slot < merge->high; slot++) {
		struct merge_ring *ring = &merge->rings[slot];
		uint64_t head = merge_head(merge, slot);

		if (head - ring->tail > WIRE_RING_WORDS) {
			ring->tail = head;
			merge_publish(merge, slot);
			merge->damage++;
		}
		ring->first = head;
		merge->left += ring->tail != head;
	}
}

/* The ticket of a ring's next record, as the heap orders it. */
static uint64_t merge_key(struct merge *merge, unsigned slot)
{
	struct merge_ring *ring = &merge->rings[slot];
	uint64_t word = merge_word(wire_ring(merge->area, slot), ring->tail);

	if (word >> WIRE_KIND_SHIFT == WIRE_TICKET)
		ring->ticket = word & WIRE_VALUE_MASK;
	return ring->ticket << MERGE_SLOT_BITS | slot;
}

/* Lets the entry at `i` sink to where none below it is lower. */
static void merge_sink(struct merge *merge, unsigned i)
{
	uint64_t key = merge->heap[i];
	unsigned child;

	while ((child = 2 * i + 1) < merge->count) {
		if (child + 1 < merge->count && merge->heap[child + 1] < merge->heap[child])
			child++;
		if (merge->heap[child] >= key)
			break;
		merge->heap[i] = merge->heap[child];
		i = child;
	}
	merge->heap[i] = key;
}

static void merge_look_second(struct merge *merge)
{
	unsigned high = merge_high(merge);

	if (high < merge->high)
		high = merge->high;
	for (unsigned slot = 0; slot < high; slot++) {
		struct merge_ring *ring = &merge->rings[slot];

		if (slot >= merge->high)
			ring->first = ring->tail;
		ring->second = merge_head(merge, slot);
		if (ring->second - ring->tail > WIRE_RING_WORDS ||
		    merge_before(ring->second, ring->first))
			ring->second = ring->first;
		if (ring->second != ring->tail)
			merge->heap[merge->count++] = merge_key(merge, slot);
	}
	merge->high = high;
	for (unsigned i = merge->count / 2; i-- > 0;)
		merge_sink(merge, i);
}

bool merge_look(struct merge *merge)
{
	merge->high = merge_high(merge);
	merge->left = 0;
	merge->count = 0;
	merge_look_first(merge);
	if (!merge->left)
		return false;
	merge_look_second(merge);
	return true;
}

bool merge_next(struct merge *merge, struct merge_run *run)
{
	struct merge_ring *ring;
	unsigned slot, others;

	if (!merge->left)
		return false;
	slot = merge->heap[0] & MERGE_SLOT_MASK;
	ring = &merge->rings[slot];
	others = merge->left - merge_before(ring->tail, ring->first);
	run->slot = slot;
	run->ring = wire_ring(merge->area, slot);
	run->from = ring->tail;
	run->limit = others ? ring->second : ring->first;
	return true;
}

void merge_consumed(struct merge *merge, uint64_t position)
{
	unsigned slot = merge->heap[0] & MERGE_SLOT_MASK;
	struct merge_ring *ring = &merge->rings[slot];

	merge->left -=
		merge_before(ring->tail, ring->first) && !merge_before(position, ring->first);
	ring->tail = position;
	if (merge_before(position, ring->second))
		merge->heap[0] = merge_key(merge, slot);
	else
		merge->heap[0] = merge->heap[--merge->count];
	merge_sink(merge, 0);
	if (!merge->left) {
		for (unsigned i = 0; i < merge->high; i++)
			merge_publish(merge, i);
	} else if (position - ring->published >= MERGE_PUBLISH_WORDS || position == ring->second) {
		merge_publish(merge, slot);
	}
}

uint64_t merge_backlog(const struct merge *merge)
{
	unsigned high = merge_high(merge);
	uint64_t most = 0;

	for (unsigned slot = 0; slot < high; slot++) {
		uint64_t waiting = merge_head(merge, slot) - merge->rings[slot].tail;

		if (waiting > most)
			most = waiting;
	}
	return most;
}
