#pragma once

#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"

/*
 * The heap over time in at most TIMELINE_BINS bins of equal width, whatever the number of events.
 * When time passes the last bin, bins are merged in pairs and their width doubles, so a wrong
 * guess of the duration costs resolution only.
 */
enum {
	TIMELINE_BINS = 2048,
};

struct timeline {
	struct profile_point *points; /* [TIMELINE_BINS]; time_ns is filled in by timeline_end */
	size_t count;                 /* the last one is being filled; at least 1 */
	uint64_t from_ns;
	uint64_t width_ns;
	uint64_t bin_end_ns; /* of the bin being filled; UINT64_MAX when there is no later time */
	uint64_t live_bytes;
};

/* The bins begin at from_ns and should cover expected_ns. */
void timeline_init(struct timeline *timeline, uint64_t from_ns, uint64_t expected_ns);
void timeline_deinit(struct timeline *timeline);

/* Private: makes the bin of time_ns the one being filled. */
void timeline_advance(struct timeline *timeline, uint64_t time_ns);

/* At time_ns (never before the last one given) the heap came to live_bytes. */
static inline void timeline_add(struct timeline *timeline, uint64_t time_ns, uint64_t live_bytes)
{
	struct profile_point *point;

	if (__builtin_expect(time_ns >= timeline->bin_end_ns, 0))
		timeline_advance(timeline, time_ns);
	point = &timeline->points[timeline->count - 1];
	timeline->live_bytes = live_bytes;
	if (live_bytes > point->heap_bytes)
		point->heap_bytes = live_bytes;
}

/* Completes the bins up to end_ns and hands them over: the caller frees *points with free(3). */
void timeline_end(struct timeline *timeline, uint64_t end_ns, struct profile_point **points,
		  size_t *count);

/* Fills rss_bytes of finished points from the capture's samples. */
void timeline_add_rss(struct profile_point *points, size_t count, uint64_t from_ns,
		      const struct capture_reader *reader);
