#include "analysis/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/compare.h"
#include "analysis/stacks.h"

uint64_t stats_events_lost(const struct capture_reader *reader)
{
	const uint64_t *lost = reader_lost(reader);
	uint64_t sum = 0;

	for (unsigned reason = 0; reason < LOST_END; reason++) {
		if (reason != LOST_STACK)
			sum += lost[reason];
	}
	return sum;
}

uint64_t stats_samples_lost(const struct capture_reader *reader)
{
	const struct capture_sampling *sampling = reader_sampling(reader);

	return sampling != NULL ? sampling->missed + sampling->dropped : 0;
}

static int compare_bytes(const void *left, const void *right)
{
	const struct stats_location *a = left, *b = right;

	COMPARE(b->allocated.bytes, a->allocated.bytes);
	COMPARE(b->allocated.count, a->allocated.count);
	COMPARE(a->frame, b->frame);
	return 0;
}

static int compare_count(const void *left, const void *right)
{
	const struct stats_location *a = left, *b = right;

	COMPARE(b->allocated.count, a->allocated.count);
	COMPARE(b->allocated.bytes, a->allocated.bytes);
	COMPARE(a->frame, b->frame);
	return 0;
}

/* All places that allocated. */
static struct stats_location *collect_locations(const struct profile *profile, size_t *count)
{
	const struct stacks *stacks = profile->stacks;
	frame_id highest = 0;
	struct stats_location *locations;

	for (stack_id id = 1; id <= stacks->count; id++) {
		if (stacks->frames[id] > highest)
			highest = stacks->frames[id];
	}
	locations = array_create((size_t)highest + 1, sizeof(*locations));
	for (size_t i = 0; i < profile->all_count; i++) {
		const struct profile_row *row = &profile->rows[i];
		struct stats_location *location = &locations[stacks->frames[row->stack]];

		location->allocated.bytes += row->memory.allocated.bytes;
		location->allocated.count += row->memory.allocated.count;
		location->bytes_error +=
			row->memory.allocated_bytes_error * row->memory.allocated_bytes_error;
	}
	*count = 0;
	for (size_t f = 0; f <= highest; f++) {
		if (locations[f].allocated.count == 0)
			continue;
		locations[*count].allocated = locations[f].allocated;
		locations[*count].bytes_error = sqrt(locations[f].bytes_error);
		locations[(*count)++].frame = (frame_id)f;
	}
	return locations;
}

static int compare_places(const void *left, const void *right)
{
	const struct stats_place *a = left, *b = right;

	COMPARE(b->spent.amount, a->spent.amount);
	COMPARE(a->frame, b->frame);
	return 0;
}

/* All places where time was spent. */
static struct stats_place *collect_places(const struct profile *profile, size_t *count)
{
	const struct stacks *stacks = profile->stacks;
	size_t frames = (size_t)profile->frame_count + 1;
	struct stats_place *places = array_create(frames, sizeof(*places));

	for (size_t i = 0; i < profile->row_count; i++) {
		const struct profile_row *row = &profile->rows[i];
		frame_id frame = stacks->frames[row->stack];
		struct function_amount *spent = &places[frame < frames ? frame : 0].spent;

		spent->amount += row->amount;
		spent->count += row->count;
		spent->error += row->amount_error * row->amount_error;
	}
	*count = 0;
	for (size_t f = 0; f < frames; f++) {
		if (places[f].spent.count == 0)
			continue;
		places[*count].spent = places[f].spent;
		places[*count].spent.error = sqrt(places[f].spent.error);
		places[(*count)++].frame = (frame_id)f;
	}
	qsort(places, *count, sizeof(*places), compare_places);
	return places;
}

static struct stats_location *copy_top(const struct stats_location *locations, size_t top)
{
	struct stats_location *copy = array_create(top, sizeof(*copy));

	memcpy(copy, locations, top * sizeof(*copy));
	return copy;
}

