#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "capture/writer.h"
#include "collector/names.h"
#include "collector/ranges.h"
#include "collector/recent.h"
#include "wire/wire.h"

/*
 * Turns the records of one process into events of the capture. What is kept: the live blocks, the
 * mapped ranges, and for each thread what its next record will decide.
 *
 *   1. A slot is live in the capture exactly while it is in `blocks`, in `ranges`, or undecided in
 *      one stream.
 *   2. A block whose allocation was not seen cannot be released: such records are counted and
 *      dropped.
 *   3. A block that turns up where one is still live proves that a release was missed: the old one
 *      is released first, and counted.
 */
struct stream {
	thread_id thread;
	uint32_t realloc_pending; /* 1 between REALLOC_BEGIN and what decides it */
	slot_id realloc_slot;     /* the undecided block; 0: one we never saw */
	uint32_t unmap_pending;
	uint64_t realloc_address;
	struct ranges_cut unmap_cut; /* the undecided ranges */
	char name[16];               /* as last written; "" for none */
};

struct decode_counts {
	uint64_t frees_unknown;  /* released, but allocated before recording began */
	uint64_t frees_missed;   /* never released, yet something else is in their place */
	uint64_t records_broken; /* of no known kind, cut off, or impossible */
};

struct decode {
	struct capture_writer *writer;
	uint64_t page_mask; /* page size - 1 */
	uint64_t now_ns;    /* set by the caller: no record can be younger */
	struct names names;
	struct recent recent;
	struct ranges *ranges;
	struct decode_counts counts;
};

void decode_init(struct decode *decode, struct capture_writer *writer, struct wire_area *area);
void decode_deinit(struct decode *decode);

/*
 * Decodes words [from, limit) of a ring, up to the next WIRE_TICKET after the first word. Returns
 * the position of that ticket, or limit; always more than from.
 */
uint64_t decode_run(struct decode *decode, struct stream *stream, const uint64_t *ring,
		    uint64_t from, uint64_t limit);

/* The thread is gone: what it left undecided stays live. */
void decode_stream_end(struct decode *decode, struct stream *stream);
