#include "collector/decode.h"

#include <string.h>
#include <unistd.h>

#include "collector/merge.h"

/* Tables of live blocks above this size do not stay in the cache. Then the places that records
 * further down need are asked for while the ones before them are decoded. */
#define DECODE_PREFETCH_BYTES   (1u << 20)
#define DECODE_PREFETCH_RECORDS 16u

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

_Static_assert((int)WIRE_MALLOC == ALLOCATOR_MALLOC && (int)WIRE_MMAP == ALLOCATOR_MMAP &&
		       (int)WIRE_PYMALLOC_REALLOC == ALLOCATOR_PYMALLOC_REALLOC &&
		       (int)WIRE_ALLOCATOR_END == ALLOCATOR_END,
	       "the capture numbers allocators as the wire does");

void decode_init(struct decode *decode, struct capture_writer *writer, struct wire_area *area)
{
	*decode = (struct decode){.writer = writer};
	decode->page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	names_init(&decode->names, writer, area);
	recent_init(&decode->recent);
	decode->ranges = ranges_create();
}

void decode_deinit(struct decode *decode)
{
	if (!decode)
		return;
	names_deinit(&decode->names);
	recent_deinit(&decode->recent);
	ranges_destroy(decode->ranges);
	decode->ranges = NULL;
}

static inline uint64_t record_value(uint64_t word)
{
	return word & WIRE_VALUE_MASK;
}

static inline unsigned record_detail(uint64_t word)
{
	return word >> WIRE_DETAIL_SHIFT & 0xff;
}

static void decode_realloc_release(struct decode *decode, struct stream *stream)
{
	stream->realloc_pending = 0;
	if (stream->realloc_slot)
		writer_free(decode->writer, stream->thread, stream->realloc_slot);
	else
		decode->counts.frees_unknown++;
	stream->realloc_slot = 0;
}

static void decode_realloc_begin(struct decode *decode, struct stream *stream, uint64_t address)
{
	/* An undecided one of before whose decision was lost has most likely succeeded. */
	if (stream->realloc_pending) {
		decode->counts.frees_missed++;
		decode_realloc_release(decode, stream);
	}
	stream->realloc_pending = 1;
	stream->realloc_address = address;
	stream->realloc_slot = recent_take(&decode->recent, address);
}

static void decode_missed_free(struct decode *decode, struct stream *stream, slot_id slot)
{
	decode->counts.frees_missed++;
	writer_free(decode->writer, stream->thread, slot);
}

/* A block that is still at this address was released unseen. */
static inline void decode_clear(struct decode *decode, struct stream *stream, uint64_t address)
{
	slot_id missed = recent_take_front(&decode->recent, address);

	if (UNLIKELY(missed))
		decode_missed_free(decode, stream, missed);
}

static inline void decode_put(struct decode *decode, struct stream *stream, uint64_t address,
			      slot_id slot)
{
	slot_id missed = recent_put(&decode->recent, address, slot);

	if (UNLIKELY(missed))
		decode_missed_free(decode, stream, missed);
}

static void decode_realloc_keep(struct decode *decode, struct stream *stream)
{
	stream->realloc_pending = 0;
	if (!stream->realloc_slot)
		return;
	decode_clear(decode, stream, stream->realloc_address);
	decode_put(decode, stream, stream->realloc_address, stream->realloc_slot);
	stream->realloc_slot = 0;
}

static inline enum allocator record_allocator(uint64_t word)
{
	unsigned allocator = record_detail(word);

	return LIKELY(allocator < ALLOCATOR_END) ? (enum allocator)allocator : ALLOCATOR_NONE;
}

static inline void decode_alloc(struct decode *decode, struct stream *stream, uint64_t word,
				uint32_t node, uint64_t bytes)
{
	stack_id stack = names_stack(&decode->names, node);
	slot_id slot;

	if (UNLIKELY(stream->realloc_pending))
		decode_realloc_release(decode, stream);
	decode_clear(decode, stream, record_value(word));
	slot = writer_alloc(decode->writer, stream->thread, record_allocator(word), stack, bytes);
	decode_put(decode, stream, record_value(word), slot);
}