static void find_tops(struct stats *stats, size_t top)
{
	struct stats_location *locations =
		collect_locations(stats->memory_profile, &stats->location_count);

	stats->top_count = top < stats->location_count ? top : stats->location_count;
	qsort(locations, stats->location_count, sizeof(*locations), compare_bytes);
	stats->top_by_bytes = copy_top(locations, stats->top_count);
	qsort(locations, stats->location_count, sizeof(*locations), compare_count);
	stats->top_by_count = copy_top(locations, stats->top_count);
	free(locations);
}

/* Processes together, as far as their heaps were looked at, else the highest of them. */
static uint64_t find_peak_rss(const struct profile *profile)
{
	const struct capture_rss *samples;
	size_t sample_count = reader_rss(profile->reader, &samples);
	uint32_t processes = reader_process_count(profile->reader);
	uint64_t peak = 0;

	for (size_t i = 0; i < profile->memory.timeline_count; i++) {
		if (profile->memory.timeline[i].rss_bytes > peak)
			peak = profile->memory.timeline[i].rss_bytes;
	}
	for (size_t i = 0; i < sample_count; i++) {
		if (samples[i].bytes > peak)
			peak = samples[i].bytes;
	}
	for (process_id p = 1; p <= processes; p++) {
		if (reader_process(profile->reader, p)->memory.peak_rss > peak)
			peak = reader_process(profile->reader, p)->memory.peak_rss;
	}
	return peak;
}

/* Sums the last looks at all processes; false if there was none. */
static bool sum_memory(const struct capture_reader *reader, struct stats_memory *memory,
		       struct capture_memory *sum)
{
	uint32_t processes = reader_process_count(reader);

	*sum = (struct capture_memory){0};
	for (process_id p = 1; p <= processes; p++) {
		const struct capture_process_info *process = reader_process(reader, p);

		if (process->memory.rss == 0)
			continue;
		memory->processes++;
		if (process->memory_time_ns > memory->time_ns)
			memory->time_ns = process->memory_time_ns;
		sum->rss += process->memory.rss;
		sum->anonymous += process->memory.anonymous;
		sum->file += process->memory.file;
		sum->shared_memory += process->memory.shared_memory;
		sum->swap += process->memory.swap;
		sum->own_rss += process->memory.own_rss;
		sum->stacks_resident += process->memory.stacks_resident;
		sum->untouched += process->memory.untouched;
	}
	return memory->processes > 0;
}

/* The live bytes of the traced heap at a time; false if the profile does not reach there. */
static bool find_live(const struct profile *profile, uint64_t time_ns, bool *at_end,
		      uint64_t *live_bytes)
{
	bool windowed = profile->options.from_ns != 0 || profile->options.to_ns != 0;

	*at_end = reader_start(profile->reader)->mode == CAPTURE_AGGREGATE;
	*live_bytes = profile->memory.totals.live.bytes;
	if (*at_end)
		return true;
	if (windowed)
		return false;
	for (size_t i = 0; i < profile->memory.timeline_count; i++) {
		*live_bytes = profile->memory.timeline[i].live_bytes;
		if (time_ns < profile->memory.timeline[i].time_ns)
			break;
	}
	return true;
}

static void add_part(struct stats_memory *memory, enum stats_part_kind kind, int64_t bytes)
{
	if (bytes != 0)
		memory->parts[memory->part_count++] = (struct stats_part){kind, bytes};
}

