#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/tally.h"

/*
 * The rows of a tally as chunks: each state is written as what changed since the state before, in
 * as many chunks as it takes; the totals are in the last of them and make it complete.
 */
struct rows_writer {
	struct tally_row *written; /* as the file has them */
	size_t count, size;
	size_t next;    /* the row to go on with */
	uint32_t epoch; /* of the last state; when epochs begin again, every row is written */
	struct buffer body;
};

void rows_writer_init(struct rows_writer *w);
void rows_writer_deinit(struct rows_writer *w);
/* Adds the next chunk's payload to `out`; true if the state is complete with it. The tally must not
 * change before that. */
bool rows_writer_take(struct rows_writer *w, const struct tally *tally, struct buffer *out);

struct rows_reader {
	struct tally_row *rows;
	size_t count, size;
	uint32_t epoch;
	struct tally_totals totals;
	struct buffer pending; /* payloads of a state that is not complete */
};

void rows_reader_init(struct rows_reader *r);
void rows_reader_deinit(struct rows_reader *r);
/* NULL, or what is wrong with the payload. Ids must not be above the two counts. */
const char *rows_reader_add(struct rows_reader *r, const unsigned char *payload, size_t length,
			    bool partial, stack_id stacks, thread_id threads);
/* Completes the peaks of the rows. */
void rows_reader_settle(struct rows_reader *r);
