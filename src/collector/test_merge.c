#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/merge.h"
#include "collector/producer.h"

static struct wire_area *area_create(void)
{
	struct wire_area *area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(area, MAP_FAILED);
	atomic_store(&area->node_count, WIRE_NODE_FIRST);
	return area;
}

static void area_destroy(struct wire_area *area)
{
	munmap(area, WIRE_AREA_BYTES);
}

static struct merge *merge_create(struct wire_area *area)
{
	struct merge *merge = malloc(sizeof(*merge));

	assert_non_null(merge);
	merge_init(merge, area);
	return merge;
}

/* The records of a run without its ticket, up to the next one; says where it ended. */
static uint64_t run_each(const struct merge_run *run,
			 void (*visit)(void *data, unsigned slot, uint64_t word), void *data)
{
	uint64_t at = run->from;

	while (at != run->limit) {
		uint64_t word = merge_word(run->ring, at);
		enum wire_kind kind = (enum wire_kind)(word >> WIRE_KIND_SHIFT);

		if (kind == WIRE_TICKET && at != run->from)
			break;
		if (kind != WIRE_TICKET)
			visit(data, run->slot, word);
		at += wire_record_words(kind);
	}
	return at;
}

static bool drain(struct merge *merge, void (*visit)(void *, unsigned, uint64_t), void *data)
{
	struct merge_run run;

	if (!merge_look(merge))
		return false;
	while (merge_next(merge, &run))
		merge_consumed(merge, run_each(&run, visit, data));
	return true;
}

struct seen {
	uint64_t values[64];
	unsigned count;
};

static void see(void *data, unsigned slot, uint64_t word)
{
	struct seen *seen = data;

	(void)slot;
	assert_true(seen->count < 64);
	seen->values[seen->count++] = word & WIRE_VALUE_MASK;
}

