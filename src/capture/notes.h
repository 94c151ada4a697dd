#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/dictionary.h"
#include "capture/model.h"
#include "capture/reader.h"
#include "capture/writer.h"

/* What is said about processes beside their events: RSS over time, looks at their memory, how they
 * ended, and what was lost. */
struct notes_writer {
	struct buffer rss; /* entries of one section */
	uint32_t rss_count;
	struct capture_rss last_rss;
	struct buffer other; /* whole sections */
	uint64_t lost[LOST_END];
	struct capture_sampling sampling; /* the last that was told */
	bool sampling_pending;
	uint64_t first_ns, last_ns; /* of what is pending */
};

void notes_writer_init(struct notes_writer *w);
void notes_writer_deinit(struct notes_writer *w);
void notes_writer_rss(struct notes_writer *w, process_id process, uint64_t time_ns, uint64_t bytes);
void notes_writer_memory(struct notes_writer *w, process_id process, uint64_t time_ns,
			 const struct capture_memory *memory);
void notes_writer_process_end(struct notes_writer *w, process_id process, uint64_t time_ns,
			      int exit_status);
/* False if nothing changed. */
bool notes_writer_lost(struct notes_writer *w, uint64_t time_ns, const uint64_t lost[LOST_END]);
/* The same. Only the last one before a chunk is taken is in it. */
bool notes_writer_sampling(struct notes_writer *w, uint64_t time_ns,
			   const struct capture_sampling *sampling);
size_t notes_writer_pending_bytes(const struct notes_writer *w);
/* Adds the payload of a notes chunk, and forgets what is pending. */
void notes_writer_take(struct notes_writer *w, struct buffer *out);

struct notes_reader {
	struct capture_rss *rss;
	size_t rss_count, rss_size;
	uint64_t lost[LOST_END];
	struct capture_sampling sampling;
	bool has_sampling;
};

void notes_reader_deinit(struct notes_reader *r);
/* NULL, or what is wrong. What is about a process goes to the dictionary. */
const char *notes_reader_add(struct notes_reader *r, const unsigned char *payload, size_t length,
			     struct dictionary *dictionary);
