#include "capture/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/tally_rows.h"

static uint64_t random_state;

static uint64_t random_below(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * 0x2545f4914f6cdd1dull >> 11) % below;
}

/* The same books kept without any thought: every peak copies all that lives. */
#define MODEL_STACKS     6u
#define MODEL_THREADS    3u
#define MODEL_ALLOCATORS 2u
#define MODEL_ROWS       (MODEL_STACKS * MODEL_THREADS * MODEL_ALLOCATORS)
#define MODEL_SLOTS      64u

struct model {
	struct tally_counts total[MODEL_ROWS], live[MODEL_ROWS], peak[MODEL_ROWS],
		temporary[MODEL_ROWS];
	struct model_block {
		bool used;
		unsigned row;
		uint64_t bytes, clock;
	} blocks[MODEL_SLOTS];
	uint64_t clocks[MODEL_THREADS];
	uint64_t peak_bytes, peak_count, peak_time_ns;
	uint64_t freed_bytes, freed_count;
	uint64_t histogram[65];
};

static unsigned model_row(const struct event *event)
{
	return (event->stack * MODEL_THREADS + event->thread) * MODEL_ALLOCATORS + event->allocator;
}

static void model_event(struct model *m, const struct event *event, uint32_t threshold)
{
	struct model_block *block = &m->blocks[event->slot];
	unsigned row = block->row;
	uint64_t live = 0, count = 0;

	switch (event->kind) {
	case EVENT_ALLOC:
		row = model_row(event);
		*block = (struct model_block){
			.used = true,
			.row = row,
			.bytes = event->bytes,
			.clock = ++m->clocks[event->thread],
		};
		m->total[row].bytes += event->bytes;
		m->total[row].count++;
		m->live[row].bytes += event->bytes;
		m->live[row].count++;
		for (unsigned bits = 0; bits < 65; bits++) {
			if (bits == 64 || event->bytes < 1ull << bits) {
				m->histogram[bits]++;
				break;
			}
		}
		break;
	case EVENT_FREE:
		m->live[row].bytes -= block->bytes;
		m->live[row].count--;
		m->freed_bytes += block->bytes;
		m->freed_count++;
		if (threshold &&
		    m->clocks[row / MODEL_ALLOCATORS % MODEL_THREADS] - block->clock <= threshold) {
			m->temporary[row].bytes += block->bytes;
			m->temporary[row].count++;
		}
		block->used = false;
		break;
	default:
		m->live[row].bytes -= event->bytes;
		block->bytes -= event->bytes;
		m->freed_bytes += event->bytes;
		break;
	}
	for (unsigned i = 0; i < MODEL_ROWS; i++) {
		live += m->live[i].bytes;
		count += m->live[i].count;
	}
	if (live > m->peak_bytes) {
		m->peak_bytes = live;
		m->peak_count = count;
		m->peak_time_ns = event->time_ns;
		memcpy(m->peak, m->live, sizeof(m->peak));
	}
}

static bool random_event(const struct model *m, unsigned of_ten, struct event *event)
{
	uint32_t slot = 1 + (uint32_t)random_below(MODEL_SLOTS - 1);
	const struct model_block *block = &m->blocks[slot];

	*event = (struct event){
		.slot = slot,
		.thread = (thread_id)random_below(MODEL_THREADS),
		.time_ns = event->time_ns + random_below(100),
	};
	if (!block->used) {
		event->kind = EVENT_ALLOC;
		event->stack = (stack_id)random_below(MODEL_STACKS);
		event->allocator = (uint8_t)random_below(MODEL_ALLOCATORS);
		event->bytes = random_below(1ull << random_below(12));
		return random_below(10) < of_ten;
	}
	event->kind = random_below(10) ? EVENT_FREE : EVENT_SHRINK;
	if (event->kind == EVENT_SHRINK)
		event->bytes = random_below(block->bytes + 1);
	return random_below(10) >= of_ten;
}

static void check(struct tally *tally, const struct model *m)
{
	const struct tally_totals *totals = tally_totals(tally);
	const struct tally_row *rows;
	struct tally_counts total = {0}, live = {0}, peak = {0};
	bool seen[MODEL_ROWS] = {false};
	size_t count = tally_settle(tally, &rows);

	for (size_t i = 0; i < count; i++) {
		unsigned row = model_row(&(struct event){
			.stack = rows[i].stack,
			.thread = rows[i].thread,
			.allocator = (uint8_t)rows[i].allocator,
		});

		assert_false(seen[row]);
		seen[row] = true;
		assert_memory_equal(&rows[i].total, &m->total[row], sizeof(total));
		assert_memory_equal(&rows[i].live, &m->live[row], sizeof(total));
		assert_memory_equal(&rows[i].peak, &m->peak[row], sizeof(total));
		assert_memory_equal(&rows[i].temporary, &m->temporary[row], sizeof(total));
		peak.bytes += rows[i].peak.bytes;
		peak.count += rows[i].peak.count;
	}
	for (unsigned row = 0; row < MODEL_ROWS; row++) {
		assert_int_equal(seen[row], m->total[row].count != 0);
		total.bytes += m->total[row].bytes;
		total.count += m->total[row].count;
		live.bytes += m->live[row].bytes;
		live.count += m->live[row].count;
	}
	assert_memory_equal(&totals->allocated, &total, sizeof(total));
	assert_memory_equal(&totals->live, &live, sizeof(live));
	assert_int_equal(totals->freed.bytes, m->freed_bytes);
	assert_int_equal(totals->freed.count, m->freed_count);
	assert_int_equal(totals->peak_bytes, m->peak_bytes);
	assert_int_equal(totals->peak_count, m->peak_count);
	assert_int_equal(totals->peak_time_ns, m->peak_time_ns);
	assert_int_equal(totals->peak_bytes, peak.bytes);
	assert_int_equal(totals->peak_count, peak.count);
	assert_memory_equal(totals->size_histogram, m->histogram, sizeof(m->histogram));
}

