#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sampler/test_python.h"

#define SECOND 1000000000ull

static bool check(struct python *python, uint64_t code)
{
	return codes_check(&python->codes, &code, 1, 7);
}

static const struct trace_code *text_of(struct python *python, uint64_t code)
{
	const struct code *entry = codes_find(&python->codes, code);

	assert_non_null(entry);
	assert_int_equal(entry->address, code);
	return trace_tree_code(python->tree, entry->number);
}

static void assert_text(struct python *python, uint64_t code, const char *function,
			const char *file)
{
	assert_string_equal(text_of(python, code)->function, function);
	assert_string_equal(text_of(python, code)->file, file);
}

/* A test of each Python. */
static void with_each(void (*test)(struct python *python))
{
	for (unsigned kind = 0; kind < PYTHON_KINDS; kind++) {
		struct python python;

		python_init(&python, kind);
		codes_begin_round(&python.codes, 10 * SECOND);
		test(&python);
		python_deinit(&python);
	}
}

static void check_new(struct python *python)
{
	uint64_t first = python_code(python, "first", "/a.py", 12);
	uint64_t second = python_code(python, "C.second", "/b.py", 20);
	unsigned calls;

	assert_null(codes_find(&python->codes, first));
	assert_true(check(python, first));
	assert_null(codes_find(&python->codes, second));
	assert_true(check(python, second));
	assert_text(python, first, "first", "/a.py");
	assert_text(python, second, "C.second", "/b.py");
	assert_int_equal(text_of(python, first)->first_line, 10);
	assert_memory_equal(text_of(python, first)->layout, python->layout,
			    sizeof(*python->layout));
	assert_int_equal(codes_find(&python->codes, first)->generation, 7);
	if (python->layout->frame_specials_size != PYABI_NONE) {
		assert_int_equal(codes_find(&python->codes, first)->frame_bytes, 12 * 8);
		assert_int_equal(codes_find(&python->codes, second)->frame_bytes, 20 * 8);
	}
	/* What is known is compared, in one call. */
	calls = python->memory.calls;
	assert_true(codes_check(&python->codes, (uint64_t[]){first, second}, 2, 8));
	assert_int_equal(python->memory.calls, calls + 1);
	assert_int_equal(codes_find(&python->codes, second)->generation, 8);
	assert_text(python, first, "first", "/a.py");
}

static void test_new(void **state)
{
	(void)state;
	with_each(check_new);
}

/* Each word that identifies a code object, changed: it is another one. */
static void check_reuse(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t code = python_code(python, "before", "/a.py", 12);
	uint64_t name = python_str(python, "after"), file = python_str(python, "/b.py");
	uint32_t number;

	assert_true(check(python, code));
	number = codes_find(&python->codes, code)->number;
	python_put(python, code, layout->code_name, name, 8);
	python_put(python, code, layout->code_qualname, name, 8);
	assert_true(check(python, code));
	assert_text(python, code, "after", "/a.py");
	assert_int_not_equal(codes_find(&python->codes, code)->number, number);
	/* What was told of the one before stays told. */
	assert_string_equal(trace_tree_code(python->tree, number)->function, "before");
	python_put(python, code, layout->code_filename, file, 8);
	assert_true(check(python, code));
	assert_text(python, code, "after", "/b.py");
	number = codes_find(&python->codes, code)->number;
	python_put(python, code, layout->code_firstlineno, 99, 4);
	assert_true(check(python, code));
	assert_int_not_equal(codes_find(&python->codes, code)->number, number);
	assert_int_equal(text_of(python, code)->first_line, 99);
	if (layout->code_size == PYABI_NONE)
		return;
	python_put(python, code, layout->code_size, 3, 8);
	assert_true(check(python, code));
	assert_int_equal(codes_find(&python->codes, code)->end_instr, layout->code_bytecode + 6);
	/* One entry all the while. */
	assert_int_equal(python->codes.used, 1);
}

static void test_reuse(void **state)
{
	(void)state;
	with_each(check_reuse);
}

