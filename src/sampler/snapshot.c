#include "sampler/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define TEXTS_BYTES_MOST (256u << 20)

static const char purpose[] = "the stacks of a process";

void snapshot_init(struct snapshot *snapshot)
{
	*snapshot = (struct snapshot){0};
	buffer_init(&snapshot->texts, TEXTS_BYTES_MOST);
}

void snapshot_deinit(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->threads);
	free(snapshot->frames);
	free(snapshot->locals);
	buffer_deinit(&snapshot->texts);
	snapshot_init(snapshot);
}

const char *snapshot_text(const struct snapshot *snapshot, size_t place)
{
	return place < snapshot->texts.used ? (const char *)snapshot->texts.data + place : "";
}

struct taking {
	struct snapshot *snapshot;
	struct trace_tree *tree;
	const struct snapshot_options *options;
	struct space_of_target *of; /* NULL: without variables */
};

/* Ends the text that begins at `place`; false where there was no room for it. */
static bool end_text(struct snapshot *snapshot)
{
	buffer_add_byte(&snapshot->texts, 0);
	return !snapshot->texts.failed;
}

static void write_value(const struct taking *taking, const struct local *local)
{
	struct buffer *texts = &taking->snapshot->texts;

	if (local->is_integer)
		buffer_add_format(texts, "%lld", (long long)local->integer);
	else
		object_write(&taking->of->space, local->object, &taking->options->limits, texts);
}

static void write_type(const struct taking *taking, const struct local *local)
{
	struct buffer *texts = &taking->snapshot->texts;
	struct type type;

	if (local->is_integer)
		buffer_add(texts, "int", 3);
	else if (type_of(&taking->of->space, local->object, &type))
		type_write_name(&taking->of->space, &type, texts);
}

static void take_local(const struct local *local, void *data)
{
	const struct taking *taking = data;
	struct snapshot *snapshot = taking->snapshot;
	struct buffer *texts = &snapshot->texts;
	struct snapshot_local taken = {.kind = local->kind};
	size_t before = texts->used;
	bool is_whole;

	taken.name = texts->used;
	text_repair(local->name, strlen(local->name), sizeof(local->name) * 3, texts);
	is_whole = end_text(snapshot);
	taken.type = texts->used;
	write_type(taking, local);
	is_whole = end_text(snapshot) && is_whole;
	taken.value = texts->used;
	write_value(taking, local);
	if (!end_text(snapshot) || !is_whole) {
		texts->used = before;
		snapshot->is_cut = true;
		return;
	}
	snapshot->locals = memory_grow(snapshot->locals, snapshot->local_count + 1,
				       &snapshot->local_room, sizeof(*snapshot->locals), purpose);
	snapshot->locals[snapshot->local_count++] = taken;
}

static void take_frame(struct taking *taking, const struct probe_frame *from, uint32_t node)
{
	struct snapshot *snapshot = taking->snapshot;
	struct snapshot_frame frame = {
		.code = from->code,
		.line = trace_tree_line(taking->tree, node),
		.locals = snapshot->local_count,
	};

	if (taking->of)
		frame.locals_left_out =
			locals_visit(&taking->of->space, from->address, from->code_address,
				     &taking->options->variables, take_local, taking);
	frame.local_count = snapshot->local_count - frame.locals;
	snapshot->frames = memory_grow(snapshot->frames, snapshot->frame_count + 1,
				       &snapshot->frame_room, sizeof(*snapshot->frames), purpose);
	snapshot->frames[snapshot->frame_count++] = frame;
}

/* The last thread ran while it was taken. */
static void take_back(struct snapshot *snapshot)
{
	const struct snapshot_thread *last = &snapshot->threads[--snapshot->thread_count];

	if (snapshot->frame_count > last->frames) {
		snapshot->local_count = snapshot->frames[last->frames].locals;
		snapshot->frame_count = last->frames;
	}
}

static void take_thread(const struct probe_thread *from, void *data)
{
	struct taking *taking = data;
	struct snapshot *snapshot = taking->snapshot;
	uint32_t node = from->sample.stack;
	struct snapshot_thread thread = {
		.sample = from->sample,
		.has_state = from->tstate,
		.is_stopped = from->is_stopped,
		.is_exact = from->is_exact,
		.interp_id = from->interp_id,
	};

	if (from->again)
		take_back(snapshot);
	thread.frames = snapshot->frame_count;
	if (taking->of)
		pages_begin(&taking->of->pages, taking->options->reads, taking->options->time_ns);
	for (size_t i = 0; i < from->frame_count; i++) {
		take_frame(taking, &from->frames[i], node);
		node = trace_tree_node(taking->tree, node)->parent;
	}
	if (taking->of && !taking->of->pages.reads_left)
		snapshot->is_cut = true;
	thread.frame_count = snapshot->frame_count - thread.frames;
	snapshot->threads =
		memory_grow(snapshot->threads, snapshot->thread_count + 1, &snapshot->thread_room,
			    sizeof(*snapshot->threads), purpose);
	snapshot->threads[snapshot->thread_count++] = thread;
}

bool snapshot_take(struct snapshot *snapshot, struct probe *probe, struct trace_tree *tree,
		   const struct snapshot_options *options, uint64_t time_ns)
{
	const struct target_runtime *runtime = probe_runtime(probe);
	struct space_of_target of;
	struct taking taking = {.snapshot = snapshot, .tree = tree, .options = options};
	ssize_t count;

	snapshot->thread_count = snapshot->frame_count = snapshot->local_count = 0;
	buffer_clear(&snapshot->texts);
	snapshot->is_cut = false;
	if (options->with_locals && runtime && space_open(&of, probe_target(probe), runtime))
		taking.of = &of;
	count = probe_visit_paused(probe, time_ns, take_thread, &taking);
	if (taking.of)
		space_close(&of);
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		struct snapshot_thread *thread = &snapshot->threads[i];

		snprintf(thread->name, sizeof(thread->name), "%s",
			 probe_thread_name(probe, thread->sample.tid));
	}
	return count >= 0;
}
