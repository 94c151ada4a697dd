#include "capture/interner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "capture/cursor.h"
#include "capture/format.h"

/* New entries of one kind: how many, and their columns. */
struct column_set {
	uint32_t count;
	uint32_t first; /* id of the first */
	struct buffer columns[4];
};

struct frame_key {
	uint32_t kind, function, file, line;
};

struct interner {
	struct intern *strings;
	struct intern *frames; /* of struct frame_key */
	struct map stacks;     /* parent << 32 | frame -> id */
	stack_id stack_count;
	process_id process_count;
	thread_id thread_count;

	struct buffer text; /* a string being put right */
	struct frame_key last_frame;
	frame_id last_stack_frame;
	struct column_set new_strings, new_frames, new_processes, new_threads, new_names,
		new_stacks;
};

#define INTERNER_SETS    6
#define INTERNER_COLUMNS 4

static struct column_set *interner_set(struct interner *in, unsigned index)
{
	struct column_set *sets[INTERNER_SETS] = {
		&in->new_strings, &in->new_frames, &in->new_processes,
		&in->new_threads, &in->new_names,  &in->new_stacks,
	};

	return sets[index];
}

struct interner *interner_create(void)
{
	struct interner *in = memory_check(calloc(1, sizeof(*in)), "the dictionaries");

	in->strings = intern_create();
	in->frames = intern_create();
	map_init(&in->stacks);
	buffer_init(&in->text, FORMAT_STRING_MAX);
	for (unsigned i = 0; i < INTERNER_SETS; i++) {
		for (unsigned column = 0; column < INTERNER_COLUMNS; column++)
			buffer_init(&interner_set(in, i)->columns[column], FORMAT_PAYLOAD_MAX);
	}
	return in;
}

void interner_destroy(struct interner *in)
{
	if (!in)
		return;
	intern_destroy(in->strings);
	intern_destroy(in->frames);
	map_deinit(&in->stacks);
	buffer_deinit(&in->text);
	for (unsigned i = 0; i < INTERNER_SETS; i++) {
		for (unsigned column = 0; column < INTERNER_COLUMNS; column++)
			buffer_deinit(&interner_set(in, i)->columns[column]);
	}
	free(in);
}

/* Says that a new entry with this id is coming. */
static void column_set_grow(struct column_set *set, uint32_t id)
{
	if (!set->count++)
		set->first = id;
}

static uint32_t interner_string(struct interner *in, const char *bytes, size_t length)
{
	uint32_t count = intern_count(in->strings);
	uint32_t id;

	if (!length)
		return 0;
	if (length > FORMAT_STRING_MAX || !text_is_clean(bytes, length)) {
		buffer_clear(&in->text);
		text_repair(bytes, length, FORMAT_STRING_MAX, &in->text);
		bytes = (const char *)in->text.data;
		length = in->text.used;
	}
	id = intern_add(in->strings, bytes, length);
	if (id > FORMAT_STRINGS_MAX)
		return 0;
	if (id > count) {
		column_set_grow(&in->new_strings, id);
		buffer_add_varint(&in->new_strings.columns[0], length);
		buffer_add(&in->new_strings.columns[1], bytes, length);
	}
	return id;
}

static uint32_t interner_text(struct interner *in, const char *text)
{
	return text ? interner_string(in, text, strlen(text)) : 0;
}

static void add_difference(struct buffer *b, uint64_t value, uint64_t from)
{
	buffer_add_varint(b, cursor_zigzag(value - from));
}

frame_id interner_frame(struct interner *in, enum frame_kind kind, const char *function,
			size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	struct frame_key key = {
		.kind = (uint8_t)kind,
		.function = interner_string(in, function, function_bytes),
		.file = interner_string(in, file, file_bytes),
		.line = line,
	};
	struct column_set *new = &in->new_frames;
	uint32_t count = intern_count(in->frames);
	frame_id id;

	if (count == FORMAT_FRAMES_MAX)
		return 0;
	id = intern_add(in->frames, &key, sizeof(key));
	if (id <= count)
		return id;
	column_set_grow(new, id);
	buffer_add_byte(&new->columns[0], (uint8_t)key.kind);
	add_difference(&new->columns[1], key.function, in->last_frame.function);
	add_difference(&new->columns[2], key.file, in->last_frame.file);
	add_difference(&new->columns[3], key.line, in->last_frame.line);
	in->last_frame = key;
	return id;
}

