#include "analysis/timeline.h"

#include <stdlib.h>

#include "analysis/array.h"

enum {
	NARROWEST_NS = 1000000, /* the times of events are right to a few milliseconds */
};

static void set_bin_end(struct timeline *timeline)
{
	uint64_t end;

	if (__builtin_mul_overflow(timeline->width_ns, timeline->count, &end) ||
	    __builtin_add_overflow(timeline->from_ns, end, &end))
		end = UINT64_MAX;
	timeline->bin_end_ns = end;
}

void timeline_init(struct timeline *timeline, uint64_t from_ns, uint64_t expected_ns)
{
	*timeline = (struct timeline){.from_ns = from_ns, .count = 1};
	timeline->points = array_create(TIMELINE_BINS, sizeof(*timeline->points));
	timeline->width_ns = expected_ns / TIMELINE_BINS + 1;
	if (timeline->width_ns < NARROWEST_NS)
		timeline->width_ns = NARROWEST_NS;
	set_bin_end(timeline);
}

void timeline_deinit(struct timeline *timeline)
{
	free(timeline->points);
	timeline->points = NULL;
}

static void merge_pairs(struct timeline *timeline)
{
	struct profile_point *points = timeline->points;
	size_t merged = (timeline->count + 1) / 2;

	for (size_t i = 0; i < merged; i++) {
		struct profile_point *second = &points[i * 2 + 1];

		if (i * 2 + 1 == timeline->count)
			second = &points[i * 2];
		points[i].heap_bytes = points[i * 2].heap_bytes > second->heap_bytes
					       ? points[i * 2].heap_bytes
					       : second->heap_bytes;
		points[i].live_bytes = second->live_bytes;
	}
	timeline->count = merged;
	if (__builtin_mul_overflow(timeline->width_ns, 2, &timeline->width_ns))
		timeline->width_ns = UINT64_MAX;
}

void timeline_advance(struct timeline *timeline, uint64_t time_ns)
{
	uint64_t bin;

	while (time_ns >= timeline->bin_end_ns && timeline->bin_end_ns != UINT64_MAX) {
		bin = (time_ns - timeline->from_ns) / timeline->width_ns;
		timeline->points[timeline->count - 1].live_bytes = timeline->live_bytes;
		if (bin >= TIMELINE_BINS) {
			merge_pairs(timeline);
			set_bin_end(timeline);
			continue;
		}
		while (timeline->count <= bin) {
			timeline->points[timeline->count] = (struct profile_point){
				.heap_bytes = timeline->live_bytes,
				.live_bytes = timeline->live_bytes,
			};
			timeline->count++;
		}
		set_bin_end(timeline);
	}
}

void timeline_end(struct timeline *timeline, uint64_t end_ns, struct profile_point **points,
		  size_t *count)
{
	uint64_t end = timeline->from_ns;

	/* A bin begins at its first nanosecond: the end itself needs none. */
	if (end_ns > timeline->from_ns && end_ns - 1 >= timeline->bin_end_ns)
		timeline_advance(timeline, end_ns - 1);
	timeline->points[timeline->count - 1].live_bytes = timeline->live_bytes;
	for (size_t i = 0; i < timeline->count; i++) {
		if (__builtin_add_overflow(end, timeline->width_ns, &end))
			end = UINT64_MAX;
		timeline->points[i].time_ns = end;
	}
	if (end > end_ns && end_ns > timeline->from_ns)
		timeline->points[timeline->count - 1].time_ns = end_ns;
	*points = timeline->points;
	*count = timeline->count;
	timeline->points = NULL;
}

/* A process counts from its first sample to its end. */
static uint64_t sum_at(const struct capture_reader *reader, const uint64_t *latest,
		       uint32_t processes, uint64_t begin_ns)
{
	uint64_t sum = 0;

	for (process_id p = 1; p <= processes; p++) {
		uint64_t end_ns = reader_process(reader, p)->end_ns;

		if (end_ns == 0 || end_ns > begin_ns)
			sum += latest[p];
	}
	return sum;
}

void timeline_add_rss(struct profile_point *points, size_t count, uint64_t from_ns,
		      const struct capture_reader *reader)
{
	uint32_t processes = reader_process_count(reader);
	uint64_t *latest = array_create((size_t)processes + 1, sizeof(*latest));
	const struct capture_rss *samples;
	size_t sample_count = reader_rss(reader, &samples);
	uint64_t begin_ns = from_ns;
	size_t s = 0;

	for (size_t i = 0; i < count; i++) {
		bool seen = false;
		bool last = i + 1 == count;

		for (; s < sample_count && (last ? samples[s].time_ns <= points[i].time_ns
						 : samples[s].time_ns < points[i].time_ns);
		     s++) {
			if (samples[s].process > processes)
				continue;
			latest[samples[s].process] = samples[s].bytes;
			seen = seen || samples[s].time_ns >= begin_ns;
		}
		points[i].rss_bytes = seen ? sum_at(reader, latest, processes, begin_ns) : 0;
		begin_ns = points[i].time_ns;
	}
	free(latest);
}
