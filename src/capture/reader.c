#include "capture/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/dictionary.h"
#include "capture/format.h"
#include "capture/input.h"
#include "capture/meta.h"
#include "capture/notes.h"
#include "capture/rows.h"
#include "capture/window.h"

/*
 *  1. Chunks are taken in the order of the file; a chunk with a problem is the last one looked at.
 *  2. What is handed out names only what dictionary chunks before it defined.
 *  3. in_events: the decoder is within the chunk before next_chunk.
 */
struct capture_reader {
	struct input *input;
	const struct input_chunk *chunks;
	size_t chunk_count, next_chunk;
	struct meta meta;
	struct dictionary *dictionary;
	struct decoder *decoder; /* made with the first events */
	struct notes_reader notes;
	struct rows_reader rows;

	bool windowed;
	struct window window;
	bool in_events;
	uint64_t events_ns; /* where the last event chunk ended */
	uint64_t bytes_total, bytes_done;
	char damage[256];
	struct capture_chunk_sum sums[FORMAT_CHUNK_TYPES];
	size_t sum_count;
};

static void reader_damaged(struct capture_reader *r, const char *problem)
{
	const struct input_chunk *chunk = &r->chunks[r->next_chunk - 1];

	snprintf(r->damage, sizeof(r->damage), "chunk %zu (%s) at byte %llu: %s", r->next_chunk - 1,
		 format_chunk_name(chunk->head.type), (unsigned long long)chunk->offset, problem);
	r->next_chunk = r->chunk_count;
	r->in_events = false;
}

static int reader_read_meta(struct capture_reader *r, const char *path, struct error *err)
{
	const unsigned char *payload;
	const char *problem;
	size_t length;

	if (!r->chunk_count)
		return error_set(err, ERROR_CAPTURE,
				 "%s holds nothing but its header: its recording ended before "
				 "anything was written, or it was cut",
				 path);
	problem = r->chunks[0].head.type == FORMAT_META ? input_load(r->input, 0, &payload, &length)
							: "there is no first chunk";
	if (!problem)
		problem = meta_parse(&r->meta, payload, length);
	if (problem)
		return error_set(err, ERROR_CAPTURE, "cannot read the start of %s: %s", path,
				 problem);
	r->next_chunk = 1;
	return 0;
}

static void reader_sum_chunks(struct capture_reader *r)
{
	struct capture_chunk_sum sums[FORMAT_CHUNK_TYPES] = {0};

	for (size_t i = 0; i < r->chunk_count; i++) {
		const struct format_chunk *head = &r->chunks[i].head;
		struct capture_chunk_sum *sum =
			&sums[head->type < FORMAT_CHUNK_TYPES ? head->type : 0];

		sum->type = format_chunk_name(head->type);
		sum->chunks++;
		sum->raw_bytes += head->raw_bytes;
		sum->stored_bytes += FORMAT_CHUNK_BYTES + head->stored_bytes;
	}
	/* Those of unknown types come last. */
	for (unsigned i = 1; i <= FORMAT_CHUNK_TYPES; i++) {
		if (sums[i % FORMAT_CHUNK_TYPES].chunks)
			r->sums[r->sum_count++] = sums[i % FORMAT_CHUNK_TYPES];
	}
}

int reader_open(const char *path, struct capture_reader **out, struct error *err)
{
	struct capture_reader *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return error_set(err, ERROR_FAILED, "out of memory");
	rows_reader_init(&r->rows);
	r->dictionary = dictionary_create();
	if (!r->dictionary)
		result = error_set(err, ERROR_FAILED, "out of memory");
	else
		result = input_open(path, &r->input, err);
	if (result == 0) {
		r->chunk_count = input_chunks(r->input, &r->chunks);
		result = reader_read_meta(r, path, err);
	}
	if (result < 0) {
		reader_close(r);
		return result;
	}
	reader_sum_chunks(r);
	*out = r;
	return 0;
}

