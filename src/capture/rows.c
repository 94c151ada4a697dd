#include "capture/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "capture/format.h"
#include "capture/section.h"
#include "capture/tally_rows.h"

#define ROWS_CHUNK_BYTES   (256u << 10)
#define ROWS_PENDING_BYTES (1ull << 30)
#define ROWS_FIRST         256u

void rows_writer_init(struct rows_writer *w)
{
	*w = (struct rows_writer){0};
	buffer_init(&w->body, FORMAT_PAYLOAD_MAX);
}

void rows_writer_deinit(struct rows_writer *w)
{
	free(w->written);
	buffer_deinit(&w->body);
}

static bool counts_same(const struct tally_counts *a, const struct tally_counts *b)
{
	return a->bytes == b->bytes && a->count == b->count;
}

static void add_counts(struct buffer *out, const struct tally_counts *counts,
		       const struct tally_counts *from)
{
	section_add_difference(out, counts->bytes, from->bytes);
	section_add_difference(out, counts->count, from->count);
}

/* FORMAT_ROW_* of the counts that the file does not have yet. A peak that was saved is no change by
 * itself: it is the live that the file has, or the row has changed since. */
static unsigned row_changes(const struct tally_row *row, const struct tally_row *written)
{
	unsigned mask = 0;

	if (!counts_same(&row->total, &written->total))
		mask |= FORMAT_ROW_TOTAL;
	if (!counts_same(&row->live, &written->live))
		mask |= FORMAT_ROW_LIVE;
	if (!counts_same(&row->temporary, &written->temporary))
		mask |= FORMAT_ROW_TEMPORARY;
	return mask;
}

static void write_row(struct buffer *out, const struct tally_row *row, struct tally_row *written,
		      unsigned mask)
{
	buffer_add_byte(out, (uint8_t)mask);
	if (mask & FORMAT_ROW_TOTAL)
		add_counts(out, &row->total, &written->total);
	if (mask & FORMAT_ROW_LIVE)
		add_counts(out, &row->live, &written->live);
	if (mask & FORMAT_ROW_TEMPORARY)
		add_counts(out, &row->temporary, &written->temporary);
	if (mask & FORMAT_ROW_PEAK)
		add_counts(out, &row->peak, &row->live);
	*written = *row;
}

static void write_totals(struct buffer *out, const struct tally_totals *totals)
{
	static const struct tally_counts none;
	struct buffer body;

	buffer_init(&body, FORMAT_PAYLOAD_MAX);
	add_counts(&body, &totals->allocated, &none);
	add_counts(&body, &totals->freed, &none);
	add_counts(&body, &totals->live, &none);
	buffer_add_varint(&body, totals->peak_bytes);
	buffer_add_varint(&body, totals->peak_count);
	buffer_add_varint(&body, totals->peak_time_ns);
	buffer_add_varint(&body, ALLOCATOR_END);
	for (unsigned i = 0; i < ALLOCATOR_END; i++)
		add_counts(&body, &totals->by_allocator[i], &none);
	buffer_add_varint(&body, 65);
	for (unsigned i = 0; i < 65; i++)
		buffer_add_varint(&body, totals->size_histogram[i]);
	section_add(out, FORMAT_TOTALS, &body);
	buffer_deinit(&body);
}

static void rows_writer_grow(struct rows_writer *w, size_t count)
{
	if (count <= w->size)
		return;
	while (w->size < count)
		w->size = w->size ? w->size * 2 : ROWS_FIRST;
	w->written = memory_check(realloc(w->written, w->size * sizeof(*w->written)),
				  "the rows of the capture");
}

bool rows_writer_take(struct rows_writer *w, const struct tally *tally, struct buffer *out)
{
	const struct tally_row *rows;
	uint32_t epoch;
	size_t count = tally_rows(tally, &rows, &epoch);
	size_t last = 0; /* row after the one written last */
	bool again = epoch < w->epoch;
	stack_id last_stack = 0;

	rows_writer_grow(w, count);
	buffer_clear(&w->body);
	buffer_add_varint(&w->body, epoch);
	for (; w->next < count && w->body.used < ROWS_CHUNK_BYTES; w->next++) {
		const struct tally_row *row = &rows[w->next];
		struct tally_row *written = &w->written[w->next];
		bool new = w->next == w->count;
		unsigned mask;

		if (new)
			*written = (struct tally_row){0};
		mask = row_changes(row, written);
		if (!mask && !new && !again)
			continue;
		if (row->peak_epoch == epoch)
			mask |= FORMAT_ROW_PEAK;
		buffer_add_varint(&w->body, w->next - last);
		if (new) {
			section_add_difference(&w->body, row->stack, last_stack);
			buffer_add_varint(&w->body, row->thread);
			buffer_add_varint(&w->body, row->allocator);
			last_stack = row->stack;
			w->count++;
		}
		write_row(&w->body, row, written, mask);
		last = w->next + 1;
	}
	section_add(out, FORMAT_ROW_CHANGES, &w->body);
	if (w->next < count)
		return false;
	write_totals(out, tally_totals(tally));
	w->next = 0;
	w->epoch = epoch;
	return true;
}

