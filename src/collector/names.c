#include "collector/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

#define NAMES_SWEEP_MOST      4096u
#define NAMES_STUCK_NS        1000000000ull
#define NAMES_TEXT_LENGTH_MAX 65536u /* characters */
#define NAMES_CUT_LENGTH      4096u  /* a text that was cut is at least so long */
#define NAMES_HEAP_PARTS      (WIRE_HEAP_BYTES / NAMES_GIVE_BACK_BYTES)

static const char names_cut_mark[] = "\xe2\x80\xa6"; /* an ellipsis */

/* A node on the way from a stack that is not known to one that is. */
struct names_step {
	uint32_t node, code, instr;
};

static const char purpose[] = "stacks";

/* Zeroed room of which only what is touched exists. */
static void *names_sparse(size_t bytes)
{
	return memory_check(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
			    purpose);
}

void names_init(struct names *names, struct capture_writer *writer, struct wire_area *area)
{
	*names = (struct names){.writer = writer, .area = area, .next_code = 1};
	names->stacks = names_sparse(WIRE_NODE_MAX * sizeof(*names->stacks));
	names->codes = names_sparse(WIRE_CODE_MAX * sizeof(*names->codes));
	names->heap_consumed = memory_check(calloc(NAMES_HEAP_PARTS, sizeof(uint32_t)), purpose);
	names->texts = intern_create();
	map_init(&names->frames);
	buffer_init(&names->copy, WIRE_HEAP_BYTES);
	buffer_init(&names->utf8, 4 * NAMES_TEXT_LENGTH_MAX + 64);
}

void names_deinit(struct names *names)
{
	if (!names || !names->stacks)
		return;
	munmap(names->stacks, WIRE_NODE_MAX * sizeof(*names->stacks));
	munmap(names->codes, WIRE_CODE_MAX * sizeof(*names->codes));
	free(names->heap_consumed);
	free(names->path);
	intern_destroy(names->texts);
	map_deinit(&names->frames);
	buffer_deinit(&names->copy);
	buffer_deinit(&names->utf8);
	*names = (struct names){0};
}

static const struct pyabi_layout *names_layout(struct names *names)
{
	if (!names->layout_known) {
		const struct wire_area *area = names->area;

		names->layout.version_hex = area->python_version;
		names->layout.linetable = area->layout_linetable;
		names->layout.features = area->layout_features;
		names->layout.code_bytecode = area->layout_code_bytecode;
		if (names->layout.linetable > PYABI_LOCATIONS)
			names->layout.linetable = PYABI_LOCATIONS;
		names->layout_known = true;
	}
	return &names->layout;
}

/* Counts heap bytes as copied; parts of which all bytes are, are given back. */
static void names_give_back(struct names *names, uint64_t start, uint64_t bytes)
{
	while (bytes) {
		uint64_t part = start / NAMES_GIVE_BACK_BYTES;
		uint64_t here = (part + 1) * NAMES_GIVE_BACK_BYTES - start;

		if (here > bytes)
			here = bytes;
		names->heap_consumed[part] += (uint32_t)here;
		if (names->heap_consumed[part] == NAMES_GIVE_BACK_BYTES)
			madvise(wire_heap(names->area) + part * NAMES_GIVE_BACK_BYTES,
				NAMES_GIVE_BACK_BYTES, MADV_REMOVE);
		start += here;
		bytes -= here;
	}
}

/* Interns characters of char_bytes each as UTF-8. */
static uint32_t names_text(struct names *names, unsigned char_bytes, const void *text, size_t bytes,
			   bool cut)
{
	size_t length = bytes / char_bytes;
	size_t used;

	cut = cut && length >= NAMES_CUT_LENGTH;
	if (length > NAMES_TEXT_LENGTH_MAX) {
		length = NAMES_TEXT_LENGTH_MAX;
		cut = true;
	}
	buffer_clear(&names->utf8);
	if (!buffer_reserve(&names->utf8, 4 * length + sizeof(names_cut_mark) + 1))
		memory_check(NULL, purpose);
	used = pyabi_text_to_utf8(char_bytes, text, length, (char *)names->utf8.data,
				  4 * length + 1);
	names->utf8.used = used;
	if (cut)
		buffer_add(&names->utf8, names_cut_mark, strlen(names_cut_mark));
	return intern_add(names->texts, names->utf8.data, names->utf8.used);
}