void reader_close(struct capture_reader *r)
{
	if (!r)
		return;
	input_close(r->input);
	meta_deinit(&r->meta);
	dictionary_destroy(r->dictionary);
	decoder_destroy(r->decoder);
	notes_reader_deinit(&r->notes);
	rows_reader_deinit(&r->rows);
	window_deinit(&r->window);
	free(r);
}

const struct capture_start *reader_start(const struct capture_reader *r)
{
	return &r->meta.start;
}

unsigned reader_version(const struct capture_reader *r)
{
	return input_version(r->input);
}

bool reader_complete(const struct capture_reader *r)
{
	return input_complete(r->input);
}

const char *reader_damage(const struct capture_reader *r)
{
	return r->damage[0] ? r->damage : input_damage(r->input);
}

uint64_t reader_file_bytes(const struct capture_reader *r)
{
	return input_bytes(r->input);
}

uint64_t reader_event_count(const struct capture_reader *r)
{
	uint64_t events = 0;

	for (size_t i = 0; i < r->chunk_count; i++) {
		if (r->chunks[i].head.type == FORMAT_EVENTS)
			events += r->chunks[i].head.events;
	}
	return events;
}

uint64_t reader_duration_ns(const struct capture_reader *r)
{
	uint64_t last_ns = 0;

	for (size_t i = 0; i < r->chunk_count; i++) {
		if (r->chunks[i].head.last_ns > last_ns)
			last_ns = r->chunks[i].head.last_ns;
	}
	return last_ns;
}

void reader_window(struct capture_reader *r, uint64_t from_ns, uint64_t to_ns)
{
	window_deinit(&r->window);
	window_init(&r->window, from_ns, to_ns);
	r->windowed = from_ns > 0 || to_ns <= reader_duration_ns(r);
}

/* Event times are rounded down: by less than a unit in their chunk, and to the start of its first
 * unit at least. */
static bool reader_is_outside(const struct capture_reader *r, const struct format_chunk *head)
{
	return r->windowed && head->type == FORMAT_EVENTS &&
	       (head->last_ns < r->window.from_ns ||
		(head->first_ns >> CODE_TIME_SHIFT << CODE_TIME_SHIFT) >= r->window.to_ns);
}

static bool reader_is_read(const struct capture_reader *r, const struct format_chunk *head)
{
	return !reader_is_outside(r, head) && head->type != FORMAT_INDEX;
}

static void reader_begin(struct capture_reader *r)
{
	r->decoder = decoder_create(!r->windowed);
	for (size_t i = r->next_chunk; i < r->chunk_count; i++) {
		if (reader_is_read(r, &r->chunks[i].head))
			r->bytes_total += r->chunks[i].head.stored_bytes;
	}
}

static const char *reader_add_chunk(struct capture_reader *r, const struct format_chunk *head,
				    const unsigned char *payload, size_t length)
{
	switch (head->type) {
	case FORMAT_DICTIONARY:
		return dictionary_add(r->dictionary, payload, length);
	case FORMAT_ROWS:
		return rows_reader_add(&r->rows, payload, length, head->flags & FORMAT_PARTIAL,
				       dictionary_stacks(r->dictionary),
				       dictionary_threads(r->dictionary));
	case FORMAT_NOTES:
		return notes_reader_add(&r->notes, payload, length, r->dictionary);
	case FORMAT_EVENTS:
		r->in_events = true;
		return decoder_begin(r->decoder,
				     &(struct decoder_chunk){
					     .payload = payload,
					     .length = length,
					     .events = head->events,
					     .first_ns = head->first_ns,
					     .last_ns = head->last_ns,
					     .stacks = dictionary_stacks(r->dictionary),
					     .threads = dictionary_threads(r->dictionary),
				     });
	case FORMAT_META:
		return "there is a second start";
	default:
		return head->flags & FORMAT_REQUIRED
			       ? "only a newer sonde can read it and what follows"
			       : NULL;
	}
}

