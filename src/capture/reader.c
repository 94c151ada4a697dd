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
#include "capture/sample_decoder.h"
#include "capture/window.h"

/*
 *  1. A pass takes chunks in the order of the file; a chunk with a problem is the last one that any
 *     pass looks at: chunk_end is there.
 *  2. What is handed out names only what dictionary chunks before it defined.
 *  3. What all passes need (dictionaries, notes) is read by the one that comes there first: it was,
 *     of the chunks before common_end.
 */

/* Events, or samples: what one goes through the file for. */
struct reader_pass {
	uint16_t type; /* enum format_chunk_type */
	bool begun;
	size_t next_chunk;
	bool inside;     /* its decoder is within the chunk before next_chunk */
	uint64_t end_ns; /* where the last chunk of its type ended */
	uint64_t bytes_total, bytes_done;
};

struct capture_reader {
	struct input *input;
	const struct input_chunk *chunks;
	size_t chunk_count, chunk_end, common_end;
	struct meta meta;
	struct dictionary *dictionary;
	struct reader_pass events, samples;
	const struct reader_pass *last_pass;
	struct decoder *decoder;               /* made with the first events */
	struct sample_decoder *sample_decoder; /* made with the first samples */
	struct notes_reader notes;
	struct rows_reader rows;

	bool windowed;
	struct window window;
	char damage[256];
	struct capture_chunk_sum sums[FORMAT_CHUNK_TYPES];
	size_t sum_count;
};

