#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/intern.h"
#include "base/map.h"
#include "collector/names.h"
#include "collector/producer.h"

/* The writer's dictionaries, played. */
struct capture_writer {
	struct intern *frames;
	struct map stacks; /* parent << 32 | frame -> id */
	struct {
		stack_id parent;
		frame_id frame;
	} stack[200000];
	stack_id stack_count;
};

frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	static char text[1 << 20];
	int used;

	assert_true(function_bytes + file_bytes + 64 < sizeof(text));
	used = snprintf(text, sizeof(text), "%s%.*s %.*s:%u", kind == FRAME_MARKER ? "marker " : "",
			(int)function_bytes, function, (int)file_bytes, file, line);
	return intern_add(w->frames, text, (size_t)used);
}

stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame)
{
	uint64_t known;

	assert_true(parent <= w->stack_count);
	if (map_find(&w->stacks, (uint64_t)parent << 32 | frame, &known))
		return (stack_id)known;
	assert_true(++w->stack_count < 200000);
	w->stack[w->stack_count].parent = parent;
	w->stack[w->stack_count].frame = frame;
	map_put(&w->stacks, (uint64_t)parent << 32 | frame, w->stack_count);
	return w->stack_count;
}

struct fixture {
	int fd;
	struct wire_area *area;
	struct capture_writer *writer;
	struct names names;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(f->fd, (off_t)WIRE_AREA_BYTES), 0);
	f->area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_ptr_not_equal(f->area, MAP_FAILED);
	atomic_store(&f->area->node_count, WIRE_NODE_FIRST);
	f->area->layout_linetable = PYABI_LNOTAB;
	f->area->layout_features = PYABI_INSTR_INDEX;
	f->writer = calloc(1, sizeof(*f->writer));
	f->writer->frames = intern_create();
	map_init(&f->writer->stacks);
	names_init(&f->names, f->writer, f->area);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	names_deinit(&f->names);
	intern_destroy(f->writer->frames);
	map_deinit(&f->writer->stacks);
	free(f->writer);
	munmap(f->area, WIRE_AREA_BYTES);
	close(f->fd);
	free(f);
	return 0;
}

/* "f a.py:1 < g b.py:2", innermost first. */
static const char *stack_text(const struct fixture *f, stack_id stack)
{
	static char text[4096];
	size_t used = 0;

	text[0] = 0;
	for (; stack; stack = f->writer->stack[stack].parent) {
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", used ? " < " : "",
			intern_text(f->writer->frames, f->writer->stack[stack].frame, NULL));
		assert_true(used < sizeof(text));
	}
	return text;
}

static void test_stacks(void **state)
{
	struct fixture *f = *state;
	static const uint8_t table[] = {0, 1, 4, 1, 4, 1}; /* lines 11, 12, 13 */
	uint32_t outer = producer_code(f->area, "<module>", "main.py", 1, "", 0);
	uint32_t inner = producer_code(f->area, "C.work", "lib.py", 10, table, sizeof(table));
	uint32_t root = producer_node(f->area, WIRE_NODE_EMPTY, outer, 0);
	uint32_t a = producer_node(f->area, root, inner, 0);
	uint32_t b = producer_node(f->area, root, inner, 2);
	uint32_t c = producer_node(f->area, root, inner, 4);

	assert_int_equal(names_stack(&f->names, WIRE_NODE_EMPTY), 0);
	assert_string_equal(stack_text(f, names_stack(&f->names, c)),
			    "C.work lib.py:12 < <module> main.py:1");
	assert_string_equal(stack_text(f, names_stack(&f->names, a)),
			    "C.work lib.py:11 < <module> main.py:1");
	/* Two instructions of one line are one stack. */
	assert_int_equal(names_stack(&f->names, a), names_stack(&f->names, b));
	assert_int_not_equal(names_stack(&f->names, a), names_stack(&f->names, c));
	assert_int_equal(names_stack(&f->names, root),
			 f->writer->stack[names_stack(&f->names, a)].parent);
	assert_int_equal(f->writer->stack_count, 3);
	assert_int_equal(f->names.damage, 0);
}