static bool names_text_is_valid(const struct wire_code_text *text)
{
	uint64_t sum = (uint64_t)text->name_bytes + text->file_bytes + text->linetable_bytes;

	return sum + sizeof(*text) <= text->bytes && text->bytes % 8 == 0 &&
	       (text->name_kind == 1 || text->name_kind == 2 || text->name_kind == 4) &&
	       (text->file_kind == 1 || text->file_kind == 2 || text->file_kind == 4);
}

/* Copies the definition at a heap offset into *code; false if it is not what it should be. */
static bool names_copy(struct names *names, uint64_t offset, struct names_code *code)
{
	uint64_t heap_bytes = atomic_load_explicit(&names->area->heap_bytes, memory_order_relaxed);
	const char *heap = wire_heap(names->area);
	struct wire_code_text text;
	const unsigned char *bytes;
	bool cut;

	if (heap_bytes > WIRE_HEAP_BYTES)
		heap_bytes = WIRE_HEAP_BYTES;
	if (offset + sizeof(text) > heap_bytes)
		return false;
	memcpy(&text, heap + offset, sizeof(text));
	if (!names_text_is_valid(&text) || offset + text.bytes > heap_bytes)
		return false;

	buffer_clear(&names->copy);
	buffer_add(&names->copy, heap + offset + sizeof(text), text.bytes - sizeof(text));
	if (names->copy.failed)
		memory_check(NULL, purpose);
	bytes = names->copy.data;
	cut = text.flags & WIRE_CODE_CUT;
	code->name = names_text(names, text.name_kind, bytes, text.name_bytes, cut);
	bytes += text.name_bytes;
	code->file = names_text(names, text.file_kind, bytes, text.file_bytes, cut);
	bytes += text.file_bytes;
	code->table = intern_add(names->texts, bytes, text.linetable_bytes);
	code->first_line = text.first_line;
	names_give_back(names, offset, text.bytes);
	return true;
}

/* False while the definition is not ready. */
static bool names_define(struct names *names, uint32_t id)
{
	struct wire_code *shared = &wire_codes(names->area)[id];
	struct names_code *code = &names->codes[id];
	uint32_t offset;

	if (code->name)
		return true;
	if (!atomic_load_explicit(&shared->ready, memory_order_acquire))
		return false;
	offset = *(volatile uint32_t *)&shared->offset;
	if (offset == UINT32_MAX || !names_copy(names, (uint64_t)offset * 8, code)) {
		names->damage += offset != UINT32_MAX;
		*code = (struct names_code){.name = intern_add(names->texts, "", 0)};
	}
	return true;
}

static uint32_t names_code_limit(const struct names *names)
{
	uint32_t count = atomic_load_explicit(&names->area->code_count, memory_order_acquire);

	return count < WIRE_CODE_MAX - 1 ? count : WIRE_CODE_MAX - 1;
}

void names_sweep(struct names *names, uint64_t now_ns)
{
	uint32_t limit = names_code_limit(names);

	for (unsigned done = 0; names->next_code <= limit && done < NAMES_SWEEP_MOST; done++) {
		/* A thread that died while it wrote one must not hold up the others for ever. */
		if (!names_define(names, names->next_code) &&
		    now_ns - names->next_code_since_ns < NAMES_STUCK_NS)
			return;
		names->next_code++;
		names->next_code_since_ns = now_ns;
	}
	if (names->next_code > limit)
		names->next_code_since_ns = now_ns;
}

