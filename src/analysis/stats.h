#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/functions.h"
#include "analysis/profile.h"

/* One place in code that allocated: an innermost frame, its line included. */
struct stats_location {
	frame_id frame; /* 0: blocks whose stack has no frames */
	struct tally_counts allocated;
	double bytes_error; /* standard error; 0 when the capture is exact */
};

/* One place in code where time was spent. */
struct stats_place {
	frame_id frame; /* 0: no Python code; or a stack that is not known */
	struct function_amount spent;
};

/*
 * Why resident memory and the traced heap differ, at the collector's last look at the maps of the
 * processes: rss_bytes - traced_bytes is the sum of the parts, each with its sign.
 */
enum stats_part_kind {
	STATS_PART_FILES,     /* libraries, programs and other files mapped into memory */
	STATS_PART_ALLOCATOR, /* resident, in no live traced block: free or fragmented memory that
			       * allocators keep, their bookkeeping, and what was allocated before
			       * tracing began */
	STATS_PART_STACKS,    /* of threads */
	STATS_PART_SHARED,    /* shared memory, sonde's aside */
	STATS_PART_OWN,       /* sonde's segment in the target */
	STATS_PART_SWAPPED,   /* negative: traced blocks in swap */
	STATS_PART_UNTOUCHED, /* negative: asked for, but never written to */
	STATS_PART_END,
};

struct stats_part {
	enum stats_part_kind kind;
	int64_t bytes;
};

struct stats_memory {
	bool known;         /* false: no look was taken, or a window hides it */
	bool live_at_end;   /* traced_bytes is that of the end: the time of the look is not known
			     * to an aggregate capture's heap */
	uint32_t processes; /* looked at */
	uint64_t time_ns;   /* of the last look */
	uint64_t rss_bytes;
	uint64_t traced_bytes;
	uint64_t untouched_bytes; /* in private mappings, not resident: an upper bound of what the
				   * traced heap has of it */
	struct stats_part parts[STATS_PART_END]; /* the largest first, whatever the sign */
	size_t part_count;                       /* none of them is 0 */
};

struct stats {
	/* Borrowed; NULL: no allocations, no samples were recorded. */
	const struct profile *memory_profile, *time_profile;
	uint64_t peak_rss_bytes; /* 0: not known */

	struct stats_place *top_by_time;
	size_t time_top_count;
	size_t place_count; /* all of them */

	struct stats_location *top_by_bytes, *top_by_count;
	size_t top_count;
	size_t location_count; /* all of them */
	/* Buckets of totals.size_histogram that hold something: [first, end). */
	unsigned histogram_first, histogram_end;
	struct stats_memory memory;
};

/* Of a profile of any metric, and of its `other`; filters hold for the tops alone. top: how many of
 * each. */
struct stats *stats_create(const struct profile *profile, size_t top);
void stats_destroy(struct stats *stats);

/* Events that are not in the capture. Events that lost only their stack are not among them. */
uint64_t stats_events_lost(const struct capture_reader *reader);
/* Samples that are not in the capture: there was no room for them. */
uint64_t stats_samples_lost(const struct capture_reader *reader);
