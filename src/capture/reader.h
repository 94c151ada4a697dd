#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/model.h"
#include "capture/tally.h"
#include "capture/writer.h"

/*
 * Reads a capture of any released version. No byte of the file is trusted: a bad checksum, an id
 * that was never defined, a length beyond the file stop reading there; what came before stays
 * valid, and reader_damage says what was met. Memory: the dictionaries, one chunk, nothing per
 * event.
 */
struct capture_reader;

/* Reads the header and finds the chunks (by the index, or by walking when there is none). Fails
 * with ERROR_CAPTURE when this is no capture or its header is not whole, with the way out in the
 * message. "-" is standard input (copied to an unlinked temporary file). */
int reader_open(const char *path, struct capture_reader **out, struct error *err);
void reader_close(struct capture_reader *r);

/* Header and metadata, valid from open to close. */
const struct capture_start *reader_start(const struct capture_reader *r);
unsigned reader_version(const struct capture_reader *r);
bool reader_complete(const struct capture_reader *r);      /* closed in order, targets drained */
const char *reader_damage(const struct capture_reader *r); /* NULL: none; else one line */
uint64_t reader_file_bytes(const struct capture_reader *r);
/* From the index or the chunk headers alone: what the file says, until it is read. */
uint64_t reader_event_count(const struct capture_reader *r);
uint64_t reader_duration_ns(const struct capture_reader *r);

/* Streaming: fills events[0..max) in recorded order, reading dictionaries on the way; returns how
 * many, 0 at the end (or at damage). The ids in them resolve from then on. For an aggregate capture
 * there are no events; one call loads everything and returns 0. */
size_t reader_events(struct capture_reader *r, struct event *events, size_t max);

/* The same for samples, in the order of time, those of a round in the order in which they were
 * written. A reader may be asked for its events and then for its samples, or the other way round:
 * whichever is left for the other ends there, and where one stopped at damage the other goes no
 * further. */
size_t reader_samples(struct capture_reader *r, struct sample_event *samples, size_t max);
/* As reader_event_count. */
uint64_t reader_sample_count(const struct capture_reader *r);
/* How well sampling went, as far as the notes were read; NULL: nothing is said of it. */
const struct capture_sampling *reader_sampling(const struct capture_reader *r);

/* Reads what was not asked for yet, so that reader_damage speaks of the whole file. */
void reader_check(struct capture_reader *r);

/* Only what happened in [from_ns, to_ns): chunks outside are not read (their dictionaries are).
 * Call before the first reader_events or reader_samples. Slots are then the window's own. A FREE or
 * SHRINK of a block allocated before the window is not handed out. */
void reader_window(struct capture_reader *r, uint64_t from_ns, uint64_t to_ns);

/* Progress of the streaming, 0.0 to 1.0. */
double reader_progress(const struct capture_reader *r);

/* Dictionaries as far as they were read (all of them once reader_events returned 0). */
struct capture_frame {
	const char *function; /* UTF-8, terminated, valid until close */
	const char *file;
	uint32_t line; /* 0: not known */
	uint8_t kind;  /* enum frame_kind */
};
uint32_t reader_frame_count(const struct capture_reader *r); /* ids 1..count */
uint32_t reader_stack_count(const struct capture_reader *r);
/* Undefined ids give a marker frame, or an empty stack. */
const struct capture_frame *reader_frame(const struct capture_reader *r, frame_id frame);
void reader_stack(const struct capture_reader *r, stack_id stack, stack_id *parent,
		  frame_id *frame);

struct capture_process_info {
	struct capture_process start;
	uint64_t end_ns;              /* 0: not known */
	int exit_status;              /* as wait(2), -1: not known */
	struct capture_memory memory; /* zeros if none was taken */
	uint64_t memory_time_ns;
};
uint32_t reader_process_count(const struct capture_reader *r);
const struct capture_process_info *reader_process(const struct capture_reader *r, process_id p);

struct capture_thread_info {
	process_id process;
	uint32_t tid;
	const char *name; /* "" if it never had one */
};
uint32_t reader_thread_count(const struct capture_reader *r);
const struct capture_thread_info *reader_thread(const struct capture_reader *r, thread_id t);

struct capture_rss {
	uint64_t time_ns;
	uint64_t bytes;
	process_id process;
	uint32_t reserved;
};
size_t reader_rss(const struct capture_reader *r, const struct capture_rss **samples);

const uint64_t *reader_lost(const struct capture_reader *r); /* [LOST_END] */

/* Aggregate captures: the rows and totals as last sealed, once reader_events returned 0. A full
 * capture has no rows, and NULL for its totals. */
size_t reader_rows(const struct capture_reader *r, const struct tally_row **rows);
const struct tally_totals *reader_totals(const struct capture_reader *r);

/* What the file is made of, for `info`: one row per chunk type. */
struct capture_chunk_sum {
	const char *type;
	uint64_t chunks, raw_bytes, stored_bytes;
};
size_t reader_chunk_sums(const struct capture_reader *r, const struct capture_chunk_sum **sums);