static frame_id names_marker(struct names *names, const char *text)
{
	return writer_frame(names->writer, FRAME_MARKER, text, strlen(text), "", 0, 0);
}

static frame_id names_frame(struct names *names, uint32_t code_id, uint32_t instr)
{
	uint64_t key = (uint64_t)code_id << 32 | instr;
	const struct names_code *code = &names->codes[code_id];
	size_t name_bytes, file_bytes, table_bytes;
	const char *name, *file, *table;
	uint64_t known;
	frame_id frame;
	uint32_t line;

	if (map_find(&names->frames, key, &known))
		return (frame_id)known;
	if (code->file) {
		name = intern_text(names->texts, code->name, &name_bytes);
		file = intern_text(names->texts, code->file, &file_bytes);
		table = intern_text(names->texts, code->table, &table_bytes);
		line = pyabi_line(names_layout(names), instr, code->first_line,
				  (const uint8_t *)table, table_bytes);
		frame = writer_frame(names->writer, FRAME_PYTHON, name, name_bytes, file,
				     file_bytes, line);
	} else {
		frame = names_marker(names, "<code unknown>");
	}
	map_put(&names->frames, key, frame);
	return frame;
}

static frame_id names_step_frame(struct names *names, const struct names_step *step)
{
	if (step->code && step->code <= names_code_limit(names) && names_define(names, step->code))
		return names_frame(names, step->code, step->instr);
	names->damage++;
	return names_marker(names, "<code unknown>");
}

/* The stack of an id that has a meaning of its own, or none at all. */
static stack_id names_special(struct names *names, uint32_t node)
{
	switch (node) {
	case WIRE_NODE_EMPTY:
		return 0;
	case WIRE_NODE_OMITTED:
		return writer_stack(names->writer, 0, names_marker(names, "<frames omitted>"));
	case WIRE_NODE_UNKNOWN:
		break;
	default:
		names->damage++;
	}
	return writer_stack(names->writer, 0, names_marker(names, "<stack unknown>"));
}

static bool names_node_exists(struct names *names, uint32_t node)
{
	if (node >= names->node_count) {
		names->node_count =
			atomic_load_explicit(&names->area->node_count, memory_order_acquire);
		if (names->node_count > WIRE_NODE_MAX)
			names->node_count = WIRE_NODE_MAX;
	}
	return node < names->node_count;
}

static void names_path_add(struct names *names, size_t count, const struct names_step *step)
{
	if (count == names->path_allocated) {
		names->path_allocated = names->path_allocated ? names->path_allocated * 2 : 256;
		names->path = memory_check(
			realloc(names->path, names->path_allocated * sizeof(*names->path)),
			purpose);
	}
	names->path[count] = *step;
}

stack_id names_resolve(struct names *names, uint32_t node)
{
	const struct wire_node *nodes = wire_nodes(names->area);
	size_t count = 0;
	uint32_t id = node;
	stack_id stack;

	while (id >= WIRE_NODE_FIRST && names_node_exists(names, id) && !names->stacks[id]) {
		const volatile struct wire_node *shared = &nodes[id];
		struct names_step step = {.node = id, .code = shared->code, .instr = shared->instr};
		uint32_t parent = shared->parent;

		names_path_add(names, count++, &step);
		if (parent >= id) {
			names->damage++;
			parent = WIRE_NODE_UNKNOWN;
		}
		id = parent;
	}
	if (id >= WIRE_NODE_FIRST && names_node_exists(names, id)) {
		stack = names->stacks[id] - 1;
	} else {
		stack = names_special(names, id);
		if (id < WIRE_NODE_FIRST)
			names->stacks[id] = stack + 1;
	}
	while (count-- > 0) {
		const struct names_step *step = &names->path[count];

		stack = writer_stack(names->writer, stack, names_step_frame(names, step));
		names->stacks[step->node] = stack + 1;
	}
	return stack;
}