/* The chunk before next_chunk has a problem. */
static void reader_damaged(struct capture_reader *r, struct reader_pass *pass, const char *problem)
{
	size_t index = pass->next_chunk - 1;
	const struct input_chunk *chunk = &r->chunks[index];

	if (!r->damage[0])
		snprintf(r->damage, sizeof(r->damage), "chunk %zu (%s) at byte %llu: %s", index,
			 format_chunk_name(chunk->head.type), (unsigned long long)chunk->offset,
			 problem);
	r->chunk_end = index;
	pass->inside = false;
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
	r->chunk_end = r->chunk_count;
	r->common_end = 1;
	r->events = (struct reader_pass){.type = FORMAT_EVENTS, .next_chunk = 1};
	r->samples = (struct reader_pass){.type = FORMAT_SAMPLES, .next_chunk = 1};
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
	sample_decoder_destroy(r->sample_decoder);
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

static uint64_t reader_count(const struct capture_reader *r, unsigned type)
{
	uint64_t count = 0;

	for (size_t i = 0; i < r->chunk_count; i++) {
		if (r->chunks[i].head.type == type)
			count += r->chunks[i].head.events;
	}
	return count;
}

uint64_t reader_event_count(const struct capture_reader *r)
{
	return reader_count(r, FORMAT_EVENTS);
}

uint64_t reader_sample_count(const struct capture_reader *r)
{
	return reader_count(r, FORMAT_SAMPLES);
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
 * unit at least. Those of samples are not before the start of their chunk. */
static bool reader_is_outside(const struct capture_reader *r, const struct format_chunk *head)
{
	uint64_t first_ns = head->first_ns;

	if (head->type == FORMAT_EVENTS)
		first_ns = first_ns >> CODE_TIME_SHIFT << CODE_TIME_SHIFT;
	return r->windowed && (head->last_ns < r->window.from_ns || first_ns >= r->window.to_ns);
}

/* Whether a pass has to read a chunk. */
static bool reader_is_read(const struct capture_reader *r, const struct reader_pass *pass,
			   size_t index)
{
	const struct format_chunk *head = &r->chunks[index].head;

	switch (head->type) {
	case FORMAT_EVENTS:
	case FORMAT_SAMPLES:
		return head->type == pass->type && !reader_is_outside(r, head);
	case FORMAT_ROWS:
		return pass->type == FORMAT_EVENTS;
	case FORMAT_INDEX:
		return false;
	default:
		return index >= r->common_end;
	}
}

/* False if there is no decoder. */
static bool reader_begin(struct capture_reader *r, struct reader_pass *pass)
{
	struct reader_pass *other = pass == &r->events ? &r->samples : &r->events;

	/* Its decoder is in a payload that goes away. */
	if (other->begun) {
		other->inside = false;
		other->next_chunk = r->chunk_count;
	}
	r->last_pass = pass;
	if (!pass->begun) {
		pass->begun = true;
		if (pass->type == FORMAT_EVENTS)
			r->decoder = decoder_create(!r->windowed);
		else
			r->sample_decoder = sample_decoder_create();
		for (size_t i = pass->next_chunk; i < r->chunk_end; i++) {
			if (reader_is_read(r, pass, i))
				pass->bytes_total += r->chunks[i].head.stored_bytes;
		}
	}
	if (pass->type == FORMAT_EVENTS ? r->decoder != NULL : r->sample_decoder != NULL)
		return true;
	snprintf(r->damage, sizeof(r->damage), "no memory to read it");
	return false;
}

static const char *reader_begin_events(struct capture_reader *r, const struct format_chunk *head,
				       const unsigned char *payload, size_t length)
{
	return decoder_begin(r->decoder, &(struct decoder_chunk){
						 .payload = payload,
						 .length = length,
						 .events = head->events,
						 .first_ns = head->first_ns,
						 .last_ns = head->last_ns,
						 .stacks = dictionary_stacks(r->dictionary),
						 .threads = dictionary_threads(r->dictionary),
					 });
}

static const char *reader_begin_samples(struct capture_reader *r, const struct format_chunk *head,
					const unsigned char *payload, size_t length)
{
	return sample_decoder_begin(r->sample_decoder,
				    &(struct sample_chunk){
					    .payload = payload,
					    .length = length,
					    .samples = head->events,
					    .first_ns = head->first_ns,
					    .last_ns = head->last_ns,
					    .stacks = dictionary_stacks(r->dictionary),
					    .threads = dictionary_threads(r->dictionary),
				    });
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
		return reader_begin_events(r, head, payload, length);
	case FORMAT_SAMPLES:
		return reader_begin_samples(r, head, payload, length);
	case FORMAT_META:
		return "there is a second start";
	default:
		return head->flags & FORMAT_REQUIRED
			       ? "only a newer sonde can read it and what follows"
			       : NULL;
	}
}

/* Takes the next chunk, which there must be. */
static void reader_take_chunk(struct capture_reader *r, struct reader_pass *pass)
{
	size_t index = pass->next_chunk++;
	const struct format_chunk *head = &r->chunks[index].head;
	bool is_read = reader_is_read(r, pass, index);
	const unsigned char *payload;
	const char *problem = NULL;
	size_t length;

	if (r->common_end <= index)
		r->common_end = index + 1;
	if (head->type == pass->type) {
		if (head->first_ns < pass->end_ns) {
			reader_damaged(r, pass, "its time is before what came before it");
			return;
		}
		pass->end_ns = head->last_ns;
	}
	if (!is_read)
		return;
	problem = input_load(r->input, index, &payload, &length);
	if (!problem)
		problem = reader_add_chunk(r, head, payload, length);
	if (problem)
		reader_damaged(r, pass, problem);
	else if (head->type == pass->type)
		pass->inside = true;
	else
		pass->bytes_done += head->stored_bytes;
}

/* The decoder of the pass came to the end of its chunk, or to what is wrong with it. */
static void reader_end_chunk(struct capture_reader *r, struct reader_pass *pass)
{
	pass->inside = false;
	pass->bytes_done += r->chunks[pass->next_chunk - 1].head.stored_bytes;
}

/* What is left of the chunk that the decoder is in, up to max events. */
static size_t reader_decode_events(struct capture_reader *r, struct event *events, size_t max)
{
	size_t decoded = decoder_run(r->decoder, events, max);
	const char *problem = NULL;
	size_t kept = decoded;

	if (r->windowed)
		kept = window_filter(&r->window, events, decoded, &problem);
	if (decoded < max) {
		if (!problem)
			problem = decoder_problem(r->decoder);
		reader_end_chunk(r, &r->events);
	}
	if (problem)
		reader_damaged(r, &r->events, problem);
	return kept;
}

static size_t reader_decode_samples(struct capture_reader *r, struct sample_event *samples,
				    size_t max)
{
	size_t decoded = sample_decoder_run(r->sample_decoder, samples, max);
	size_t kept = decoded;

	if (r->windowed)
		kept = window_filter_samples(&r->window, samples, decoded);
	if (decoded < max) {
		const char *problem = sample_decoder_problem(r->sample_decoder);

		reader_end_chunk(r, &r->samples);
		if (problem)
			reader_damaged(r, &r->samples, problem);
	}
	return kept;
}

size_t reader_events(struct capture_reader *r, struct event *events, size_t max)
{
	struct reader_pass *pass = &r->events;
	size_t n = 0;

	if (!reader_begin(r, pass))
		return 0;
	while (n < max) {
		if (pass->inside)
			n += reader_decode_events(r, events + n, max - n);
		else if (pass->next_chunk < r->chunk_end)
			reader_take_chunk(r, pass);
		else
			break;
	}
	if (!n)
		rows_reader_settle(&r->rows);
	return n;
}

size_t reader_samples(struct capture_reader *r, struct sample_event *samples, size_t max)
{
	struct reader_pass *pass = &r->samples;
	size_t n = 0;

	if (!reader_begin(r, pass))
		return 0;
	while (n < max) {
		if (pass->inside)
			n += reader_decode_samples(r, samples + n, max - n);
		else if (pass->next_chunk < r->chunk_end)
			reader_take_chunk(r, pass);
		else
			break;
	}
	return n;
}

void reader_check(struct capture_reader *r)
{
	struct sample_event samples[512];
	struct event events[512];

	while (reader_events(r, events, 512))
		;
	while (reader_samples(r, samples, 512))
		;
}

const struct capture_sampling *reader_sampling(const struct capture_reader *r)
{
	return r->notes.has_sampling ? &r->notes.sampling : NULL;
}

double reader_progress(const struct capture_reader *r)
{
	const struct reader_pass *pass = r->last_pass;
	double done;

	if (!pass)
		return 0;
	done = (double)pass->bytes_done;
	if (pass->inside)
		done += (pass->type == FORMAT_EVENTS ? decoder_progress(r->decoder)
						     : sample_decoder_progress(r->sample_decoder)) *
			r->chunks[pass->next_chunk - 1].head.stored_bytes;
	else if (pass->next_chunk >= r->chunk_end)
		return 1;
	return pass->bytes_total ? done / (double)pass->bytes_total : 1;
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
