#include "capture/writer.h"

#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "capture/aggregate.h"
#include "capture/encoder.h"
#include "capture/format.h"
#include "capture/interner.h"
#include "capture/meta.h"
#include "capture/notes.h"
#include "capture/output.h"
#include "capture/sample_encoder.h"

/*
 *  1. A chunk is sealed only after everything that it names is in a sealed dictionary chunk.
 *  2. chunk_begun: the encoder holds a chunk that began at chunk_first_ns; samples_begun: the same
 *     of the sample encoder and samples_first_ns.
 *  3. pending_since_ns is not 0 while there is anything that is not sealed.
 */
#define WRITER_DICTIONARY_BYTES (256u << 10)
#define WRITER_NOTES_BYTES      (64u << 10)

/* Events are right to about a millisecond: a time is written when the last one is this far back. */
#define WRITER_TIME_UNITS 1024u

struct capture_writer {
	struct output *out;
	uint32_t mode; /* enum capture_mode */
	struct interner *interner;
	struct encoder *encoder;               /* full mode */
	struct aggregate aggregate;            /* aggregate mode */
	struct sample_encoder *sample_encoder; /* made with the first samples */
	struct notes_writer notes;
	struct buffer payload; /* the chunk being sealed */

	uint64_t time_ns;
	bool chunk_begun;
	uint64_t chunk_first_ns;
	uint64_t sampling_period_ns;
	uint64_t samples_ns; /* of the last round */
	bool samples_begun;
	uint64_t samples_first_ns;
	uint64_t pending_since_ns; /* CLOCK_MONOTONIC */
	uint64_t events;
};

static uint64_t writer_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* How far the recording has come. */
static uint64_t writer_now_ns(const struct capture_writer *w)
{
	return w->time_ns > w->samples_ns ? w->time_ns : w->samples_ns;
}

static inline void writer_pending(struct capture_writer *w)
{
	if (!w->pending_since_ns)
		w->pending_since_ns = writer_clock_ns();
}

/* Seals w->payload. */
static void writer_seal_payload(struct capture_writer *w, struct output_chunk *chunk)
{
	if (w->payload.failed)
		output_fail(w->out, "out of memory");
	chunk->parts[0] = (struct output_part){w->payload.data, w->payload.used};
	output_seal(w->out, chunk);
	buffer_clear(&w->payload);
}

static void writer_seal_dictionary(struct capture_writer *w)
{
	if (!interner_pending_bytes(w->interner))
		return;
	interner_take(w->interner, &w->payload);
	writer_seal_payload(w, &(struct output_chunk){
				       .type = FORMAT_DICTIONARY,
				       .flags = FORMAT_REQUIRED,
				       .first_ns = writer_now_ns(w),
				       .last_ns = writer_now_ns(w),
			       });
}

static void writer_seal_notes(struct capture_writer *w)
{
	struct output_chunk chunk = {
		.type = FORMAT_NOTES,
		.first_ns = w->notes.first_ns,
		.last_ns = w->notes.last_ns,
	};

	if (!notes_writer_pending_bytes(&w->notes))
		return;
	writer_seal_dictionary(w);
	notes_writer_take(&w->notes, &w->payload);
	writer_seal_payload(w, &chunk);
}

static void writer_seal_events(struct capture_writer *w)
{
	struct encoder_payload payload;

	if (!w->chunk_begun)
		return;
	writer_seal_dictionary(w);
	payload = encoder_payload(w->encoder);
	output_seal(w->out, &(struct output_chunk){
				    .type = FORMAT_EVENTS,
				    .flags = FORMAT_REQUIRED,
				    .events = payload.events,
				    .first_ns = w->chunk_first_ns,
				    .last_ns = w->time_ns,
				    .parts = {{payload.codes, payload.code_bytes},
					      {payload.arguments, payload.argument_bytes}},
			    });
	w->chunk_begun = false;
}

