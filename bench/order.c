/*
 * What it costs to order the events of several threads, without anything else: each thread writes
 * records of two words. Four ways:
 *
 *   turn    a shared word names who writes; another thread takes over with a compare-and-swap
 *   ticket  fetch-and-add on a shared counter per record
 *   tsc     the time-stamp counter per record (x86-64), fenced so that it cannot move
 *   shared  one ring for all, space taken with fetch-and-add
 *
 * and two workloads: threads that run one at a time, in bursts (the GIL), and threads that run
 * freely.
 *
 * cc -O2 -pthread bench/order.c -o order && ./order
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RING_WORDS   65536u
#define RECORDS      80000000u
#define BURST        20000u
#define THREADS_MOST 4

enum way {
	TURN,
	TICKET,
	TSC,
	SHARED,
	WAYS,
};

static const char *const way_names[] = {"turn", "ticket", "tsc", "shared"};

static _Alignas(64) _Atomic uint64_t turn;
static _Alignas(64) _Atomic uint64_t counter;
static _Alignas(64) _Atomic uint64_t shared_head;
static uint64_t shared_ring[RING_WORDS];
static pthread_mutex_t gil = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;

struct writer {
	_Alignas(64) _Atomic uint64_t head;
	uint64_t ring[RING_WORDS];
	pthread_t thread;
	enum way way;
	unsigned slot;
	unsigned records;
	int bursts;
};

static struct writer writers[THREADS_MOST];

static inline void put(struct writer *w, uint64_t *head, uint64_t word)
{
	w->ring[(*head)++ & (RING_WORDS - 1)] = word;
}

static inline uint64_t time_stamp(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
#else
	uint64_t value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value));
	return value;
#endif
}

static inline void record(struct writer *w, enum way way, uint64_t i)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_relaxed);
	uint64_t now, place;

	switch (way) {
	case TURN:
		now = atomic_load_explicit(&turn, memory_order_acquire);
		if (__builtin_expect((now & 0xffff) != w->slot, 0)) {
			do
				place = ((now >> 16) + 1) << 16 | w->slot;
			while (!atomic_compare_exchange_weak(&turn, &now, place));
			put(w, &head, place);
		}
		break;
	case TICKET:
		put(w, &head, atomic_fetch_add(&counter, 1));
		break;
	case TSC:
		put(w, &head, time_stamp());
		break;
	default:
		place = atomic_fetch_add(&shared_head, 2);
		shared_ring[place & (RING_WORDS - 1)] = i;
		atomic_store_explicit(
			(_Atomic uint64_t *)&shared_ring[(place + 1) & (RING_WORDS - 1)], i,
			memory_order_release);
		return;
	}
	put(w, &head, i);
	put(w, &head, i);
	atomic_store_explicit(&w->head, head, memory_order_release);
}

#define RUN(way)                                 \
	case way:                                \
		for (unsigned i = 0; i < n; i++) \
			record(w, way, i);       \
		break

static void run(struct writer *w, unsigned n)
{
	switch (w->way) {
		RUN(TURN);
		RUN(TICKET);
		RUN(TSC);
	default:
		for (unsigned i = 0; i < n; i++)
			record(w, SHARED, i);
	}
}

static void *write_all(void *argument)
{
	struct writer *w = argument;

	pthread_barrier_wait(&start);
	if (!w->bursts) {
		run(w, w->records);
		return NULL;
	}
	for (unsigned done = 0; done < w->records; done += BURST) {
		pthread_mutex_lock(&gil);
		run(w, BURST);
		pthread_mutex_unlock(&gil);
	}
	return NULL;
}

static double measure(enum way way, int threads, int bursts)
{
	struct timespec from, to;

	pthread_barrier_init(&start, NULL, (unsigned)threads);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads; i++) {
		writers[i].way = way;
		writers[i].slot = (unsigned)i + 1;
		writers[i].records = RECORDS / (unsigned)threads;
		writers[i].bursts = bursts;
		pthread_create(&writers[i].thread, NULL, write_all, &writers[i]);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(writers[i].thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	pthread_barrier_destroy(&start);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       RECORDS;
}

int main(void)
{
	printf("ns per record, wall time, best of 3\n%-8s", "");
	for (int threads = 1; threads <= THREADS_MOST; threads *= 2)
		printf("  gil x%d  free x%d", threads, threads);
	printf("\n");
	for (enum way way = TURN; way < WAYS; way++) {
		printf("%-8s", way_names[way]);
		for (int threads = 1; threads <= THREADS_MOST; threads *= 2) {
			for (int free_running = 0; free_running < 2; free_running++) {
				double best = 1e9;

				for (int round = 0; round < 3; round++) {
					double ns = measure(way, threads, !free_running);

					best = ns < best ? ns : best;
				}
				printf(" %7.2f", best);
			}
		}
		printf("\n");
	}
	return 0;
}
