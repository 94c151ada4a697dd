#include "capture/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "capture/format.h"
#include "capture/section.h"

/*
 * Entries are in pages that never move. Their number grows only after all of a section's entries
 * were found good, so a bad section leaves nothing half done but an unused page.
 */
#define PAGE_ITEMS 1024u

struct pages {
	void **pages;
	size_t page_count;
	uint32_t count; /* ids 1..count */
};

struct stack_entry {
	stack_id parent;
	frame_id frame;
};

struct dictionary {
	struct pages strings;   /* of const char * */
	struct pages frames;    /* of struct capture_frame */
	struct pages stacks;    /* of struct stack_entry */
	struct pages processes; /* of struct capture_process_info */
	struct pages threads;   /* of struct capture_thread_info */
	char **texts;           /* what strings point into, one for each section */
	size_t text_count;
	uint64_t text_bytes;
};

static const char *const out_of_memory = "more than memory can hold";

struct dictionary *dictionary_create(void)
{
	return calloc(1, sizeof(struct dictionary));
}

static void pages_deinit(struct pages *pages)
{
	for (size_t i = 0; i < pages->page_count; i++)
		free(pages->pages[i]);
	free(pages->pages);
}

void dictionary_destroy(struct dictionary *d)
{
	if (!d)
		return;
	pages_deinit(&d->strings);
	pages_deinit(&d->frames);
	pages_deinit(&d->stacks);
	pages_deinit(&d->processes);
	pages_deinit(&d->threads);
	for (size_t i = 0; i < d->text_count; i++)
		free(d->texts[i]);
	free(d->texts);
	free(d);
}

/* Makes room for `more` entries behind those that are there. */
static bool pages_reserve(struct pages *pages, uint32_t more, size_t item)
{
	size_t needed = ((size_t)pages->count + more + PAGE_ITEMS - 1) / PAGE_ITEMS;
	void **grown;

	if (needed <= pages->page_count)
		return true;
	grown = realloc(pages->pages, needed * sizeof(*grown));
	if (!grown)
		return false;
	pages->pages = grown;
	for (; pages->page_count < needed; pages->page_count++) {
		grown[pages->page_count] = calloc(PAGE_ITEMS, item);
		if (!grown[pages->page_count])
			return false;
	}
	return true;
}

/* The place of entry `id`, which must be reserved. */
static inline void *pages_at(const struct pages *pages, uint32_t id, size_t item)
{
	return (char *)pages->pages[(id - 1) / PAGE_ITEMS] + (id - 1) % PAGE_ITEMS * item;
}

/* The head of a section: the first id, which must be the next one, and how many. Every entry has at
 * least a byte. */
static const char *read_head(struct cursor *c, const struct pages *pages, uint32_t ceiling,
			     uint32_t *count)
{
	uint64_t first = cursor_varint(c);

	*count = (uint32_t)cursor_bounded(c, cursor_left(c));
	if (c->failed)
		return "a section breaks off";
	if (first != (uint64_t)pages->count + 1)
		return "ids are left out";
	if (*count > ceiling - pages->count)
		return "more entries than the format allows";
	return NULL;
}

/* Memory for the texts of a section with a zero byte behind each. */
static char *dictionary_text(struct dictionary *d, size_t bytes)
{
	char **grown = realloc(d->texts, (d->text_count + 1) * sizeof(*grown));
	char *text;

	if (!grown)
		return NULL;
	d->texts = grown;
	text = malloc(bytes);
	if (text)
		d->texts[d->text_count++] = text;
	return text;
}

static const char *add_strings(struct dictionary *d, struct cursor *c)
{
	struct cursor lengths;
	const char *problem;
	uint32_t count;
	uint64_t bytes = 0;
	char *text;

	problem = read_head(c, &d->strings, FORMAT_STRINGS_MAX, &count);
	if (problem)
		return problem;
	lengths = *c;
	for (uint32_t i = 0; i < count; i++)
		bytes += cursor_bounded(c, FORMAT_STRING_MAX);
	if (c->failed || bytes > cursor_left(c))
		return "strings break off";
	d->text_bytes += bytes + count;
	if (d->text_bytes > FORMAT_STRING_BYTES_MAX)
		return "more text than the format allows";
	text = dictionary_text(d, bytes + count + 1);
	if (!text || !pages_reserve(&d->strings, count, sizeof(const char *)))
		return out_of_memory;
	for (uint32_t i = 0; i < count; i++) {
		size_t length = cursor_varint(&lengths);
		const unsigned char *from = cursor_bytes(c, length);

		if (!text_is_clean((const char *)from, length))
			return "a string is not UTF-8";
		memcpy(text, from, length);
		text[length] = 0;
		*(const char **)pages_at(&d->strings, d->strings.count + 1 + i,
					 sizeof(const char *)) = text;
		text += length + 1;
	}
	d->strings.count += count;
	return NULL;
}