stack_id interner_stack(struct interner *in, stack_id parent, frame_id frame)
{
	uint64_t key, id;

	if (parent > in->stack_count)
		parent = 0;
	if (!frame || frame > intern_count(in->frames))
		return parent;
	key = (uint64_t)parent << 32 | frame;
	if (map_find(&in->stacks, key, &id))
		return (stack_id)id;
	if (in->stack_count == FORMAT_STACKS_MAX)
		return parent;
	id = ++in->stack_count;
	map_put(&in->stacks, key, id);
	column_set_grow(&in->new_stacks, (uint32_t)id);
	buffer_add_varint(&in->new_stacks.columns[0], id - 1 - parent);
	add_difference(&in->new_stacks.columns[1], frame, in->last_stack_frame);
	in->last_stack_frame = frame;
	return (stack_id)id;
}

process_id interner_process(struct interner *in, const struct capture_process *process)
{
	struct buffer *b = &in->new_processes.columns[0];
	uint32_t texts[] = {
		interner_text(in, process->command),
		interner_text(in, process->executable),
		interner_text(in, process->python_version),
		interner_text(in, process->python_allocator),
	};

	if (in->process_count == FORMAT_PROCESSES_MAX)
		return 0;
	column_set_grow(&in->new_processes, ++in->process_count);
	buffer_add_varint(b, process->pid);
	buffer_add_varint(b, process->parent_pid);
	buffer_add_varint(b, process->start_ns);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buffer_add_varint(b, texts[i]);
	return in->process_count;
}

thread_id interner_thread(struct interner *in, process_id process, uint32_t tid)
{
	struct buffer *b = &in->new_threads.columns[0];

	if (in->thread_count == FORMAT_THREADS_MAX)
		return 0;
	column_set_grow(&in->new_threads, ++in->thread_count);
	buffer_add_varint(b, process <= in->process_count ? process : 0);
	buffer_add_varint(b, tid);
	return in->thread_count;
}

void interner_thread_name(struct interner *in, thread_id thread, const char *name)
{
	struct buffer *b = &in->new_names.columns[0];
	uint32_t text = interner_text(in, name);

	if (!thread || thread > in->thread_count)
		return;
	in->new_names.count++;
	buffer_add_varint(b, thread);
	buffer_add_varint(b, text);
}

stack_id interner_stacks(const struct interner *in)
{
	return in->stack_count;
}

thread_id interner_threads(const struct interner *in)
{
	return in->thread_count;
}

process_id interner_processes(const struct interner *in)
{
	return in->process_count;
}

static size_t column_set_bytes(const struct column_set *set)
{
	size_t bytes = 0;

	for (unsigned column = 0; column < INTERNER_COLUMNS; column++)
		bytes += set->columns[column].used;
	return bytes;
}

size_t interner_pending_bytes(const struct interner *in)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < INTERNER_SETS; i++)
		bytes += column_set_bytes(interner_set((struct interner *)in, i));
	return bytes;
}

/* A section: its type, its length, the id of its first entry (not for names), their number, and
 * the columns one after the other. */
static void interner_take_set(struct buffer *out, unsigned type, struct column_set *set)
{
	struct buffer head;

	if (!set->count)
		return;
	buffer_init(&head, 64);
	if (type != FORMAT_THREAD_NAMES)
		buffer_add_varint(&head, set->first);
	buffer_add_varint(&head, set->count);
	buffer_add_varint(out, type);
	buffer_add_varint(out, head.used + column_set_bytes(set));
	buffer_add(out, head.data, head.used);
	for (unsigned column = 0; column < INTERNER_COLUMNS; column++) {
		struct buffer *b = &set->columns[column];

		buffer_add(out, b->data, b->used);
		if (head.failed || b->failed)
			out->failed = true;
		buffer_clear(b);
	}
	set->count = 0;
	buffer_deinit(&head);
}

void interner_take(struct interner *in, struct buffer *out)
{
	/* Each may name what is in those before it. */
	static const uint8_t types[INTERNER_SETS] = {
		FORMAT_STRINGS, FORMAT_FRAMES,       FORMAT_PROCESSES,
		FORMAT_THREADS, FORMAT_THREAD_NAMES, FORMAT_STACKS,
	};

	for (unsigned i = 0; i < INTERNER_SETS; i++)
		interner_take_set(out, types[i], interner_set(in, i));
	/* Every section starts its differences from nothing. */
	in->last_frame = (struct frame_key){0};
	in->last_stack_frame = 0;
}