/* Takes the next chunk, which there must be. */
static void reader_take_chunk(struct capture_reader *r)
{
	size_t index = r->next_chunk++;
	const struct format_chunk *head = &r->chunks[index].head;
	const unsigned char *payload;
	const char *problem = NULL;
	size_t length;

	if (head->type == FORMAT_EVENTS) {
		if (head->first_ns < r->events_ns) {
			reader_damaged(r, "its time is before what came before it");
			return;
		}
		r->events_ns = head->last_ns;
	}
	if (!reader_is_read(r, head))
		return;
	problem = input_load(r->input, index, &payload, &length);
	if (!problem)
		problem = reader_add_chunk(r, head, payload, length);
	if (problem)
		reader_damaged(r, problem);
	else if (!r->in_events)
		r->bytes_done += head->stored_bytes;
}

/* What is left of the chunk that the decoder is in, up to max events. */
static size_t reader_decode(struct capture_reader *r, struct event *events, size_t max)
{
	size_t decoded = decoder_run(r->decoder, events, max);
	const char *problem = NULL;
	size_t kept = decoded;

	if (r->windowed)
		kept = window_filter(&r->window, events, decoded, &problem);
	if (decoded < max) {
		if (!problem)
			problem = decoder_problem(r->decoder);
		r->in_events = false;
		r->bytes_done += r->chunks[r->next_chunk - 1].head.stored_bytes;
	}
	if (problem)
		reader_damaged(r, problem);
	return kept;
}

size_t reader_events(struct capture_reader *r, struct event *events, size_t max)
{
	size_t n = 0;

	if (!r->decoder)
		reader_begin(r);
	if (!r->decoder) {
		snprintf(r->damage, sizeof(r->damage), "no memory to read it");
		return 0;
	}
	while (n < max) {
		if (r->in_events)
			n += reader_decode(r, events + n, max - n);
		else if (r->next_chunk < r->chunk_count)
			reader_take_chunk(r);
		else
			break;
	}
	if (!n)
		rows_reader_settle(&r->rows);
	return n;
}

double reader_progress(const struct capture_reader *r)
{
	double done = (double)r->bytes_done;

	if (!r->decoder)
		return 0;
	if (r->in_events)
		done += decoder_progress(r->decoder) *
			r->chunks[r->next_chunk - 1].head.stored_bytes;
	else if (r->next_chunk == r->chunk_count)
		return 1;
	return r->bytes_total ? done / (double)r->bytes_total : 1;
}

uint32_t reader_frame_count(const struct capture_reader *r)
{
	return dictionary_frames(r->dictionary);
}

uint32_t reader_stack_count(const struct capture_reader *r)
{
	return dictionary_stacks(r->dictionary);
}

const struct capture_frame *reader_frame(const struct capture_reader *r, frame_id frame)
{
	return dictionary_frame(r->dictionary, frame);
}

void reader_stack(const struct capture_reader *r, stack_id stack, stack_id *parent, frame_id *frame)
{
	dictionary_stack(r->dictionary, stack, parent, frame);
}

uint32_t reader_process_count(const struct capture_reader *r)
{
	return dictionary_processes(r->dictionary);
}

const struct capture_process_info *reader_process(const struct capture_reader *r, process_id p)
{
	return dictionary_process(r->dictionary, p);
}

uint32_t reader_thread_count(const struct capture_reader *r)
{
	return dictionary_threads(r->dictionary);
}

const struct capture_thread_info *reader_thread(const struct capture_reader *r, thread_id t)
{
	return dictionary_thread(r->dictionary, t);
}

size_t reader_rss(const struct capture_reader *r, const struct capture_rss **samples)
{
	*samples = r->notes.rss;
	return r->notes.rss_count;
}

const uint64_t *reader_lost(const struct capture_reader *r)
{
	return r->notes.lost;
}

size_t reader_rows(const struct capture_reader *r, const struct tally_row **rows)
{
	*rows = r->rows.rows;
	return r->rows.count;
}

const struct tally_totals *reader_totals(const struct capture_reader *r)
{
	return r->meta.start.mode == CAPTURE_AGGREGATE ? &r->rows.totals : NULL;
}

size_t reader_chunk_sums(const struct capture_reader *r, const struct capture_chunk_sum **sums)
{
	*sums = r->sums;
	return r->sum_count;
}