/* The text of a string id; NULL if there is no such string. */
static const char *dictionary_string(const struct dictionary *d, uint64_t id)
{
	if (!id)
		return "";
	if (id > d->strings.count)
		return NULL;
	return *(const char **)pages_at(&d->strings, (uint32_t)id, sizeof(const char *));
}

/* Columns: kinds, functions, files, lines. */
static const char *add_frames(struct dictionary *d, struct cursor *c)
{
	const char *problem;
	uint32_t count;
	uint32_t first = d->frames.count + 1;
	uint64_t last;

	problem = read_head(c, &d->frames, FORMAT_FRAMES_MAX, &count);
	if (problem)
		return problem;
	if (!pages_reserve(&d->frames, count, sizeof(struct capture_frame)))
		return out_of_memory;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_frame *frame = pages_at(&d->frames, first + i, sizeof(*frame));

		frame->kind = cursor_byte(c);
	}
	last = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_frame *frame = pages_at(&d->frames, first + i, sizeof(*frame));

		last = section_difference(c, last);
		frame->function = dictionary_string(d, last);
		if (!frame->function)
			return "a frame names a string that is not there";
	}
	last = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_frame *frame = pages_at(&d->frames, first + i, sizeof(*frame));

		last = section_difference(c, last);
		frame->file = dictionary_string(d, last);
		if (!frame->file)
			return "a frame names a string that is not there";
	}
	last = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_frame *frame = pages_at(&d->frames, first + i, sizeof(*frame));

		last = section_difference(c, last);
		if (last > UINT32_MAX)
			return "a frame's line is out of range";
		frame->line = (uint32_t)last;
	}
	if (c->failed)
		return "frames break off";
	d->frames.count += count;
	return NULL;
}

/* Columns: how far the parent's id is below the highest possible, frames. */
static const char *add_stacks(struct dictionary *d, struct cursor *c)
{
	const char *problem;
	uint32_t count;
	uint32_t first = d->stacks.count + 1;
	uint64_t last = 0;

	problem = read_head(c, &d->stacks, FORMAT_STACKS_MAX, &count);
	if (problem)
		return problem;
	if (!pages_reserve(&d->stacks, count, sizeof(struct stack_entry)))
		return out_of_memory;
	for (uint32_t i = 0; i < count; i++) {
		struct stack_entry *entry = pages_at(&d->stacks, first + i, sizeof(*entry));
		stack_id highest = first + i - 1;

		/* Never its own id or one above: no stack can come back to itself. */
		entry->parent = highest - (stack_id)cursor_bounded(c, highest);
	}
	if (c->failed)
		return "a stack stands on one that is not there";
	for (uint32_t i = 0; i < count; i++) {
		struct stack_entry *entry = pages_at(&d->stacks, first + i, sizeof(*entry));

		last = section_difference(c, last);
		if (!last || last > d->frames.count)
			return "a stack names a frame that is not there";
		entry->frame = (frame_id)last;
	}
	if (c->failed)
		return "stacks break off";
	d->stacks.count += count;
	return NULL;
}

static const char *add_processes(struct dictionary *d, struct cursor *c)
{
	const char *problem;
	uint32_t count;

	problem = read_head(c, &d->processes, FORMAT_PROCESSES_MAX, &count);
	if (problem)
		return problem;
	if (!pages_reserve(&d->processes, count, sizeof(struct capture_process_info)))
		return out_of_memory;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_process_info *info =
			pages_at(&d->processes, d->processes.count + 1 + i, sizeof(*info));
		struct capture_process *start = &info->start;

		*info = (struct capture_process_info){.exit_status = -1};
		start->pid = (uint32_t)cursor_bounded(c, UINT32_MAX);
		start->parent_pid = (uint32_t)cursor_bounded(c, UINT32_MAX);
		start->start_ns = cursor_bounded(c, FORMAT_TIME_MAX_NS);
		start->command = dictionary_string(d, cursor_varint(c));
		start->executable = dictionary_string(d, cursor_varint(c));
		start->python_version = dictionary_string(d, cursor_varint(c));
		start->python_allocator = dictionary_string(d, cursor_varint(c));
		if (c->failed || !start->command || !start->executable || !start->python_version ||
		    !start->python_allocator)
			return "a process is not whole";
	}
	d->processes.count += count;
	return NULL;
}