static void writer_seal_samples(struct capture_writer *w)
{
	struct sample_payload payload;

	if (!w->samples_begun)
		return;
	writer_seal_dictionary(w);
	if (sample_encoder_payload(w->sample_encoder, &payload))
		output_seal(w->out, &(struct output_chunk){
					    .type = FORMAT_SAMPLES,
					    .events = payload.samples,
					    .first_ns = w->samples_first_ns,
					    .last_ns = w->samples_ns,
					    .parts = {{payload.codes, payload.code_bytes},
						      {payload.arguments, payload.argument_bytes},
						      {payload.times, payload.time_bytes}},
				    });
	else
		output_fail(w->out, "out of memory");
	w->samples_begun = false;
}

static void writer_seal_rows(struct capture_writer *w, bool now)
{
	struct aggregate *a = &w->aggregate;
	uint64_t before = output_bytes(w->out);
	bool complete;

	if (!aggregate_changed(a) || (!now && !aggregate_is_due(a, w->time_ns)))
		return;
	writer_seal_dictionary(w);
	do {
		complete = rows_writer_take(&a->rows, a->tally, &w->payload);
		writer_seal_payload(
			w, &(struct output_chunk){
				   .type = FORMAT_ROWS,
				   .flags = FORMAT_REQUIRED | (complete ? 0 : FORMAT_PARTIAL),
				   .first_ns = w->time_ns,
				   .last_ns = w->time_ns,
			   });
	} while (!complete);
	aggregate_sealed(a, output_bytes(w->out) - before);
}

static void writer_seal_all(struct capture_writer *w, bool now)
{
	writer_seal_dictionary(w);
	if (w->mode == CAPTURE_FULL)
		writer_seal_events(w);
	else
		writer_seal_rows(w, now);
	writer_seal_samples(w);
	writer_seal_notes(w);
	/* Rows that had to wait are still there. */
	w->pending_since_ns = w->mode == CAPTURE_AGGREGATE && aggregate_changed(&w->aggregate)
				      ? writer_clock_ns()
				      : 0;
}

static void writer_discard(struct capture_writer *w)
{
	interner_destroy(w->interner);
	encoder_destroy(w->encoder);
	sample_encoder_destroy(w->sample_encoder);
	if (w->mode == CAPTURE_AGGREGATE)
		aggregate_deinit(&w->aggregate);
	notes_writer_deinit(&w->notes);
	buffer_deinit(&w->payload);
	free(w);
}

int writer_open(const char *path, bool replace, const struct capture_start *start,
		struct capture_writer **out, struct error *err)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int result;

	if (!w)
		return error_set(err, ERROR_FAILED, "out of memory");
	w->mode = start->mode;
	w->sampling_period_ns = start->sampling_period_ns;
	buffer_init(&w->payload, FORMAT_PAYLOAD_MAX);
	notes_writer_init(&w->notes);
	w->interner = interner_create();
	if (w->mode == CAPTURE_FULL)
		w->encoder = encoder_create();
	else
		aggregate_init(&w->aggregate, (uint32_t)start->temporary_threshold,
			       start->sample_rate_bytes);
	result = output_open(path, replace, &w->out, err);
	if (result < 0) {
		writer_discard(w);
		return result;
	}
	meta_write(start, &w->payload);
	writer_seal_payload(w,
			    &(struct output_chunk){.type = FORMAT_META, .flags = FORMAT_REQUIRED});
	result = output_status(w->out, err);
	if (result < 0) {
		output_abandon(w->out);
		writer_discard(w);
		return result;
	}
	*out = w;
	return 0;
}

/* After something was added to the dictionaries. */
static void writer_interned(struct capture_writer *w)
{
	size_t bytes = interner_pending_bytes(w->interner);

	if (!bytes)
		return;
	writer_pending(w);
	if (bytes >= WRITER_DICTIONARY_BYTES)
		writer_seal_dictionary(w);
}

process_id writer_process(struct capture_writer *w, const struct capture_process *process)
{
	process_id id = interner_process(w->interner, process);

	writer_interned(w);
	return id;
}