/* The same words, but what they lead to is another file's name. */
static void check_file_reuse(struct python *python)
{
	const char *names[] = {"/long/name.py", "/long/same.py", "/s.py", "/long/name.py"};
	uint64_t file = python_str(python, names[0]);
	uint64_t code = python_code(python, "f", "/x.py", 12);
	uint32_t numbers[4];

	python_put(python, code, python->layout->code_filename, file, 8);
	for (unsigned i = 0; i < 4; i++) {
		python_put_str(python, file, names[i]);
		assert_true(check(python, code));
		assert_text(python, code, "f", names[i]);
		numbers[i] = codes_find(&python->codes, code)->number;
		assert_true(i == 0 || numbers[i] != numbers[i - 1]);
	}
	assert_int_equal(numbers[3], numbers[0]);
}

static void test_file_reuse(void **state)
{
	(void)state;
	with_each(check_file_reuse);
}

/* What a code object's memory holds when it is none, or none any more. */
static void check_none(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	const struct {
		uint32_t offset;
		uint64_t value;
		unsigned bytes;
	} breaks[] = {
		{layout->object_type, python->code_type + 16, 8},
		{layout->object_type, 0, 8},
		{layout->code_name, 0x1234, 8},
		{layout->code_qualname, 0x1234, 8},
		{layout->code_filename, 0, 8},
		{layout->code_filename, UINT64_MAX, 8},
		{layout->code_filename, PYTHON_HEAP + PYTHON_HEAP_BYTES - 4, 8},
		{layout->code_size, UINT64_MAX, 8},
		{layout->code_size, 1ull << 40, 8},
		{layout->code_firsttraceable, UINT32_MAX, 4},
		{layout->code_framesize, UINT32_MAX, 4},
		{layout->code_framesize, 1u << 22, 4},
		{layout->code_code, 0x1234, 8},
	};
	uint64_t good = python_code(python, "good", "/a.py", 12);

	assert_true(check(python, good));
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		uint64_t code = python_code(python, "f", "/a.py", 12);
		bool has_qualname = layout->code_qualname != PYABI_NONE;

		if (breaks[i].offset == PYABI_NONE ||
		    (breaks[i].offset == layout->code_name && has_qualname))
			continue;
		python_put(python, code, breaks[i].offset, breaks[i].value, breaks[i].bytes);
		assert_false(check(python, code));
		assert_null(codes_find(&python->codes, code));
		assert_false(codes_check(&python->codes, (uint64_t[]){good, code}, 2, 7));
		assert_true(check(python, good));
	}
	assert_false(check(python, 0));
	assert_false(check(python, UINT64_MAX));
	assert_false(check(python, 0x4242));
	assert_int_equal(python->codes.used, 1);
	python->memory.gone = true;
	assert_false(check(python, good));
}

static void test_none(void **state)
{
	(void)state;
	with_each(check_none);
}

/* Names that are no str of ours: their length, or their form. */
static void check_names(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	uint32_t kind = 1u << layout->unicode_kind_shift;
	uint32_t compact = 1u << layout->unicode_compact_shift;
	const uint16_t wide[] = {0xe9, 0x3b1, 0x4e2d};
	uint64_t code = python_code(python, "f", "/a.py", 12);
	uint64_t name = python_take(python, 128), other = python_code(python, "g", "/a.py", 12);

	python_put(python, code, layout->code_name, name, 8);
	python_put(python, code, layout->code_qualname, name, 8);
	python_put(python, name, layout->unicode_length, 3, 8);
	python_put(python, name, layout->unicode_state, 2 * kind | compact, 4);
	memory_put(&python->memory, name + layout->unicode_compact_data, wide, sizeof(wide));
	assert_true(check(python, code));
	assert_text(python, code, "\u00e9\u03b1\u4e2d", "/a.py");
	/* Not compact: its characters are elsewhere. */
	python_put(python, other, layout->code_name, name, 8);
	python_put(python, other, layout->code_qualname, name, 8);
	python_put(python, name, layout->unicode_state, 2 * kind, 4);
	assert_false(check(python, other));
	python_put(python, name, layout->unicode_state, 2 * kind | compact, 4);
	python_put(python, name, layout->unicode_length, UINT64_MAX, 8);
	assert_false(check(python, other));
	/* More than anybody wants to know is cut. */
	python_put(python, name, layout->unicode_length, 100000, 8);
	assert_true(check(python, other));
	assert_true(strlen(text_of(python, other)->function) < 4 * 8192 + 1);
}