static const char *add_threads(struct dictionary *d, struct cursor *c)
{
	const char *problem;
	uint32_t count;

	problem = read_head(c, &d->threads, FORMAT_THREADS_MAX, &count);
	if (problem)
		return problem;
	if (!pages_reserve(&d->threads, count, sizeof(struct capture_thread_info)))
		return out_of_memory;
	for (uint32_t i = 0; i < count; i++) {
		struct capture_thread_info *info =
			pages_at(&d->threads, d->threads.count + 1 + i, sizeof(*info));

		info->process = (process_id)cursor_bounded(c, d->processes.count);
		info->tid = (uint32_t)cursor_bounded(c, UINT32_MAX);
		info->name = "";
		if (c->failed)
			return "a thread is not whole";
	}
	d->threads.count += count;
	return NULL;
}

static const char *add_thread_names(struct dictionary *d, struct cursor *c)
{
	uint64_t count = cursor_bounded(c, cursor_left(c));

	for (uint64_t i = 0; i < count; i++) {
		uint64_t thread = cursor_bounded(c, d->threads.count);
		const char *name = dictionary_string(d, cursor_varint(c));
		struct capture_thread_info *info;

		if (c->failed || !thread || !name)
			return "a thread's name is not whole";
		info = pages_at(&d->threads, (uint32_t)thread, sizeof(*info));
		info->name = name;
	}
	return c->failed ? "thread names break off" : NULL;
}

const char *dictionary_add(struct dictionary *d, const unsigned char *payload, size_t length)
{
	static const char *(*const add[])(struct dictionary *, struct cursor *) = {
		[FORMAT_STRINGS] = add_strings,           [FORMAT_FRAMES] = add_frames,
		[FORMAT_PROCESSES] = add_processes,       [FORMAT_THREADS] = add_threads,
		[FORMAT_THREAD_NAMES] = add_thread_names, [FORMAT_STACKS] = add_stacks,
	};
	struct cursor c = cursor_over(payload, length);
	struct section section;

	while (section_next(&c, &section)) {
		const char *problem;

		if (section.type >= sizeof(add) / sizeof(add[0]) || !add[section.type])
			continue;
		problem = add[section.type](d, &section.body);
		if (problem)
			return problem;
	}
	return c.failed ? "a section breaks off" : NULL;
}

uint32_t dictionary_frames(const struct dictionary *d)
{
	return d->frames.count;
}

uint32_t dictionary_stacks(const struct dictionary *d)
{
	return d->stacks.count;
}

uint32_t dictionary_processes(const struct dictionary *d)
{
	return d->processes.count;
}

uint32_t dictionary_threads(const struct dictionary *d)
{
	return d->threads.count;
}

const struct capture_frame *dictionary_frame(const struct dictionary *d, frame_id frame)
{
	static const struct capture_frame unknown = {
		.function = "<unknown>",
		.file = "",
		.kind = FRAME_MARKER,
	};

	if (!frame || frame > d->frames.count)
		return &unknown;
	return pages_at(&d->frames, frame, sizeof(unknown));
}

void dictionary_stack(const struct dictionary *d, stack_id stack, stack_id *parent, frame_id *frame)
{
	struct stack_entry entry = {0};

	if (stack && stack <= d->stacks.count)
		entry = *(struct stack_entry *)pages_at(&d->stacks, stack, sizeof(entry));
	*parent = entry.parent;
	*frame = entry.frame;
}

struct capture_process_info *dictionary_process_to_fill(struct dictionary *d, process_id process)
{
	if (!process || process > d->processes.count)
		return NULL;
	return pages_at(&d->processes, process, sizeof(struct capture_process_info));
}

const struct capture_process_info *dictionary_process(const struct dictionary *d,
						      process_id process)
{
	static const struct capture_process_info unknown = {
		.start = {.command = "",
			  .executable = "",
			  .python_version = "",
			  .python_allocator = ""},
		.exit_status = -1,
	};

	if (!process || process > d->processes.count)
		return &unknown;
	return pages_at(&d->processes, process, sizeof(unknown));
}

const struct capture_thread_info *dictionary_thread(const struct dictionary *d, thread_id thread)
{
	static const struct capture_thread_info unknown = {.name = ""};

	if (!thread || thread > d->threads.count)
		return &unknown;
	return pages_at(&d->threads, thread, sizeof(unknown));
}
