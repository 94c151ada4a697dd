#include "capture/aggregate.h"

#include <stdlib.h>

#include "base/memory.h"

#define NS_PER_SECOND 1000000000u
#define FIRST_IDLE    1024u

void aggregate_init(struct aggregate *a, uint32_t temporary_threshold, uint64_t sample_rate_bytes)
{
	*a = (struct aggregate){.fresh = 1};
	a->tally = tally_create(&(struct tally_options){
		.temporary_threshold = temporary_threshold,
		.sample_rate_bytes = sample_rate_bytes,
	});
	rows_writer_init(&a->rows);
}

void aggregate_deinit(struct aggregate *a)
{
	tally_destroy(a->tally);
	rows_writer_deinit(&a->rows);
	free(a->idle.slots);
}

slot_id aggregate_alloc(struct aggregate *a, const struct event *event)
{
	struct event placed = *event;

	placed.slot = a->idle.count ? a->idle.slots[--a->idle.count] : a->fresh++;
	tally_event(a->tally, &placed);
	return placed.slot;
}

static void aggregate_idle(struct aggregate *a, slot_id slot)
{
	struct slot_list *idle = &a->idle;

	if (idle->count == idle->size) {
		idle->size = idle->size ? idle->size * 2 : FIRST_IDLE;
		idle->slots = memory_check(realloc(idle->slots, idle->size * sizeof(*idle->slots)),
					   "the capture's slots");
	}
	idle->slots[idle->count++] = slot;
}

void aggregate_free(struct aggregate *a, const struct event *event)
{
	uint64_t freed = tally_totals(a->tally)->freed.count;

	tally_event(a->tally, event);
	/* A slot without a block changes nothing, and must not become idle twice. */
	if (tally_totals(a->tally)->freed.count != freed)
		aggregate_idle(a, event->slot);
}

void aggregate_shrink(struct aggregate *a, const struct event *event)
{
	tally_event(a->tally, event);
}

/* Grows with everything that changes a row. */
static uint64_t aggregate_events(const struct aggregate *a)
{
	const struct tally_totals *totals = tally_totals(a->tally);

	return totals->allocated.count + totals->freed.count + totals->freed.bytes;
}

bool aggregate_changed(const struct aggregate *a)
{
	return aggregate_events(a) != a->written_events;
}

bool aggregate_is_due(const struct aggregate *a, uint64_t time_ns)
{
	uint64_t seconds = time_ns / NS_PER_SECOND;
	uint64_t first_hour = seconds < 3600 ? seconds : 3600;
	uint64_t allowed = AGGREGATE_FREE_BYTES + AGGREGATE_BYTES_PER_ROW * a->rows.count +
			   first_hour * AGGREGATE_BYTES_PER_SECOND +
			   (seconds - first_hour) * AGGREGATE_BYTES_LATER;

	return a->states_bytes + a->last_state_bytes <= allowed;
}

void aggregate_sealed(struct aggregate *a, uint64_t bytes)
{
	a->states_bytes += bytes;
	a->last_state_bytes = bytes;
	a->written_events = aggregate_events(a);
}