static void test_markers(void **state)
{
	struct fixture *f = *state;
	uint32_t code = producer_code(f->area, "f", "a.py", 3, "", 0);
	uint32_t node = producer_node(f->area, WIRE_NODE_OMITTED, code, 0);

	assert_string_equal(stack_text(f, names_stack(&f->names, node)),
			    "f a.py:3 < marker <frames omitted> :0");
	assert_string_equal(stack_text(f, names_stack(&f->names, WIRE_NODE_UNKNOWN)),
			    "marker <stack unknown> :0");
	assert_int_equal(f->names.damage, 0);
}

static void test_depth(void **state)
{
	struct fixture *f = *state;
	uint32_t node = WIRE_NODE_EMPTY, code[3];
	stack_id stack, at;
	unsigned depth = 0;

	for (unsigned i = 0; i < 3; i++)
		code[i] = producer_code(f->area, "f", "a.py", (int)i + 1, "", 0);
	for (unsigned i = 0; i < 100000; i++)
		node = producer_node(f->area, node, code[i % 3], 0);
	stack = names_stack(&f->names, node);
	for (at = stack; at; at = f->writer->stack[at].parent)
		depth++;
	assert_int_equal(depth, 100000);
	assert_int_equal(names_stack(&f->names, node), stack);
}

/* Puts raw characters where the last definition's name is. */
static void poke(struct wire_area *area, uint32_t code, unsigned kind, const void *text,
		 uint32_t bytes)
{
	struct wire_code_text *at =
		(struct wire_code_text *)(wire_heap(area) +
					  (uint64_t)wire_codes(area)[code].offset * 8);

	at->name_kind = (uint8_t)kind;
	at->name_bytes = bytes;
	at->file_bytes = 0;
	memcpy(at + 1, text, bytes);
}

static void test_texts(void **state)
{
	struct fixture *f = *state;
	static const uint16_t two[] = {0x4e2d, 0x6587, 0xd800, 'x'};
	static const uint32_t four[] = {0x1f600, 'y'};
	uint32_t code[3];
	uint32_t node[3];

	for (unsigned i = 0; i < 3; i++) {
		code[i] = producer_code(f->area, "a name of some length", "", 1, "", 0);
		node[i] = producer_node(f->area, 0, code[i], 0);
	}
	poke(f->area, code[0], 1, "caf\xe9", 4);
	poke(f->area, code[1], 2, two, sizeof(two));
	poke(f->area, code[2], 4, four, sizeof(four));
	assert_string_equal(stack_text(f, names_stack(&f->names, node[0])), "caf\xc3\xa9 :1");
	assert_string_equal(stack_text(f, names_stack(&f->names, node[1])),
			    "\xe4\xb8\xad\xe6\x96\x87\xef\xbf\xbdx :1");
	assert_string_equal(stack_text(f, names_stack(&f->names, node[2])), "\xf0\x9f\x98\x80y :1");
	assert_int_equal(f->names.damage, 0);
}

static struct wire_code_text *code_text(struct wire_area *area, uint32_t code)
{
	return (struct wire_code_text *)(wire_heap(area) +
					 (uint64_t)wire_codes(area)[code].offset * 8);
}