thread_id writer_thread(struct capture_writer *w, process_id process, uint32_t tid,
			const char *name)
{
	thread_id id = interner_thread(w->interner, process, tid);

	if (name && *name)
		interner_thread_name(w->interner, id, name);
	writer_interned(w);
	return id;
}

void writer_thread_name(struct capture_writer *w, thread_id thread, const char *name)
{
	interner_thread_name(w->interner, thread, name);
	writer_interned(w);
}

frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	frame_id id =
		interner_frame(w->interner, kind, function, function_bytes, file, file_bytes, line);

	writer_interned(w);
	return id;
}

stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame)
{
	stack_id id = interner_stack(w->interner, parent, frame);

	writer_interned(w);
	return id;
}

void writer_time(struct capture_writer *w, uint64_t time_ns)
{
	uint64_t units;

	if (time_ns <= w->time_ns)
		return;
	w->time_ns = time_ns < FORMAT_TIME_MAX_NS ? time_ns : FORMAT_TIME_MAX_NS;
	units = w->time_ns >> CODE_TIME_SHIFT;
	if (w->chunk_begun && units - encoder_units(w->encoder) >= WRITER_TIME_UNITS)
		encoder_time(w->encoder, units);
}

static void writer_begin_chunk(struct capture_writer *w)
{
	encoder_begin(w->encoder, w->time_ns >> CODE_TIME_SHIFT);
	w->chunk_first_ns = w->time_ns;
	w->chunk_begun = true;
	writer_pending(w);
}

/* After an event was added to the chunk. */
static inline void writer_added(struct capture_writer *w)
{
	w->events++;
	if (encoder_room(w->encoder) <= 0)
		writer_seal_events(w);
}

slot_id writer_alloc(struct capture_writer *w, thread_id thread, enum allocator allocator,
		     stack_id stack, uint64_t bytes)
{
	slot_id slot;

	if (stack > interner_stacks(w->interner))
		stack = 0;
	if (thread > interner_threads(w->interner))
		thread = 0;
	if (bytes > FORMAT_BLOCK_BYTES_MAX)
		bytes = FORMAT_BLOCK_BYTES_MAX;
	if (w->mode == CAPTURE_AGGREGATE) {
		writer_pending(w);
		w->events++;
		return aggregate_alloc(&w->aggregate, &(struct event){
							      .kind = EVENT_ALLOC,
							      .allocator = (uint8_t)allocator,
							      .thread = thread,
							      .stack = stack,
							      .bytes = bytes,
							      .time_ns = w->time_ns,
						      });
	}
	if (!w->chunk_begun)
		writer_begin_chunk(w);
	slot = encoder_alloc(w->encoder, thread, (uint8_t)allocator, stack, bytes);
	writer_added(w);
	return slot;
}

void writer_free(struct capture_writer *w, thread_id thread, slot_id slot)
{
	if (thread > interner_threads(w->interner))
		thread = 0;
	if (w->mode == CAPTURE_AGGREGATE) {
		writer_pending(w);
		w->events++;
		aggregate_free(&w->aggregate, &(struct event){
						      .kind = EVENT_FREE,
						      .thread = thread,
						      .slot = slot,
						      .time_ns = w->time_ns,
					      });
		return;
	}
	if (!w->chunk_begun)
		writer_begin_chunk(w);
	if (encoder_free(w->encoder, thread, slot))
		writer_added(w);
}

void writer_shrink(struct capture_writer *w, thread_id thread, slot_id slot, uint64_t bytes)
{
	if (thread > interner_threads(w->interner))
		thread = 0;
	if (w->mode == CAPTURE_AGGREGATE) {
		writer_pending(w);
		w->events++;
		aggregate_shrink(&w->aggregate, &(struct event){
							.kind = EVENT_SHRINK,
							.thread = thread,
							.slot = slot,
							.bytes = bytes,
							.time_ns = w->time_ns,
						});
		return;
	}
	if (!w->chunk_begun)
		writer_begin_chunk(w);
	if (encoder_shrink(w->encoder, thread, slot, bytes))
		writer_added(w);
}

