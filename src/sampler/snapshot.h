#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "sampler/locals.h"
#include "sampler/object.h"
#include "sampler/probe.h"

/* What all threads of a process were doing at one moment, with the values of their variables. */

struct snapshot_local {
	enum local_kind kind;
	size_t name, type, value; /* places of texts: snapshot_text */
};

struct snapshot_frame {
	uint32_t code; /* in the trace tree */
	uint32_t line;
	size_t locals, local_count; /* locals[locals..] */
	size_t locals_left_out;     /* for snapshot_options.variables */
};

struct snapshot_thread {
	struct sample sample;
	char name[64];
	bool has_state;  /* Python knows it */
	bool is_stopped; /* while it was read */
	bool is_exact;   /* it stood still while it was read */
	int64_t interp_id;
	size_t frames, frame_count; /* frames[frames..], innermost first */
};

struct snapshot {
	struct snapshot_thread *threads;
	size_t thread_count, thread_room;
	struct snapshot_frame *frames;
	size_t frame_count, frame_room;
	struct snapshot_local *locals;
	size_t local_count, local_room;
	struct buffer texts;
	bool is_cut; /* a bound of the values' number or size was reached */
};

struct snapshot_options {
	bool with_locals;
	struct object_limits limits;
	struct locals_choice variables; /* of one frame */
	uint32_t reads;                 /* of memory, for the variables of one thread .. */
	uint64_t time_ns;               /* .. and how long they may take: it is stopped meanwhile */
};

void snapshot_init(struct snapshot *snapshot);
void snapshot_deinit(struct snapshot *snapshot);

/*
 * Looks at all threads once, as probe_visit_paused does; what was in *snapshot is forgotten.
 * Threads that Python does not know come without frames. tree: the probe's. Returns false if the
 * process is gone.
 */
bool snapshot_take(struct snapshot *snapshot, struct probe *probe, struct trace_tree *tree,
		   const struct snapshot_options *options, uint64_t time_ns);

const char *snapshot_text(const struct snapshot *snapshot, size_t place);