static inline void decode_free(struct decode *decode, struct stream *stream, uint64_t word)
{
	slot_id slot = recent_take(&decode->recent, record_value(word));

	if (LIKELY(slot))
		writer_free(decode->writer, stream->thread, slot);
	else
		decode->counts.frees_unknown++;
}

/* Releases every piece of a cut, which is empty afterwards. */
static void decode_drop(struct decode *decode, struct stream *stream, struct ranges_cut *cut)
{
	for (size_t i = 0; i < cut->count; i++) {
		bool last;
		slot_id slot = ranges_drop(decode->ranges, &cut->pieces[i], &last);

		if (last)
			writer_free(decode->writer, stream->thread, slot);
		else
			writer_shrink(decode->writer, stream->thread, slot, cut->pieces[i].bytes);
	}
	cut->count = 0;
}

/* The end of the last page that a range touches; false for a range that cannot be. */
static bool decode_range_end(const struct decode *decode, uint64_t start, uint64_t bytes,
			     uint64_t *end)
{
	if (!bytes || bytes > WIRE_VALUE_MASK || start + bytes > WIRE_VALUE_MASK)
		return false;
	*end = (start + bytes + decode->page_mask) & ~decode->page_mask;
	return true;
}

static void decode_map(struct decode *decode, struct stream *stream, uint64_t word, uint32_t node,
		       uint64_t bytes)
{
	uint64_t start = record_value(word);
	struct ranges_cut replaced = {0};
	stack_id stack;
	uint64_t end;
	slot_id slot;

	if (!decode_range_end(decode, start, bytes, &end)) {
		decode->counts.records_broken++;
		return;
	}
	stack = names_stack(&decode->names, node);
	ranges_cut(decode->ranges, start, end, &replaced);
	decode_drop(decode, stream, &replaced);
	ranges_cut_deinit(&replaced);
	decode_clear(decode, stream, record_value(word));
	slot = writer_alloc(decode->writer, stream->thread, record_allocator(word), stack, bytes);
	ranges_add(decode->ranges, start, bytes, slot);
}

static void decode_unmap_end(struct decode *decode, struct stream *stream, bool gone)
{
	if (!stream->unmap_pending) {
		decode->counts.records_broken++;
		return;
	}
	stream->unmap_pending = 0;
	if (!gone)
		ranges_restore(decode->ranges, &stream->unmap_cut);
	decode_drop(decode, stream, &stream->unmap_cut);
}

static void decode_unmap_begin(struct decode *decode, struct stream *stream, uint64_t start,
			       uint64_t bytes)
{
	uint64_t end;

	if (stream->unmap_pending) {
		decode->counts.frees_missed++;
		decode_unmap_end(decode, stream, true);
	}
	stream->unmap_pending = 1;
	/* A call that cannot succeed takes nothing out. */
	if (decode_range_end(decode, start, bytes, &end))
		ranges_cut(decode->ranges, start, end, &stream->unmap_cut);
}

static void decode_thread_name(struct decode *decode, struct stream *stream, uint64_t low,
			       uint64_t high)
{
	memcpy(stream->name, &low, 8);
	memcpy(stream->name + 8, &high, 8);
	stream->name[sizeof(stream->name) - 1] = 0;
	writer_thread_name(decode->writer, stream->thread, stream->name);
}

static void decode_time(struct decode *decode, uint64_t time_ns)
{
	writer_time(decode->writer, time_ns < decode->now_ns ? time_ns : decode->now_ns);
}