/* After something was added to the notes. */
static void writer_noted(struct capture_writer *w)
{
	writer_pending(w);
	if (notes_writer_pending_bytes(&w->notes) >= WRITER_NOTES_BYTES)
		writer_seal_notes(w);
}

static bool writer_has_process(const struct capture_writer *w, process_id process)
{
	return process && process <= interner_processes(w->interner);
}

void writer_process_end(struct capture_writer *w, process_id process, uint64_t time_ns,
			int exit_status)
{
	if (!writer_has_process(w, process) || time_ns > FORMAT_TIME_MAX_NS)
		return;
	notes_writer_process_end(&w->notes, process, time_ns, exit_status);
	writer_noted(w);
}

void writer_rss(struct capture_writer *w, process_id process, uint64_t time_ns, uint64_t rss_bytes)
{
	if (!writer_has_process(w, process) || time_ns > FORMAT_TIME_MAX_NS)
		return;
	notes_writer_rss(&w->notes, process, time_ns, rss_bytes);
	writer_noted(w);
}

void writer_memory(struct capture_writer *w, process_id process, uint64_t time_ns,
		   const struct capture_memory *memory)
{
	if (!writer_has_process(w, process) || time_ns > FORMAT_TIME_MAX_NS)
		return;
	notes_writer_memory(&w->notes, process, time_ns, memory);
	writer_noted(w);
}

void writer_lost(struct capture_writer *w, const uint64_t lost[LOST_END])
{
	if (notes_writer_lost(&w->notes, writer_now_ns(w), lost))
		writer_noted(w);
}

void writer_sampling(struct capture_writer *w, const struct capture_sampling *sampling)
{
	if (notes_writer_sampling(&w->notes, writer_now_ns(w), sampling))
		writer_noted(w);
}

static void writer_begin_samples(struct capture_writer *w)
{
	if (!w->sample_encoder)
		w->sample_encoder = sample_encoder_create(w->sampling_period_ns);
	sample_encoder_begin(w->sample_encoder, w->samples_ns);
	w->samples_first_ns = w->samples_ns;
	w->samples_begun = true;
	writer_pending(w);
}

void writer_samples(struct capture_writer *w, process_id process, uint64_t time_ns,
		    const struct capture_sample *samples, size_t count)
{
	uint64_t piece = 0;

	if (time_ns > w->samples_ns)
		w->samples_ns = time_ns < FORMAT_TIME_MAX_NS ? time_ns : FORMAT_TIME_MAX_NS;
	do {
		size_t some = count < SAMPLE_ENCODER_THREADS ? count : SAMPLE_ENCODER_THREADS;

		if (!w->samples_begun)
			writer_begin_samples(w);
		sample_encoder_round(w->sample_encoder,
				     &(struct sample_round){
					     .key = (uint64_t)process << 32 | piece++,
					     .time_ns = w->samples_ns,
					     .samples = samples,
					     .count = some,
					     .stacks = interner_stacks(w->interner),
					     .threads = interner_threads(w->interner),
				     });
		if (sample_encoder_is_full(w->sample_encoder))
			writer_seal_samples(w);
		count -= some;
		if (count)
			samples += some;
	} while (count);
}

int writer_seal(struct capture_writer *w, uint64_t max_age_ns, struct error *err)
{
	if (w->pending_since_ns &&
	    (!max_age_ns || writer_clock_ns() - w->pending_since_ns > max_age_ns))
		writer_seal_all(w, !max_age_ns);
	return output_status(w->out, err);
}

int writer_status(const struct capture_writer *w, struct error *err)
{
	return output_status(w->out, err);
}

const struct tally *writer_tally(const struct capture_writer *w)
{
	return w->aggregate.tally;
}

uint64_t writer_bytes(const struct capture_writer *w)
{
	return output_bytes(w->out);
}

uint64_t writer_events(const struct capture_writer *w)
{
	return w->events;
}

int writer_close(struct capture_writer *w, bool complete, struct error *err)
{
	int result;

	writer_seal_all(w, true);
	result = output_close(w->out, complete, writer_now_ns(w), err);
	writer_discard(w);
	return result;
}