static int compare_parts(const void *left, const void *right)
{
	const struct stats_part *a = left, *b = right;
	uint64_t size_a = (uint64_t)llabs(a->bytes), size_b = (uint64_t)llabs(b->bytes);

	COMPARE(size_b, size_a);
	COMPARE(a->kind, b->kind);
	return 0;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * RSS is anonymous + file + shared memory. Of the anonymous memory, stacks are known; what is left
 * holds the traced blocks: more than these is the allocators' affair, less means that blocks are
 * in swap or were never touched. The files' part takes up what the kernel's own numbers, which
 * are not read in one moment, do not add up to.
 */
static void divide(struct stats_memory *memory, const struct capture_memory *sum)
{
	int64_t own = smaller((int64_t)sum->own_rss, (int64_t)sum->shared_memory);
	int64_t stacks = smaller((int64_t)sum->stacks_resident, (int64_t)sum->anonymous);
	int64_t heap = (int64_t)sum->anonymous - stacks;
	int64_t beyond = heap - (int64_t)memory->traced_bytes;
	int64_t swapped = beyond < 0 ? smaller((int64_t)sum->swap, -beyond) : 0;

	add_part(memory, STATS_PART_FILES,
		 (int64_t)sum->rss - (int64_t)sum->anonymous - (int64_t)sum->shared_memory);
	add_part(memory, STATS_PART_ALLOCATOR, beyond > 0 ? beyond : 0);
	add_part(memory, STATS_PART_STACKS, stacks);
	add_part(memory, STATS_PART_SHARED, (int64_t)sum->shared_memory - own);
	add_part(memory, STATS_PART_OWN, own);
	add_part(memory, STATS_PART_SWAPPED, -swapped);
	add_part(memory, STATS_PART_UNTOUCHED, beyond < 0 ? beyond + swapped : 0);
	qsort(memory->parts, memory->part_count, sizeof(*memory->parts), compare_parts);
}

/* Sizes that no machine has come from a damaged capture; sums of them must not overflow. */
static bool believable(const struct capture_memory *sum)
{
	const uint64_t limit = UINT64_C(1) << 56;

	return sum->rss < limit && sum->anonymous < limit && sum->file < limit &&
	       sum->shared_memory < limit && sum->swap < limit && sum->own_rss < limit &&
	       sum->stacks_resident < limit;
}

static void explain_memory(struct stats *stats)
{
	struct stats_memory *memory = &stats->memory;
	struct capture_memory sum;

	if (!sum_memory(stats->memory_profile->reader, memory, &sum) || !believable(&sum) ||
	    !find_live(stats->memory_profile, memory->time_ns, &memory->live_at_end,
		       &memory->traced_bytes) ||
	    memory->traced_bytes > INT64_MAX / 2)
		return;
	memory->known = true;
	memory->rss_bytes = sum.rss;
	memory->untouched_bytes = sum.untouched;
	divide(memory, &sum);
}

static void find_histogram(struct stats *stats)
{
	const uint64_t *histogram = stats->memory_profile->memory.totals.size_histogram;

	stats->histogram_first = 65;
	for (unsigned i = 0; i < 65; i++) {
		if (histogram[i] == 0)
			continue;
		if (stats->histogram_first == 65)
			stats->histogram_first = i;
		stats->histogram_end = i + 1;
	}
	if (stats->histogram_end == 0)
		stats->histogram_first = 0;
}

struct stats *stats_create(const struct profile *profile, size_t top)
{
	struct stats *stats = array_create(1, sizeof(*stats));
	bool is_time = profile->unit == UNIT_NS;

	stats->memory_profile = is_time ? profile->other : profile;
	stats->time_profile = is_time ? profile : profile->other;
	stats->peak_rss_bytes =
		find_peak_rss(stats->memory_profile != NULL ? stats->memory_profile : profile);
	if (stats->memory_profile != NULL) {
		find_tops(stats, top);
		find_histogram(stats);
		explain_memory(stats);
	}
	if (stats->time_profile != NULL) {
		stats->top_by_time = collect_places(stats->time_profile, &stats->place_count);
		stats->time_top_count = top < stats->place_count ? top : stats->place_count;
	}
	return stats;
}

void stats_destroy(struct stats *stats)
{
	if (stats == NULL)
		return;
	free(stats->top_by_time);
	free(stats->top_by_bytes);
	free(stats->top_by_count);
	free(stats);
}