/* The rare kinds, whole in the ring. */
static void decode_rare(struct decode *decode, struct stream *stream, const uint64_t *ring,
			uint64_t at)
{
	uint64_t word = merge_word(ring, at);

	switch (word >> WIRE_KIND_SHIFT) {
	case WIRE_TIME:
		decode_time(decode, record_value(word) << WIRE_TIME_SHIFT);
		break;
	case WIRE_ALLOC_LARGE:
		decode_alloc(decode, stream, word, (uint32_t)merge_word(ring, at + 1),
			     merge_word(ring, at + 2));
		break;
	case WIRE_REALLOC_BEGIN:
		decode_realloc_begin(decode, stream, record_value(word));
		break;
	case WIRE_REALLOC_FAILED:
		decode_realloc_keep(decode, stream);
		break;
	case WIRE_REALLOC_FREED:
		if (stream->realloc_pending)
			decode_realloc_release(decode, stream);
		break;
	case WIRE_MAP:
		decode_map(decode, stream, word, (uint32_t)merge_word(ring, at + 1),
			   merge_word(ring, at + 2));
		break;
	case WIRE_UNMAP_BEGIN:
		decode_unmap_begin(decode, stream, record_value(word), merge_word(ring, at + 1));
		break;
	case WIRE_UNMAP_END:
		decode_unmap_end(decode, stream, record_detail(word) != 0);
		break;
	case WIRE_THREAD_NAME:
		decode_thread_name(decode, stream, merge_word(ring, at + 1),
				   merge_word(ring, at + 2));
		break;
	case WIRE_TICKET:
		break;
	default:
		decode->counts.records_broken++;
	}
}

static inline unsigned record_words(uint64_t word)
{
	return wire_record_words((enum wire_kind)(word >> WIRE_KIND_SHIFT));
}

/* Looks at one record ahead of the decoding; returns where the next one is. */
static inline uint64_t decode_scout(const struct decode *decode, const uint64_t *ring, uint64_t at)
{
	uint64_t word = merge_word(ring, at);
	uint64_t kind = word >> WIRE_KIND_SHIFT;

	if (kind == WIRE_FREE || kind == WIRE_ALLOC)
		blocks_prefetch(&decode->recent.blocks, record_value(word));
	return at + record_words(word);
}

/* Positions are compared by their distance from the start of the run: they may wrap. */
uint64_t decode_run(struct decode *decode, struct stream *stream, const uint64_t *ring,
		    uint64_t from, uint64_t limit)
{
	uint64_t left = limit - from;
	uint64_t at = 0, scout = left;

	if (decode->recent.blocks.bytes > DECODE_PREFETCH_BYTES) {
		scout = 0;
		for (unsigned i = 0; i < DECODE_PREFETCH_RECORDS && scout < left; i++)
			scout = decode_scout(decode, ring, from + scout) - from;
	}
	while (at < left) {
		uint64_t word = merge_word(ring, from + at);

		if (scout < left)
			scout = decode_scout(decode, ring, from + scout) - from;
		switch (word >> WIRE_KIND_SHIFT) {
		case WIRE_ALLOC:
			if (left - at >= 2) {
				uint64_t more = merge_word(ring, from + at + 1);

				decode_alloc(decode, stream, word, (uint32_t)more, more >> 32);
				at += 2;
				continue;
			}
			break;
		case WIRE_FREE:
			decode_free(decode, stream, word);
			at += 1;
			continue;
		case WIRE_TICKET:
			if (at)
				return from + at;
			at += 1;
			continue;
		}
		if (record_words(word) > left - at) {
			decode->counts.records_broken++;
			return limit;
		}
		decode_rare(decode, stream, ring, from + at);
		at += record_words(word);
	}
	return limit;
}

void decode_stream_end(struct decode *decode, struct stream *stream)
{
	if (stream->realloc_pending)
		decode_realloc_keep(decode, stream);
	if (stream->unmap_pending)
		decode_unmap_end(decode, stream, false);
	ranges_cut_deinit(&stream->unmap_cut);
	*stream = (struct stream){0};
}