/* Random heaps that grow and shrink, looked at never, rarely and after every event: settling must
 * change nothing of what comes later. */
static void test_model(void **state)
{
	static const unsigned looks[] = {1, 7, 100, 1000000};
	static const uint32_t thresholds[] = {0, 1, 2, 10};

	(void)state;
	for (unsigned run = 0; run < 160; run++) {
		struct tally_options options = {.temporary_threshold = thresholds[run / 4 % 4]};
		struct tally *tally = tally_create(&options);
		struct model *m = calloc(1, sizeof(*m));
		struct event event = {0};
		unsigned of_ten = 5;

		random_state = run + 1;
		for (unsigned i = 0; i < 3000; i++) {
			if (i % 200 == 0)
				of_ten = 2 + (unsigned)random_below(7);
			if (!random_event(m, of_ten, &event))
				continue;
			model_event(m, &event, options.temporary_threshold);
			tally_event(tally, &event);
			if (i % looks[run % 4] == 0)
				check(tally, m);
		}
		check(tally, m);
		free(m);
		tally_destroy(tally);
	}
}

static void give(struct tally *tally, uint8_t kind, slot_id slot, uint64_t bytes)
{
	tally_event(tally, &(struct event){
				   .kind = kind,
				   .slot = slot,
				   .bytes = bytes,
				   .allocator = ALLOCATOR_MALLOC,
				   .thread = 1,
				   .stack = 1,
			   });
}

/* What names no block is passed over; shrinking ends at nothing; a slot that is given out twice
 * released its first block. */
static void test_strange_events(void **state)
{
	struct tally *tally = tally_create(&(struct tally_options){0});
	const struct tally_totals *totals = tally_totals(tally);

	(void)state;
	give(tally, EVENT_FREE, 1, 0);
	give(tally, EVENT_FREE, 1000000, 0);
	give(tally, EVENT_SHRINK, 5, 1);
	assert_int_equal(totals->freed.count, 0);
	give(tally, EVENT_ALLOC, 1, 100);
	give(tally, EVENT_SHRINK, 1, 1000);
	assert_int_equal(totals->live.bytes, 0);
	assert_int_equal(totals->live.count, 1);
	give(tally, EVENT_FREE, 1, 0);
	give(tally, EVENT_FREE, 1, 0);
	assert_int_equal(totals->freed.count, 1);
	assert_int_equal(totals->freed.bytes, 100);
	give(tally, EVENT_ALLOC, 2, 10);
	give(tally, EVENT_ALLOC, 2, 20);
	assert_int_equal(totals->live.bytes, 20);
	assert_int_equal(totals->live.count, 1);
	assert_int_equal(totals->peak_bytes, 100);
	tally_destroy(tally);
}

static void test_totals(void **state)
{
	struct tally *tally = tally_create(&(struct tally_options){0});
	const struct tally_totals *totals = tally_totals(tally);
	const uint64_t sizes[] = {0, 1, 2, 3, 4, 255, 256, (1ull << 56) - 1};

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		give(tally, EVENT_ALLOC, i + 1, sizes[i]);
	tally_event(tally, &(struct event){.kind = EVENT_ALLOC, .allocator = 200, .slot = 100});
	assert_int_equal(totals->size_histogram[0], 2);
	assert_int_equal(totals->size_histogram[1], 1);
	assert_int_equal(totals->size_histogram[2], 2);
	assert_int_equal(totals->size_histogram[3], 1);
	assert_int_equal(totals->size_histogram[8], 1);
	assert_int_equal(totals->size_histogram[9], 1);
	assert_int_equal(totals->size_histogram[56], 1);
	assert_int_equal(totals->by_allocator[ALLOCATOR_MALLOC].count, 8);
	assert_int_equal(totals->by_allocator[ALLOCATOR_NONE].count, 1);
	assert_string_equal(allocator_name(ALLOCATOR_PYMALLOC_REALLOC), "pymalloc_realloc");
	assert_string_equal(allocator_name(200), "unknown");
	for (unsigned i = 0; i < ALLOCATOR_END; i++)
		assert_non_null(allocator_name(i));
	for (unsigned i = 0; i <= LOST_END; i++)
		assert_non_null(lost_reason_name(i));
	tally_destroy(tally);
}

/* A heap that only grows stays in one epoch; the books do not slow down with the number of rows. */
static void test_many_rows(void **state)
{
	struct tally *tally = tally_create(&(struct tally_options){.temporary_threshold = 1});
	const struct tally_row *rows;
	uint32_t epoch;
	size_t count;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		tally_event(tally, &(struct event){
					   .kind = EVENT_ALLOC,
					   .slot = i + 1,
					   .stack = i / 3,
					   .thread = i % 3,
					   .allocator = ALLOCATOR_MALLOC,
					   .bytes = 1,
				   });
	}
	count = tally_rows(tally, &rows, &epoch);
	assert_int_equal(count, 300000);
	assert_int_equal(epoch, 1);
	for (uint32_t i = 0; i < 300000; i++) {
		assert_int_equal(rows[i].stack, i / 3);
		assert_int_equal(rows[i].thread, i % 3);
	}
	tally_destroy(tally);
	tally_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_strange_events),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
