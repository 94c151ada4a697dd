#include "analysis/builder.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/compare.h"
#include "analysis/frames.h"
#include "analysis/stacks.h"
#include "analysis/timesheet.h"

/* All frames of the capture, and the two that it has no word for. */
static void make_frames(struct profile *profile)
{
	static const struct capture_frame markers[] = {
		[UNIT_BYTES] = {.function = "<no stack>", .file = "", .kind = FRAME_MARKER},
		[UNIT_NS] = {.function = "<no Python frame>", .file = "", .kind = FRAME_MARKER},
	};
	static const struct capture_frame unknown = {
		.function = "<stack unknown>",
		.file = "",
		.kind = FRAME_MARKER,
	};
	uint32_t count = reader_frame_count(profile->reader);

	profile->frame_count = count + 1;
	profile->frames = array_create((size_t)count + 2, sizeof(*profile->frames));
	profile->frames[0] = markers[profile->unit];
	for (frame_id f = 1; f <= count; f++) {
		profile->frames[f] = *reader_frame(profile->reader, f);
		if (profile->options.merge_lines)
			profile->frames[f].line = 0;
	}
	profile->frames[count + 1] = unknown;
}

void builder_init(struct builder *builder, struct profile *profile)
{
	struct stacks *stacks = stacks_read(profile->reader);
	uint32_t frame_count;
	frame_id *becomes = frames_choose(profile->reader, &profile->options, &frame_count);

	*builder = (struct builder){.profile = profile};
	rowindex_init(&builder->index);
	builder->filter = filter_create(profile->reader, &profile->options, stacks);
	make_frames(profile);
	if (becomes == NULL) {
		profile->stacks = stacks;
		return;
	}
	profile->stacks = stacks_replace(stacks, becomes, frame_count, &builder->moved);
	stacks_destroy(stacks);
	free(becomes);
}

void builder_deinit(struct builder *builder)
{
	rowindex_deinit(&builder->index);
	filter_destroy(builder->filter);
	free(builder->moved);
}

static process_id thread_process(const struct capture_reader *reader, thread_id thread)
{
	if (thread == 0 || thread > reader_thread_count(reader))
		return 0;
	return reader_thread(reader, thread)->process;
}

/* The stack in the profile's table. */
static stack_id place_stack(struct builder *builder, stack_id stack)
{
	struct profile *profile = builder->profile;

	if (stack == TIMESHEET_STACK_UNKNOWN) {
		if (builder->unknown_stack == 0)
			builder->unknown_stack =
				stacks_append(profile->stacks, profile->frame_count);
		return builder->unknown_stack;
	}
	if (stack > reader_stack_count(profile->reader))
		return 0;
	return builder->moved != NULL ? builder->moved[stack] : stack;
}

bool builder_passes(const struct builder *builder, stack_id stack, thread_id thread)
{
	return builder->filter == NULL || filter_passes(builder->filter, stack, thread);
}

bool builder_place(struct builder *builder, stack_id stack, thread_id thread, stack_id *placed)
{
	if (!builder_passes(builder, stack, thread))
		return false;
	*placed = place_stack(builder, stack);
	return true;
}

bool builder_find(struct builder *builder, stack_id stack, thread_id thread, uint32_t allocator,
		  uint32_t *row)
{
	struct profile *profile = builder->profile;
	bool split = profile->options.split_threads;
	process_id process = thread_process(profile->reader, thread);
	bool added;

	if (!builder_place(builder, stack, thread, &stack))
		return false;
	*row = rowindex_add(&builder->index, stack, split ? thread : process, allocator, &added);
	if (!added)
		return true;
	profile->rows = array_grow(profile->rows, *row, &builder->row_room, sizeof(*profile->rows));
	profile->rows[*row] = (struct profile_row){
		.stack = stack,
		.thread = split ? thread : 0,
		.process = process,
		.memory.allocator = allocator,
	};
	return true;
}

static int compare_rows(const void *left, const void *right)
{
	const struct profile_row *a = left, *b = right;

	COMPARE(b->amount, a->amount);
	COMPARE(b->count, a->count);
	COMPARE(b->memory.allocated.bytes, a->memory.allocated.bytes);
	COMPARE(a->stack, b->stack);
	COMPARE(a->process, b->process);
	COMPARE(a->thread, b->thread);
	COMPARE(a->memory.allocator, b->memory.allocator);
	return 0;
}

/* Rows without amount and count come last by their order. */
void builder_finish(struct builder *builder)
{
	struct profile *profile = builder->profile;

	profile->all_count = builder->index.used;
	if (profile->all_count > 0)
		qsort(profile->rows, profile->all_count, sizeof(*profile->rows), compare_rows);
	for (size_t i = 0; i < profile->all_count; i++) {
		const struct profile_row *row = &profile->rows[i];

		if (row->amount == 0 && row->count == 0)
			break;
		profile->row_count++;
		profile->amount += row->amount;
		profile->count += row->count;
	}
}