static void test_names(void **state)
{
	(void)state;
	with_each(check_names);
}

struct swap {
	struct python *python;
	uint64_t code, name, at;
	unsigned swaps;
};

/* While the name is read the code object becomes another one. */
static void swap_while_read(struct memory *memory, size_t place, uint64_t address, void *data)
{
	struct swap *swap = data;

	(void)memory;
	(void)place;
	if (address != swap->at || swap->swaps)
		return;
	swap->swaps++;
	python_put(swap->python, swap->code, swap->python->layout->code_name, swap->name, 8);
	python_put(swap->python, swap->code, swap->python->layout->code_qualname, swap->name, 8);
}

static void check_change_while_read(struct python *python)
{
	uint64_t code = python_code(python, "before", "/a.py", 12);
	uint64_t file = memory_word(&python->memory, code + python->layout->code_filename);
	struct swap swap = {python, code, python_str(python, "after"), file, 0};

	python->memory.before = swap_while_read;
	python->memory.data = &swap;
	assert_false(check(python, code));
	assert_int_equal(swap.swaps, 1);
	assert_null(codes_find(&python->codes, code));
	assert_true(check(python, code));
	assert_text(python, code, "after", "/a.py");
}

static void test_change_while_read(void **state)
{
	(void)state;
	with_each(check_change_while_read);
}

static bool place_of(struct python *python, uint64_t code, uint64_t instr, int32_t tlbc_index,
		     uint32_t *place)
{
	*place = 0;
	return codes_place(&python->codes, codes_find(&python->codes, code), instr, tlbc_index,
			   place);
}

static void check_places(struct python *python)
{
	uint64_t code = python_code(python, "f", "/a.py", 12);
	uint64_t first = python_instr(python, code, 0),
		 end = python_instr(python, code, PYTHON_UNITS);
	uint32_t place;

	assert_true(check(python, code));
	assert_true(place_of(python, code, first, 0, &place));
	assert_int_equal(place, python_place(python, 0));
	assert_true(place_of(python, code, end - 2, 0, &place));
	assert_int_equal(place, python_place(python, PYTHON_UNITS - 1));
	assert_false(place_of(python, code, end, 0, &place));
	assert_false(place_of(python, code, end + 2, 0, &place));
	if (python_has(python, PYABI_INSTR_INDEX)) {
		assert_true(place_of(python, code, UINT32_MAX, 0, &place));
		assert_false(place_of(python, code, UINT32_MAX - 1, 0, &place));
		assert_int_equal(codes_find_instr(&python->codes, 20), 0);
		return;
	}
	assert_true(place_of(python, code, first - 2, 0, &place));
	assert_false(place_of(python, code, first - 3, 0, &place));
	assert_false(place_of(python, code, 0, 0, &place));
	assert_false(place_of(python, code, code, 0, &place));
	assert_false(place_of(python, code, UINT64_MAX, 0, &place));
	assert_int_equal(codes_find_instr(&python->codes, first), code);
	assert_int_equal(codes_find_instr(&python->codes, end - 1), code);
	assert_int_equal(codes_find_instr(&python->codes, end), 0);
	assert_int_equal(codes_find_instr(&python->codes, code - 1), 0);
	assert_int_equal(codes_find_instr(&python->codes, 0), 0);
}

static void test_places(void **state)
{
	(void)state;
	with_each(check_places);
}