/* Every way in which a definition or a node can be wrong ends in a marker. */
static void test_damage(void **state)
{
	struct fixture *f = *state;
	struct wire_area *area = f->area;
	uint32_t code[10], node;
	unsigned n = 0;

	for (unsigned i = 0; i < 10; i++)
		code[i] = producer_code(area, "name", "file", 1, "", 0);
	code_text(area, code[0])->name_bytes = UINT32_MAX;
	code_text(area, code[1])->bytes = WIRE_HEAP_BYTES;
	code_text(area, code[2])->bytes = 3;
	code_text(area, code[3])->name_kind = 3;
	code_text(area, code[4])->linetable_bytes = 1000;
	wire_codes(area)[code[5]].offset = WIRE_HEAP_BYTES / 8 - 1;
	wire_codes(area)[code[6]].offset = UINT32_MAX - 1;
	code_text(area, code[7])->file_kind = 0;
	for (; n < 8; n++) {
		node = producer_node(area, 0, code[n], 0);
		assert_string_equal(stack_text(f, names_stack(&f->names, node)),
				    "marker <code unknown> :0");
		assert_int_equal(f->names.damage, n + 1);
	}
	/* There was no room for it: that is not damage, the agent has said so. */
	wire_codes(area)[code[8]].offset = UINT32_MAX;
	node = producer_node(area, 0, code[8], 0);
	assert_string_equal(stack_text(f, names_stack(&f->names, node)),
			    "marker <code unknown> :0");
	assert_int_equal(f->names.damage, 8);
	/* Not ready, never defined, and none. */
	atomic_store(&wire_codes(area)[code[9]].ready, 0);
	names_stack(&f->names, producer_node(area, 0, code[9], 0));
	names_stack(&f->names, producer_node(area, 0, 500, 0));
	names_stack(&f->names, producer_node(area, 0, 0, 0));
	assert_int_equal(f->names.damage, 11);

	/* Its own parent, a younger one, none that was handed out, and far out. */
	node = producer_node(area, atomic_load(&area->node_count), code[8], 0);
	assert_string_equal(stack_text(f, names_stack(&f->names, node)),
			    "marker <code unknown> :0 < marker <stack unknown> :0");
	node = producer_node(area, UINT32_MAX, code[8], 0);
	names_stack(&f->names, node);
	assert_int_equal(f->names.damage, 13);
	names_stack(&f->names, node + 1);
	names_stack(&f->names, UINT32_MAX);
	names_stack(&f->names, 7);
	assert_int_equal(f->names.damage, 16);
	atomic_store(&area->node_count, UINT32_MAX);
	atomic_store(&area->code_count, UINT32_MAX);
	names_stack(&f->names, WIRE_NODE_MAX - 1);
	names_stack(&f->names, WIRE_NODE_MAX);
	names_sweep(&f->names, 1);
}

/* Bytes of the heap that exist, in whole parts. */
static uint64_t heap_parts(const struct fixture *f, uint64_t parts)
{
	uint64_t present = 0;

	for (uint64_t part = 0; part < parts; part++) {
		off_t at = (off_t)(WIRE_AREA_HEAP + part * NAMES_GIVE_BACK_BYTES);
		off_t data = lseek(f->fd, at, SEEK_DATA);

		present += data >= 0 && data < at + (off_t)NAMES_GIVE_BACK_BYTES;
	}
	return present;
}

static void test_sweep(void **state)
{
	struct fixture *f = *state;
	char name[64];
	uint32_t last = 0, late;
	uint64_t parts;

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "function_%u", i);
		last = producer_code(f->area, name, "some/file.py", (int)i, "", 0);
	}
	parts = atomic_load(&f->area->heap_bytes) / NAMES_GIVE_BACK_BYTES;
	assert_true(parts > 10);
	assert_int_equal(heap_parts(f, parts), parts);
	for (unsigned i = 0; i < 10; i++)
		names_sweep(&f->names, 1000 + i);
	assert_int_equal(heap_parts(f, parts), 0);
	assert_string_equal(
		stack_text(f, names_stack(&f->names, producer_node(f->area, 0, last, 0))),
		"function_19999 some/file.py:19999");

	/* One that never becomes ready holds up the others for a while only. */
	late = producer_code(f->area, "late", "some/file.py", 1, "", 0);
	atomic_store(&wire_codes(f->area)[late].ready, 0);
	last = producer_code(f->area, "last", "some/file.py", 2, "", 0);
	names_sweep(&f->names, 2000);
	assert_int_equal(f->names.next_code, late);
	names_sweep(&f->names, 2000 + 2000000000ull);
	assert_int_equal(f->names.next_code, last + 1);
	atomic_store(&wire_codes(f->area)[late].ready, 1);
	assert_string_equal(
		stack_text(f, names_stack(&f->names, producer_node(f->area, 0, late, 0))),
		"late some/file.py:1");
	assert_int_equal(f->names.damage, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_markers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