void rows_reader_init(struct rows_reader *r)
{
	*r = (struct rows_reader){0};
	buffer_init(&r->pending, ROWS_PENDING_BYTES);
}

void rows_reader_deinit(struct rows_reader *r)
{
	free(r->rows);
	buffer_deinit(&r->pending);
}

static void read_counts(struct cursor *c, struct tally_counts *counts)
{
	counts->bytes = section_difference(c, counts->bytes);
	counts->count = section_difference(c, counts->count);
}

static const char *read_new_row(struct rows_reader *r, struct cursor *c, stack_id *last_stack,
				stack_id stacks, thread_id threads)
{
	uint64_t stack = section_difference(c, *last_stack);
	uint64_t thread = cursor_varint(c);
	uint64_t allocator = cursor_varint(c);

	if (c->failed || stack > stacks || thread > threads || allocator > 255)
		return "a row names what is not there";
	if (r->count == r->size) {
		size_t size = r->size ? r->size * 2 : ROWS_FIRST;
		struct tally_row *rows = realloc(r->rows, size * sizeof(*rows));

		if (!rows)
			return "more rows than memory";
		r->rows = rows;
		r->size = size;
	}
	*last_stack = (stack_id)stack;
	r->rows[r->count++] = (struct tally_row){
		.stack = (stack_id)stack,
		.thread = (thread_id)thread,
		.allocator = (uint32_t)allocator,
	};
	return NULL;
}

static const char *read_changes(struct rows_reader *r, struct cursor *c, stack_id stacks,
				thread_id threads)
{
	uint64_t next = 0;
	stack_id last_stack = 0;

	r->epoch = (uint32_t)cursor_bounded(c, UINT32_MAX);
	if (!r->epoch)
		return "rows without an epoch";
	while (cursor_left(c)) {
		uint64_t index = next + cursor_bounded(c, UINT32_MAX);
		struct tally_row *row;
		unsigned mask;

		if (index > r->count)
			return "a row is left out";
		if (index == r->count) {
			const char *problem = read_new_row(r, c, &last_stack, stacks, threads);

			if (problem)
				return problem;
		}
		row = &r->rows[index];
		next = index + 1;
		mask = cursor_byte(c);
		if (mask & FORMAT_ROW_TOTAL)
			read_counts(c, &row->total);
		if (mask & FORMAT_ROW_LIVE)
			read_counts(c, &row->live);
		if (mask & FORMAT_ROW_TEMPORARY)
			read_counts(c, &row->temporary);
		row->peak_epoch = 0;
		if (mask & FORMAT_ROW_PEAK) {
			row->peak = row->live;
			read_counts(c, &row->peak);
			row->peak_epoch = r->epoch;
		}
		if (c->failed)
			return "a row breaks off";
	}
	return NULL;
}

static const char *read_totals(struct cursor *c, struct tally_totals *totals)
{
	uint64_t count;

	*totals = (struct tally_totals){0};
	read_counts(c, &totals->allocated);
	read_counts(c, &totals->freed);
	read_counts(c, &totals->live);
	totals->peak_bytes = cursor_varint(c);
	totals->peak_count = cursor_varint(c);
	totals->peak_time_ns = cursor_varint(c);
	count = cursor_bounded(c, cursor_left(c));
	for (uint64_t i = 0; i < count; i++) {
		struct tally_counts counts = {0};
		unsigned allocator = i < ALLOCATOR_END ? (unsigned)i : ALLOCATOR_NONE;

		read_counts(c, &counts);
		totals->by_allocator[allocator].bytes += counts.bytes;
		totals->by_allocator[allocator].count += counts.count;
	}
	count = cursor_bounded(c, 65);
	for (uint64_t i = 0; i < count; i++)
		totals->size_histogram[i] = cursor_varint(c);
	return c->failed ? "totals break off" : NULL;
}

static const char *rows_reader_apply(struct rows_reader *r, stack_id stacks, thread_id threads)
{
	struct cursor payload = cursor_over(r->pending.data, r->pending.used);
	struct section section;
	bool complete = false;

	while (section_next(&payload, &section)) {
		const char *problem = NULL;

		if (section.type == FORMAT_ROW_CHANGES) {
			problem = read_changes(r, &section.body, stacks, threads);
		} else if (section.type == FORMAT_TOTALS) {
			problem = read_totals(&section.body, &r->totals);
			complete = true;
		}
		if (problem)
			return problem;
	}
	if (payload.failed || !complete)
		return "a state of the rows breaks off";
	buffer_clear(&r->pending);
	return NULL;
}

const char *rows_reader_add(struct rows_reader *r, const unsigned char *payload, size_t length,
			    bool partial, stack_id stacks, thread_id threads)
{
	buffer_add(&r->pending, payload, length);
	if (r->pending.failed)
		return "a state of the rows that is too large";
	return partial ? NULL : rows_reader_apply(r, stacks, threads);
}

void rows_reader_settle(struct rows_reader *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->rows[i].peak_epoch != r->epoch)
			r->rows[i].peak = r->rows[i].live;
	}
}