/* Each thread's copy of the bytecode, of Pythons that have such. */
static void check_copies(struct python *python)
{
	const struct pyabi_layout *layout = python->layout;
	uint64_t code = python_code(python, "f", "/a.py", 12);
	uint64_t array = python_take(python, 64), copy = python_take(python, 2 * PYTHON_UNITS);
	uint64_t own = code + layout->code_bytecode;
	uint32_t place;

	assert_true(check(python, code));
	assert_false(place_of(python, code, copy + 6, 2, &place));
	if (!python_has(python, PYABI_THREAD_LOCAL_BYTECODE))
		return;
	python_put(python, array, layout->tlbc_size, 3, 8);
	python_put(python, array, layout->tlbc_entries, own, 8);
	python_put(python, array, layout->tlbc_entries + 16, copy, 8);
	memory_put_word(&python->memory, code + layout->code_tlbc, array);
	assert_true(check(python, code));
	assert_true(place_of(python, code, copy + 6, 2, &place));
	assert_int_equal(place, python_place(python, 3));
	assert_true(place_of(python, code, own + 6, 0, &place));
	assert_false(place_of(python, code, copy + 2 * PYTHON_UNITS, 2, &place));
	/* Not that one's, none, and beyond. */
	assert_false(place_of(python, code, copy + 6, 0, &place));
	assert_false(place_of(python, code, copy + 6, 1, &place));
	assert_false(place_of(python, code, copy + 6, 3, &place));
	assert_false(place_of(python, code, copy + 6, -1, &place));
	assert_false(place_of(python, code, copy + 6, INT32_MIN, &place));
	/* Made meanwhile. */
	python_put(python, array, layout->tlbc_entries + 8, copy + 64, 8);
	assert_true(place_of(python, code, copy + 64, 1, &place));
	assert_int_equal(place, python_place(python, 0));
	/* An array that is none. */
	python_put(python, array, layout->tlbc_size, UINT64_MAX, 8);
	assert_false(place_of(python, code, 16, 1, &place));
	python_put(python, array, layout->tlbc_size, 4000, 8);
	memory_put_word(&python->memory, code + layout->code_tlbc,
			PYTHON_HEAP + PYTHON_HEAP_BYTES - 64);
	assert_false(place_of(python, code, 16, 1, &place));
	memory_put_word(&python->memory, code + layout->code_tlbc, 0);
	assert_false(place_of(python, code, 16, 1, &place));
}

static void test_copies(void **state)
{
	(void)state;
	with_each(check_copies);
}

static bool calls(struct python *python, uint64_t code, unsigned unit, enum pyabi_called called)
{
	return codes_calls(&python->codes, codes_find(&python->codes, code),
			   python_place(python, unit), called);
}

/* Whether an instruction may have called what stands behind its frame. */
static void check_calls(struct python *python)
{
	static const struct {
		unsigned unit;
		bool may[3]; /* by enum pyabi_called */
	} cases[] = {
		{PYTHON_NOTHING - 1, {true, true, false}},
		{PYTHON_NOTHING + PYTHON_WITHIN, {false, false, false}},
		{PYTHON_RESUMES + PYTHON_WITHIN, {true, false, true}},
		{PYTHON_CALLS_C + PYTHON_WITHIN, {true, false, false}},
		{PYTHON_UNITS - 1, {true, false, false}},
	};
	uint64_t code = python_code(python, "f", "/a.py", 12);
	bool known = pyabi_opcodes_of(python->layout->version_hex) != NULL;
	unsigned reads;

	assert_true(check(python, code));
	reads = python->memory.calls;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned how = 0; how < 3; how++)
			assert_int_equal(calls(python, code, cases[i].unit, how),
					 cases[i].may[how] || !known);
	/* Read once. */
	assert_int_equal(python->memory.calls, reads + known);
	assert_true(codes_calls(&python->codes, codes_find(&python->codes, code),
				python_place(python, 0) - 2, PYABI_CALLED_PUSHED));
}

static void test_calls(void **state)
{
	(void)state;
	with_each(check_calls);
}

/* Instructions specialize: what was read of them is of a little before. */
static void check_specializes(struct python *python)
{
	uint64_t code = python_code(python, "f", "/a.py", 12);
	bool each = python_has(python, PYABI_THREAD_LOCAL_BYTECODE);
	unsigned reads;

	if (!pyabi_opcodes_of(python->layout->version_hex))
		return;
	python_put_opcode(python, code, 0, PYTHON_UNITS, PYABI_OPCODE_CAN_PUSH,
			  PYABI_OPCODE_PUSHES);
	assert_true(check(python, code));
	assert_int_equal(calls(python, code, 20, PYABI_CALLED_PUSHED), each);
	python_put_opcode(python, code, 0, PYTHON_UNITS, PYABI_OPCODE_PUSHES, PYABI_OPCODE_GENERIC);
	reads = python->memory.calls;
	assert_int_equal(calls(python, code, 20, PYABI_CALLED_PUSHED), each);
	assert_int_equal(python->memory.calls, reads);
	/* In another round it is worth a look. */
	codes_begin_round(&python->codes, 10 * SECOND + 1);
	assert_true(calls(python, code, 20, PYABI_CALLED_PUSHED));
	assert_int_equal(python->memory.calls, reads + !each);
	/* And back: who pushes is not looked at again. */
	python_put_opcode(python, code, 0, PYTHON_UNITS, PYABI_OPCODE_CALLS,
			  (uint8_t)~PYABI_OPCODE_CALLS);
	codes_begin_round(&python->codes, 30 * SECOND);
	assert_true(calls(python, code, 20, PYABI_CALLED_PUSHED));
	/* Another code object at its address has its own. */
	python_put(python, code, python->layout->code_firstlineno, 77, 4);
	assert_true(check(python, code));
	assert_false(calls(python, code, 20, PYABI_CALLED_PUSHED));
	assert_true(calls(python, code, 20, PYABI_CALLED_BY_C));
}

