#include "agent/sample.h"

#include "agent/index.h"

#define FILTER_SIZE 65536u
#define BUCKETS     (1u << 16)
#define BUCKET_SIZE 8u

static _Atomic uint16_t filter[FILTER_SIZE]; /* sampled live blocks per hash */
static _Atomic uintptr_t table[BUCKETS][BUCKET_SIZE] __attribute__((aligned(64)));

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016). */
static uint64_t random_next(struct thread *t)
{
	t->random ^= t->random >> 12;
	t->random ^= t->random << 25;
	t->random ^= t->random >> 27;
	return t->random * 0x2545f4914f6cdd1dull;
}

/* -ln(u) for u uniform in (0, 1], from 53 random bits. With u = m * 2^-e, m in [1, 2):
 * ln(m) = 2 artanh((m-1)/(m+1)), whose series up to the 15th power is right to 1e-9 here. */
static double exponential(uint64_t bits)
{
	union {
		double value;
		uint64_t bits;
	} u = {.value = (double)((bits >> 11) + 1) * 0x1p-53};
	int exponent = (int)(u.bits >> 52) - 1023;
	double s, s2;

	u.bits = (u.bits & ((1ull << 52) - 1)) | 1023ull << 52;
	s = (u.value - 1) / (u.value + 1);
	s2 = s * s;
	s *= 2 *
	     (1 + s2 * (1.0 / 3 +
			s2 * (1.0 / 5 +
			      s2 * (1.0 / 7 +
				    s2 * (1.0 / 9 +
					  s2 * (1.0 / 11 + s2 * (1.0 / 13 + s2 * (1.0 / 15))))))));
	return -(exponent * 0.693147180559945309 + s);
}

void sample_next(struct thread *t)
{
	double distance = exponential(random_next(t)) * (double)agent.sample_rate_bytes;

	/* A block is hit when it reaches to or beyond the point: distances are at least one byte.
	 */
	t->sample_left_bytes = distance < 0x1p62 ? (int64_t)distance + 1 : INT64_MAX;
}

void sample_begin(struct thread *t, uint64_t seed)
{
	if (!agent.sample_rate_bytes)
		return;
	t->random = index_mix(seed) | 1;
	sample_next(t);
}

/* An address may stand in either of two buckets. */
static _Atomic uintptr_t *bucket_of(uint64_t hash, int choice)
{
	return table[(choice ? hash >> 16 : hash) & (BUCKETS - 1)];
}

/* Puts `to` where `from` stands. */
static bool bucket_replace(_Atomic uintptr_t *bucket, uintptr_t from, uintptr_t to)
{
	for (uint32_t i = 0; i < BUCKET_SIZE; i++) {
		uintptr_t expected = from;

		if (atomic_load_explicit(&bucket[i], memory_order_relaxed) == from &&
		    atomic_compare_exchange_strong(&bucket[i], &expected, to))
			return true;
	}
	return false;
}

bool sample_remember(uintptr_t address)
{
	uint64_t hash = index_mix(address);

	if (!bucket_replace(bucket_of(hash, 0), 0, address) &&
	    !bucket_replace(bucket_of(hash, 1), 0, address))
		return false;
	atomic_fetch_add_explicit(&filter[hash >> 48], 1, memory_order_relaxed);
	return true;
}

bool sample_forget(uintptr_t address)
{
	uint64_t hash = index_mix(address);

	if (LIKELY(!atomic_load_explicit(&filter[hash >> 48], memory_order_relaxed)))
		return false;
	if (!bucket_replace(bucket_of(hash, 0), address, 0) &&
	    !bucket_replace(bucket_of(hash, 1), address, 0))
		return false;
	atomic_fetch_sub_explicit(&filter[hash >> 48], 1, memory_order_relaxed);
	return true;
}