/* Runs come in the order in which the turns were taken, whatever slots they are in. */
static void test_order(void **state)
{
	static const unsigned turns[] = {2, 0, 1, 1, 0, 2, 2, 0};
	struct wire_area *area = area_create();
	struct merge *merge = merge_create(area);
	struct producer producers[3];
	struct seen seen = {0};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(producer_begin(&producers[i], NULL, area, 100 + i));
	for (unsigned i = 0; i < 8; i++)
		producer_free(&producers[turns[i]], 16 * (i + 1));
	assert_true(merge_backlog(merge) > 0);
	assert_true(drain(merge, see, &seen));
	assert_int_equal(seen.count, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(seen.values[i], 16 * (i + 1));
	assert_false(drain(merge, see, &seen));
	assert_int_equal(merge_backlog(merge), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(atomic_load(&producers[i].shared->tail), producers[i].head);
	free(merge);
	area_destroy(area);
}

/* A slot that changes hands goes on in its last ticket: the turn does not know the difference. */
static void test_slot_reuse(void **state)
{
	struct wire_area *area = area_create();
	struct merge *merge = merge_create(area);
	struct producer a, b, c;
	struct seen seen = {0};

	(void)state;
	assert_true(producer_begin(&a, NULL, area, 1));
	assert_true(producer_begin(&b, NULL, area, 2));
	producer_free(&a, 16);
	producer_free(&b, 32);
	drain(merge, see, &seen);
	atomic_store(&b.shared->state, WIRE_THREAD_FREE);
	assert_true(producer_begin(&c, NULL, area, 3));
	assert_int_equal(c.slot, b.slot);
	producer_free(&c, 48); /* no ticket of its own */
	producer_free(&a, 64);
	drain(merge, see, &seen);
	assert_int_equal(seen.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(seen.values[i], 16 * (i + 1));
	free(merge);
	area_destroy(area);
}

/* Heads that cannot be: the ring starts again, the others go on, nothing hangs. */
static void test_damage(void **state)
{
	struct wire_area *area = area_create();
	struct merge *merge = merge_create(area);
	struct producer a, b;
	struct seen seen = {0};

	(void)state;
	assert_true(producer_begin(&a, NULL, area, 1));
	assert_true(producer_begin(&b, NULL, area, 2));
	producer_free(&a, 16);
	atomic_store(&b.shared->head, 3 * (uint64_t)WIRE_RING_WORDS);
	atomic_store(&area->thread_high, UINT32_MAX);
	assert_true(drain(merge, see, &seen));
	assert_int_equal(seen.count, 1);
	assert_int_equal(merge->damage, 1);
	assert_int_equal(atomic_load(&b.shared->tail), 3 * (uint64_t)WIRE_RING_WORDS);

	atomic_store(&b.shared->head, 5); /* backwards */
	assert_false(drain(merge, see, &seen));
	assert_int_equal(merge->damage, 2);

	/* Positions that wrap: odd, but whole. */
	atomic_store(&b.shared->head, UINT64_MAX - 2);
	assert_false(drain(merge, see, &seen));
	assert_int_equal(merge->damage, 3);
	b.head = UINT64_MAX - 2;
	for (unsigned i = 0; i < 8; i++)
		producer_free(&b, 16 * (i + 2));
	producer_free(&a, 16 * 10);
	assert_true(drain(merge, see, &seen));
	assert_false(drain(merge, see, &seen));
	assert_int_equal(seen.count, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(seen.values[i], 16 * (i + 1));
	assert_int_equal(merge->damage, 3);
	free(merge);
	area_destroy(area);
}

/*
 * Threads allocate from, release to and reallocate in one small pool, hand blocks to each other,
 * and stumble between looking at the turn and publishing. The reader must never see a block
 * allocated where one lives, or released where none does.
 */
#define WORLD_THREADS   6u
#define WORLD_ADDRESSES 24u
#define WORLD_BOXES     8u
#define WORLD_STEPS     30000u
#define WORLD_GAP       200u /* idle slots between two threads: looks take their time */

struct world {
	struct wire_area *area;
	pthread_mutex_t lock; /* the allocator's */
	uint64_t pool[WORLD_ADDRESSES];
	unsigned pool_count;
	_Atomic uint64_t boxes[WORLD_BOXES]; /* blocks on their way to another thread */
	_Atomic unsigned running;

	/* the reader's */
	bool live[WORLD_ADDRESSES];
	uint64_t undecided[WIRE_THREAD_MAX];
	unsigned long violations, events;
};

struct worker {
	struct world *world;
	struct producer producer;
	uint64_t random;
	uint64_t own[WORLD_ADDRESSES];
	unsigned own_count;
};

static uint32_t worker_random(struct worker *worker, uint32_t limit)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (uint32_t)((worker->random >> 11) % limit);
}

static void worker_pause(void *data)
{
	struct worker *worker = data;
	struct timespec nap = {.tv_nsec = 20000};

	if (worker_random(worker, 16) == 0)
		sched_yield();
	if (worker_random(worker, 1500) == 0)
		nanosleep(&nap, NULL);
}

/* malloc and free of the world: 0 when it is exhausted. */
static uint64_t world_take(struct world *world)
{
	uint64_t address;

	pthread_mutex_lock(&world->lock);
	address = world->pool_count ? world->pool[--world->pool_count] : 0;
	pthread_mutex_unlock(&world->lock);
	return address;
}

static void world_give(struct world *world, uint64_t address)
{
	pthread_mutex_lock(&world->lock);
	world->pool[world->pool_count++] = address;
	pthread_mutex_unlock(&world->lock);
}

static void worker_malloc(struct worker *worker)
{
	uint64_t address = world_take(worker->world);

	if (!address)
		return;
	producer_alloc(&worker->producer, WIRE_MALLOC, address, 100, WIRE_NODE_EMPTY);
	worker->own[worker->own_count++] = address;
}

static void worker_free(struct worker *worker)
{
	uint64_t address = worker->own[--worker->own_count];

	producer_free(&worker->producer, address);
	world_give(worker->world, address);
}

static void worker_realloc(struct worker *worker)
{
	uint64_t old = worker->own[worker->own_count - 1];
	uint64_t address;

	producer_realloc_begin(&worker->producer, old);
	switch (worker_random(worker, 4)) {
	case 0:
		producer_realloc_failed(&worker->producer);
		return;
	case 1: /* in place */
		address = old;
		break;
	default:
		world_give(worker->world, old);
		address = world_take(worker->world);
		if (!address) {
			worker->own_count--;
			producer_realloc_freed(&worker->producer);
			return;
		}
	}
	producer_alloc(&worker->producer, WIRE_REALLOC, address, 200, WIRE_NODE_EMPTY);
	worker->own[worker->own_count - 1] = address;
}

static void worker_swap(struct worker *worker)
{
	_Atomic uint64_t *box = &worker->world->boxes[worker_random(worker, WORLD_BOXES)];
	uint64_t mine = worker->own_count ? worker->own[--worker->own_count] : 0;
	uint64_t theirs = atomic_exchange(box, mine);

	if (theirs)
		worker->own[worker->own_count++] = theirs;
}

static void *worker_run(void *data)
{
	struct worker *worker = data;

	worker->producer.pause = worker_pause;
	worker->producer.pause_data = worker;
	for (unsigned step = 0; step < WORLD_STEPS; step++) {
		unsigned what = worker_random(worker, 8);

		if (what < 3)
			worker_malloc(worker);
		else if (what == 3)
			worker_swap(worker);
		else if (worker->own_count && what < 6)
			worker_free(worker);
		else if (worker->own_count)
			worker_realloc(worker);
	}
	while (worker->own_count)
		worker_free(worker);
	atomic_fetch_sub(&worker->world->running, 1);
	return NULL;
}

static unsigned address_index(uint64_t word)
{
	return (unsigned)((word & WIRE_VALUE_MASK) / 16 - 1);
}

static void world_see(void *data, unsigned slot, uint64_t word)
{
	struct world *world = data;
	unsigned index = address_index(word);

	world->events++;
	switch (word >> WIRE_KIND_SHIFT) {
	case WIRE_ALLOC:
		world->undecided[slot] = 0;
		world->violations += world->live[index];
		world->live[index] = true;
		break;
	case WIRE_FREE:
		world->violations += !world->live[index];
		world->live[index] = false;
		break;
	case WIRE_REALLOC_BEGIN:
		world->violations += !world->live[index];
		world->live[index] = false;
		world->undecided[slot] = word;
		break;
	case WIRE_REALLOC_FAILED:
		index = address_index(world->undecided[slot]);
		world->violations += world->live[index];
		world->live[index] = true;
		break;
	case WIRE_REALLOC_FREED:
		break;
	default:
		world->violations++;
	}
}

static void world_occupy(struct world *world, unsigned count)
{
	struct producer idle;

	for (unsigned i = 0; i < count; i++)
		assert_true(producer_begin(&idle, NULL, world->area, 1000));
}

static void test_causality(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct worker *workers = calloc(WORLD_THREADS, sizeof(*workers));
	pthread_t threads[WORLD_THREADS];
	struct merge *merge;

	(void)state;
	world->area = area_create();
	merge = merge_create(world->area);
	pthread_mutex_init(&world->lock, NULL);
	for (unsigned i = 0; i < WORLD_ADDRESSES; i++)
		world->pool[world->pool_count++] = 16 * (i + 1);
	atomic_store(&world->running, WORLD_THREADS);
	for (unsigned i = 0; i < WORLD_THREADS; i++) {
		workers[i].world = world;
		workers[i].random = 0x9e3779b97f4a7c15ull * (i + 1);
		if (i)
			world_occupy(world, WORLD_GAP);
		assert_true(producer_begin(&workers[i].producer, NULL, world->area, i + 1));
	}
	for (unsigned i = 0; i < WORLD_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
	while (atomic_load(&world->running)) {
		if (!drain(merge, world_see, world))
			sched_yield();
	}
	for (unsigned i = 0; i < WORLD_THREADS; i++)
		pthread_join(threads[i], NULL);
	while (drain(merge, world_see, world))
		;
	for (unsigned i = 0; i < WORLD_BOXES; i++) {
		uint64_t left = atomic_load(&world->boxes[i]);

		if (left)
			assert_true(world->live[left / 16 - 1]);
	}
	print_message("%lu events, %lu violations\n", world->events, world->violations);
	assert_true(world->events > WORLD_THREADS * WORLD_STEPS / 2);
	assert_int_equal(world->violations, 0);
	assert_int_equal(merge->damage, 0);
	pthread_mutex_destroy(&world->lock);
	area_destroy(world->area);
	free(merge);
	free(workers);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_slot_reuse),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_causality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