static void test_specializes(void **state)
{
	(void)state;
	with_each(check_specializes);
}

static void test_trust(void **state)
{
	struct python python;
	const struct code *entry;
	uint64_t code;

	(void)state;
	python_init(&python, 0);
	code = python_code(&python, "f", "/a.py", 12);
	codes_begin_round(&python.codes, 10 * SECOND);
	assert_true(check(&python, code));
	entry = codes_find(&python.codes, code);
	assert_false(codes_trust(&python.codes, entry)); /* young */
	codes_begin_round(&python.codes, 12 * SECOND);
	assert_false(codes_trust(&python.codes, entry)); /* not compared for long */
	assert_true(check(&python, code));
	assert_true(codes_trust(&python.codes, codes_find(&python.codes, code)));
	codes_begin_round(&python.codes, 12 * SECOND + SECOND / 100);
	assert_true(codes_trust(&python.codes, codes_find(&python.codes, code)));
	codes_begin_round(&python.codes, 12 * SECOND + SECOND / 10);
	assert_false(codes_trust(&python.codes, codes_find(&python.codes, code)));
	/* Another one at its address is young again. */
	assert_true(check(&python, code));
	python_put(&python, code, python.layout->code_firstlineno, 77, 4);
	assert_true(check(&python, code));
	assert_false(codes_trust(&python.codes, codes_find(&python.codes, code)));
	python_deinit(&python);
}

/* More than one call takes, and than the table held at first; some of them twice. */
static void test_many(void **state)
{
	enum {
		COUNT = 1000
	};
	static uint64_t codes[COUNT + 1];
	struct python python;
	unsigned calls;

	(void)state;
	python_init(&python, 7);
	for (unsigned i = 0; i < COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		codes[i * 7 % COUNT] = python_code(&python, name, "/a.py", 12);
	}
	assert_true(codes_check(&python.codes, codes, COUNT, 1));
	calls = python.memory.calls;
	assert_true(codes_check(&python.codes, codes, COUNT, 2));
	assert_int_equal(python.memory.calls, calls + 4);
	for (unsigned i = 0; i < COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		assert_text(&python, codes[i * 7 % COUNT], name, "/a.py");
		assert_int_equal(
			codes_find_instr(&python.codes, python_instr(&python, codes[i], 5)),
			codes[i]);
		assert_int_equal(codes_find(&python.codes, codes[i])->generation, 2);
	}
	codes[COUNT] = 0x77;
	assert_false(codes_check(&python.codes, codes, COUNT + 1, 3));
	/* All that is new at once, among what is known. */
	codes[0] = python_code(&python, "new", "/b.py", 12);
	codes[COUNT - 1] = python_code(&python, "newer", "/b.py", 12);
	assert_true(codes_check(&python.codes, codes, COUNT, 4));
	assert_text(&python, codes[0], "new", "/b.py");
	assert_text(&python, codes[COUNT - 1], "newer", "/b.py");
	python_deinit(&python);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),    cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_none),   cmocka_unit_test(test_file_reuse),
		cmocka_unit_test(test_names),  cmocka_unit_test(test_change_while_read),
		cmocka_unit_test(test_places), cmocka_unit_test(test_copies),
		cmocka_unit_test(test_calls),  cmocka_unit_test(test_specializes),
		cmocka_unit_test(test_trust),  cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
