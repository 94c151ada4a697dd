#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sampler/sample.h"
#include "sampler/test_python.h"

#define WORDS  12u /* of a frame */
#define OTHER  14u /* of a frame of another size */
#define SECOND 1000000000ull

/* main, which called f, which called g, called by C. */
struct three {
	struct python python;
	uint64_t codes[3], frames[3];
	uint64_t other; /* a code object that is not in use */
};

static const char *const names[] = {"main", "f", "g"};

static void three_init(struct three *three, unsigned kind)
{
	struct python *python = &three->python;

	python_init(python, kind);
	codes_begin_round(&python->codes, 10 * SECOND);
	three->other = python_code(python, "other", "/b.py", OTHER);
	python_enter_c(python);
	for (unsigned i = 0; i < 3; i++) {
		three->codes[i] = python_code(python, names[i], "/a.py", WORDS);
		three->frames[i] = python_push(python, three->codes[i], 10 * (i + 1), WORDS);
	}
}

static void with_each(void (*test)(struct three *three))
{
	for (unsigned kind = 0; kind < PYTHON_KINDS; kind++) {
		struct three three;

		three_init(&three, kind);
		test(&three);
		python_deinit(&three.python);
	}
}

static void put(struct three *three, unsigned frame, uint32_t offset, uint64_t value,
		unsigned bytes)
{
	python_put(&three->python, three->frames[frame], offset, value, bytes);
}

static bool has_data_stack(const struct pyabi_layout *layout)
{
	return layout->tstate_datastack_chunk != PYABI_NONE;
}

static void set_code(struct three *three, unsigned frame, uint64_t code, unsigned unit)
{
	struct python *python = &three->python;

	put(three, frame, python->layout->frame_code, code, 8);
	put(three, frame, python->layout->frame_instr, python_instr(python, code, unit),
	    python_has(python, PYABI_INSTR_INDEX) ? 4 : 8);
}

static enum stack_result read_once(struct python *python, bool is_still, uint32_t *node)
{
	struct stack_target from = python_stack_target(python);

	return stack_read(&python->stack, &from, is_still, node);
}

/* Until it knows where everything is. */
static enum stack_result read_stack(struct python *python, bool is_still, uint32_t *node)
{
	enum stack_result result = STACK_ELSEWHERE;

	for (unsigned i = 0; i < 6 && result == STACK_ELSEWHERE; i++)
		result = read_once(python, is_still, node);
	return result;
}

/* "g@30 f@20 main@10" */
static const char *text_of(struct python *python, uint32_t node)
{
	static char text[256];
	const struct pyabi_layout *layout = python->layout;
	uint32_t base = layout->features & PYABI_INSTR_INDEX ? 0 : layout->code_bytecode;
	size_t used = 0;

	text[0] = '\0';
	if (node == SAMPLE_STACK_UNKNOWN)
		return "?";
	while (node != SAMPLE_STACK_EMPTY && used < sizeof(text)) {
		const struct trace_node *at = trace_tree_node(python->tree, node);

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s@%d",
					 used ? " " : "",
					 trace_tree_code(python->tree, at->code)->function,
					 (int)(at->instr - base) / 2);
		node = at->parent;
	}
	return text;
}

static void assert_good(struct python *python, bool is_still, const char *text)
{
	uint32_t node;

	assert_int_equal(read_stack(python, is_still, &node), STACK_GOOD);
	assert_string_equal(text_of(python, node), text);
}

static void assert_not_good(struct python *python, bool is_still, enum stack_result result)
{
	uint32_t node;

	assert_int_equal(read_stack(python, is_still, &node), result);
	assert_int_equal(node, SAMPLE_STACK_UNKNOWN);
}

static void check_good(struct three *three)
{
	const struct pyabi_layout *layout = three->python.layout;
	struct python *python = &three->python;
	unsigned calls = layout->frame_executing == PYABI_NONE ? 1 : 2;
	bool says_id = layout->tstate_native_thread_id != PYABI_NONE;

	assert_good(python, false, "g@30 f@20 main@10");
	assert_false(python->stack.holds_gil);
	assert_int_equal(python->stack.interp, python->interp);
	assert_int_equal(python->stack.native_id, says_id ? 1234 : 0);
	assert_int_equal(python->stack.thread_id, 0x7f1234500000);
	assert_int_equal(python->stack.next, 0);
	python_hold_gil(python, python->gil, python->tstate);
	/* Code objects that are young are compared each time, once they are older now and then. */
	codes_begin_round(&python->codes, 20 * SECOND);
	assert_good(python, false, "g@30 f@20 main@10");
	assert_true(python->stack.holds_gil);
	python_hold_gil(python, python->gil, python->tstate + 64);
	python->memory.calls = 0;
	assert_good(python, false, "g@30 f@20 main@10");
	assert_int_equal(python->memory.calls, calls);
	assert_false(python->stack.holds_gil);
	assert_int_equal(python->stack.gil_holder, python->tstate + 64);
	python->memory.calls = 0;
	assert_good(python, true, "g@30 f@20 main@10");
	assert_int_equal(python->memory.calls, 1);
}

static void test_good(void **state)
{
	(void)state;
	with_each(check_good);
}

static void check_moves_on(struct three *three)
{
	struct python *python = &three->python;
	struct python_level levels[3];
	uint32_t instr = python->layout->frame_instr;
	unsigned bytes = python_has(python, PYABI_INSTR_INDEX) ? 4 : 8;

	assert_good(python, true, "g@30 f@20 main@10");
	put(three, 2, instr, python_instr(python, three->codes[2], 31), bytes);
	assert_good(python, false, "g@31 f@20 main@10");
	levels[0] = python_level(python);
	python_push(python, three->other, 12, OTHER);
	assert_good(python, false, "other@12 g@31 f@20 main@10");
	levels[1] = python_level(python);
	python_push(python, three->codes[1], 15, WORDS);
	levels[2] = python_level(python);
	python_push(python, three->codes[1], 16, WORDS);
	assert_good(python, true, "f@16 f@15 other@12 g@31 f@20 main@10");
	python_return(python, &levels[2]);
	python_return(python, &levels[1]);
	assert_good(python, false, "other@12 g@31 f@20 main@10");
	python_return(python, &levels[0]);
	assert_good(python, false, "g@31 f@20 main@10");
	/* A caller that is at another call, and what it called as it was. */
	put(three, 1, instr, python_instr(python, three->codes[1], 21), bytes);
	assert_good(python, false, "g@31 f@21 main@10");
}

/* A frame that is as it was, and another one behind it that it cannot have called. */
static void check_calls_from_nowhere(struct three *three)
{
	struct python *python = &three->python;

	set_code(three, 2, three->codes[2], PYTHON_NOTHING + PYTHON_WITHIN);
	assert_good(python, false, "g@51 f@20 main@10");
	python_push(python, three->other, 12, OTHER);
	if (has_data_stack(python->layout))
		assert_not_good(python, false, STACK_CHANGED);
	assert_good(python, true, "other@12 g@51 f@20 main@10");
}

static void test_calls_from_nowhere(void **state)
{
	(void)state;
	with_each(check_calls_from_nowhere);
}

static void test_moves_on(void **state)
{
	(void)state;
	with_each(check_moves_on);
}

static void check_empty(struct three *three)
{
	struct python *python = &three->python;
	const struct pyabi_layout *layout = python->layout;
	uint64_t shim = memory_word(&python->memory, three->frames[0] + layout->frame_previous);

	python_set_leaf(python, 0);
	assert_good(python, false, "");
	assert_good(python, true, "");
	python_set_leaf(python, shim);
	assert_good(python, false, "");
	python_set_leaf(python, three->frames[2]);
	assert_good(python, false, "g@30 f@20 main@10");
}

static void test_empty(void **state)
{
	(void)state;
	with_each(check_empty);
}

/* A thread that was in Python is not out of it, unless it stands still; up to 3.12 it may then be
 * on its way back, so that only the second reading counts. */
static void check_left(struct three *three)
{
	struct python *python = &three->python;
	const struct pyabi_layout *layout = python->layout;
	uint64_t shim = memory_word(&python->memory, three->frames[0] + layout->frame_previous);

	assert_good(python, false, "g@30 f@20 main@10");
	python_set_leaf(python, 0);
	assert_not_good(python, false, STACK_CHANGED);
	assert_not_good(python, false, STACK_CHANGED);
	if (python->cframe)
		assert_not_good(python, true, STACK_CHANGED);
	assert_good(python, true, "");
	assert_good(python, false, "");
	python_set_leaf(python, three->frames[2]);
	assert_good(python, false, "g@30 f@20 main@10");
	/* Nothing but the interpreter's own is nothing, too. */
	python_set_leaf(python, shim);
	assert_not_good(python, false, STACK_CHANGED);
}

static void test_left(void **state)
{
	(void)state;
	with_each(check_left);
}

static bool any(const struct pyabi_layout *layout)
{
	return layout != NULL;
}

static bool has_shims(const struct pyabi_layout *layout)
{
	return layout->frame_owner_shim != 0xff;
}

static bool has_entries(const struct pyabi_layout *layout)
{
	return layout->frame_is_entry != PYABI_NONE;
}

static bool has_objects(const struct pyabi_layout *layout)
{
	return !has_data_stack(layout);
}

static bool has_tags(const struct pyabi_layout *layout)
{
	return layout->code_tag_mask != 0;
}

static uint64_t copy_frame(struct three *three, unsigned frame, uint64_t distance)
{
	struct python *python = &three->python;
	uint32_t bytes = python->layout->frame_size;
	unsigned char copy[256];
	uint64_t address = three->frames[frame] + distance;

	memcpy(copy, memory_at(&python->memory, three->frames[frame], bytes), bytes);
	memory_put(&python->memory, address, copy, bytes);
	return address;
}

static void cut_chain(struct three *three)
{
	put(three, 0, three->python.layout->frame_previous, 0, 8);
}

static void clear_entry(struct three *three)
{
	put(three, 0, three->python.layout->frame_is_entry, 0, 1);
}

static void end_in_generator(struct three *three)
{
	put(three, 0, three->python.layout->frame_owner,
	    three->python.layout->frame_owner_generator, 1);
}

static void move_leaf(struct three *three)
{
	python_set_leaf(&three->python, copy_frame(three, 2, 8));
}

static void replace_caller(struct three *three)
{
	set_code(three, 1, three->other, 12);
}

static void unmark_caller(struct three *three)
{
	put(three, 1, three->python.layout->frame_stacktop, UINT32_MAX, 4);
	put(three, 1, three->python.layout->frame_return_offset, 0, 2);
	put(three, 1, three->python.layout->frame_executing,
	    three->python.layout->frame_executing_value ^ 1, 1);
}

static void unmark_outermost(struct three *three)
{
	put(three, 0, three->python.layout->frame_stacktop, UINT32_MAX, 4);
	put(three, 0, three->python.layout->frame_return_offset, 0, 2);
	put(three, 0, three->python.layout->frame_executing, 77, 1);
}

/* As one that returned, a frame object stays executing no more. */
static void stop_leaf(struct three *three)
{
	put(three, 2, three->python.layout->frame_executing,
	    three->python.layout->frame_executing_value ^ 1, 1);
}

static void clear_code(struct three *three)
{
	put(three, 2, three->python.layout->frame_code, 0, 8);
}

static void tag_code(struct three *three)
{
	put(three, 2, three->python.layout->frame_code, three->codes[2] | 1, 8);
}

static void clear_code_and_instr(struct three *three)
{
	clear_code(three);
	put(three, 2, three->python.layout->frame_instr, three->other + 8, 4);
}

static void pass_the_end(struct three *three)
{
	set_code(three, 2, three->codes[2], PYTHON_UNITS);
}

static void caller_passes_the_end(struct three *three)
{
	set_code(three, 1, three->codes[1], PYTHON_UNITS);
}

static void stand_on(struct three *three, unsigned unit)
{
	set_code(three, 1, three->codes[1], unit + PYTHON_WITHIN);
}

static void call_nothing(struct three *three)
{
	stand_on(three, PYTHON_NOTHING);
}

static void resume_generator(struct three *three)
{
	stand_on(three, PYTHON_RESUMES);
}

static void call_c(struct three *three)
{
	stand_on(three, PYTHON_CALLS_C);
}

static void run_nothing(struct three *three)
{
	set_code(three, 2, python_take(&three->python, 256), 3);
}

static void run_nowhere(struct three *three)
{
	set_code(three, 2, 0x1230, 3);
}

static void chain_to(struct three *three, uint64_t address)
{
	put(three, 0, three->python.layout->frame_previous, address, 8);
}

static void chain_to_itself(struct three *three)
{
	chain_to(three, three->frames[0]);
}

static void chain_to_leaf(struct three *three)
{
	chain_to(three, three->frames[2]);
}

static void chain_to_nowhere(struct three *three)
{
	chain_to(three, 0x5550);
}

static void chain_to_the_edge(struct three *three)
{
	(void)three;
	chain_to(three, PYTHON_HEAP + PYTHON_HEAP_BYTES - 8);
}

static void chain_to_the_last_byte(struct three *three)
{
	chain_to(three, UINT64_MAX);
}

/*
 * What may be wrong with a stack, and what a reading makes of it while the thread runs, and while
 * it stands still: then half of it cannot be of another moment, so that only what could not be read
 * is refused.
 */
static const struct fault {
	const char *name;
	void (*make)(struct three *three);
	bool (*applies)(const struct pyabi_layout *layout);
	enum stack_result running, still;
	const char *text; /* when it is good */
} faults[] = {
	{"the chain ends elsewhere", cut_chain, has_shims, STACK_CHANGED, STACK_CHANGED, ""},
	{"nobody entered", clear_entry, has_entries, STACK_CHANGED, STACK_CHANGED, ""},
	{"a generator waits", end_in_generator, has_entries, STACK_CHANGED, STACK_CHANGED, ""},
	{"a gap", move_leaf, has_data_stack, STACK_CHANGED, STACK_GOOD, "g@30 f@20 main@10"},
	{"a longer caller", replace_caller, has_data_stack, STACK_CHANGED, STACK_GOOD,
	 "g@30 other@12 main@10"},
	{"a caller that did not call", unmark_caller, any, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@20 main@10"},
	{"another that did not", unmark_outermost, any, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@20 main@10"},
	{"a caller that has gone on", call_nothing, has_data_stack, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@51 main@10"},
	{"one that resumes others", resume_generator, has_data_stack, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@63 main@10"},
	{"one that calls C", call_c, has_data_stack, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@75 main@10"},
	{"a frame that returned", stop_leaf, has_objects, STACK_CHANGED, STACK_GOOD,
	 "g@30 f@20 main@10"},
	{"a popped frame", clear_code, has_data_stack, STACK_GOOD, STACK_CHANGED,
	 "g@30 f@20 main@10"},
	{"a frame object without code", clear_code, has_objects, STACK_CHANGED, STACK_CHANGED, ""},
	{"a popped frame of nothing", clear_code_and_instr, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"a tagged code object", tag_code, has_tags, STACK_GOOD, STACK_GOOD, "g@30 f@20 main@10"},
	{"an instruction too far", pass_the_end, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"a caller's too far", caller_passes_the_end, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"no code object", run_nothing, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"code that is not there", run_nowhere, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"a circle of one", chain_to_itself, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"a circle of three", chain_to_leaf, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"a frame that is not there", chain_to_nowhere, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"half a frame", chain_to_the_edge, any, STACK_CHANGED, STACK_CHANGED, ""},
	{"the last byte", chain_to_the_last_byte, any, STACK_CHANGED, STACK_CHANGED, ""},
};

static void check_fault(const struct fault *fault, unsigned kind, bool is_still, bool is_first)
{
	enum stack_result expected = is_still ? fault->still : fault->running, result;
	struct three three;
	uint32_t node;

	three_init(&three, kind);
	if (fault->applies(three.python.layout)) {
		if (!is_first || fault->make == clear_code)
			assert_good(&three.python, is_still, "g@30 f@20 main@10");
		three.python.memory.calls = 0;
		fault->make(&three);
		result = read_stack(&three.python, is_still, &node);
		if (result != expected)
			fail_msg("%s: %d, kind %u, still %d, first %d", fault->name, result, kind,
				 is_still, is_first);
		assert_string_equal(text_of(&three.python, node),
				    expected == STACK_GOOD ? fault->text : "?");
		assert_true(three.python.memory.calls < 40);
		assert_true(three.python.stack.room < 100);
	}
	python_deinit(&three.python);
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned kind = 0; kind < PYTHON_KINDS; kind++)
			for (unsigned how = 0; how < 4; how++)
				check_fault(&faults[i], kind, how & 1, how & 2);
}

/* A chunk begins with a frame, at its first word or the one behind. */
static void test_begin_of_chunk(void **state)
{
	(void)state;
	for (unsigned kind = 3; kind < PYTHON_KINDS; kind++) {
		for (unsigned skip = 0; skip < 2; skip++) {
			struct python python;
			uint64_t code;

			python_init(&python, kind);
			code = python_code(&python, "f", "/a.py", WORDS);
			python.top += 8 * skip;
			python_enter_c(&python);
			python_push(&python, code, 11, WORDS);
			python_push(&python, code, 12, WORDS);
			if (skip)
				assert_not_good(&python, false, STACK_CHANGED);
			else
				assert_good(&python, false, "f@12 f@11");
			assert_good(&python, true, "f@12 f@11");
			python_deinit(&python);
		}
	}
}

/* C code in between: what it called is not what its caller called. */
static void check_through_c(struct three *three)
{
	struct python *python = &three->python;

	python_enter_c(python);
	unmark_caller(three); /* f, which is not asked; g is */
	put(three, 1, python->layout->frame_executing, python->layout->frame_executing_value, 1);
	python_mark_caller(python, three->frames[1]);
	python_put(python, three->frames[2], python->layout->frame_stacktop, UINT32_MAX, 4);
	set_code(three, 2, three->codes[2], PYTHON_CALLS_C + PYTHON_WITHIN);
	python->code = 0;
	python_push(python, three->codes[0], 14, WORDS);
	assert_good(python, false, "main@14 g@75 f@20 main@10");
	if (!has_data_stack(python->layout))
		return;
	set_code(three, 2, three->codes[2], PYTHON_NOTHING + PYTHON_WITHIN);
	assert_not_good(python, false, STACK_CHANGED);
	assert_good(python, true, "main@14 g@51 f@20 main@10");
}

static void test_through_c(void **state)
{
	(void)state;
	with_each(check_through_c);
}

/* A generator's frame is in an object of its own. */
static void check_generator(struct three *three)
{
	struct python *python = &three->python;
	uint64_t frame = python_take(python, 256);
	uint32_t node;

	if (!has_data_stack(python->layout))
		return;
	set_code(three, 2, three->codes[2], PYTHON_RESUMES + PYTHON_WITHIN);
	assert_good(python, false, "g@63 f@20 main@10");
	python_push_at(python, frame, three->codes[1], 9, python->layout->frame_owner_generator);
	assert_int_equal(read_once(python, false, &node), STACK_ELSEWHERE);
	assert_int_equal(read_once(python, false, &node), STACK_GOOD);
	assert_string_equal(text_of(python, node), "f@9 g@63 f@20 main@10");
	python_push(python, three->codes[2], 8, WORDS);
	assert_good(python, false, "g@8 f@9 g@63 f@20 main@10");
	/* Where calls push frames, a generator's is none of them. */
	set_code(three, 2, three->codes[2], 30);
	assert_not_good(python, false, STACK_CHANGED);
	assert_good(python, true, "g@8 f@9 g@30 f@20 main@10");
}

static void test_generator(void **state)
{
	(void)state;
	with_each(check_generator);
}

/* A frame that has not begun is none yet, but a generator's. */
static void check_not_begun(struct three *three)
{
	struct python *python = &three->python;
	bool counts = python->layout->code_firsttraceable == PYABI_NONE;

	python_push(python, three->codes[0], 0, WORDS);
	assert_good(python, false, counts ? "main@0 g@30 f@20 main@10" : "g@30 f@20 main@10");
	if (counts)
		return;
	python_put(python, python->frame, python->layout->frame_owner,
		   python->layout->frame_owner_generator, 1);
	set_code(three, 2, three->codes[2], PYTHON_RESUMES + PYTHON_WITHIN);
	/* As it is seen at first. */
	stack_deinit(&python->stack);
	stack_init(&python->stack, python->tstate);
	assert_good(python, false, "main@0 g@63 f@20 main@10");
}

static void test_not_begun(void **state)
{
	(void)state;
	with_each(check_not_begun);
}

/* Another code object where one was: the interpreter says so, or a comparison does. */
static void check_code_replaced(struct three *three)
{
	struct python *python = &three->python;
	const struct pyabi_layout *layout = python->layout;
	uint64_t name = python_str(python, "new");

	assert_good(python, false, "g@30 f@20 main@10");
	python_put(python, three->codes[1], layout->code_name, name, 8);
	python_put(python, three->codes[1], layout->code_qualname, name, 8);
	python_put(python, python->interp, layout->interp_code_object_generation, 2, 8);
	assert_good(python, false, "g@30 new@20 main@10");
	assert_good(python, true, "g@30 new@20 main@10");
}

static void test_code_replaced(void **state)
{
	(void)state;
	with_each(check_code_replaced);
}

/* Up to 3.10 a caller that moves while the frames are copied. */
struct mover {
	struct three *three;
	unsigned looks, at;
};

static void move_caller(struct memory *memory, size_t place, uint64_t address, void *data)
{
	struct mover *mover = data;
	struct three *three = mover->three;

	(void)memory;
	(void)place;
	if (address == three->python.tstate && ++mover->looks == mover->at)
		put(three, 1, three->python.layout->frame_instr, 44, 4);
}

static void test_callers_stay(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct three three;
		struct mover mover = {.three = &three};

		three_init(&three, kind);
		assert_good(&three.python, false, "g@30 f@20 main@10");
		three.python.memory.before = move_caller;
		three.python.memory.data = &mover;
		mover.at = 2;
		assert_not_good(&three.python, false, STACK_CHANGED);
		assert_int_equal(mover.looks, 2);
		assert_good(&three.python, false, "g@30 f@22 main@10");
		python_deinit(&three.python);
	}
}

static void check_gone(struct three *three)
{
	struct python *python = &three->python;
	uint64_t cframe = PYTHON_C_STACK + 512;

	assert_good(python, false, "g@30 f@20 main@10");
	if (python->cframe) {
		python_put(python, cframe, python->layout->cframe_current_frame, python->frame, 8);
		python_put(python, python->tstate, python->layout->tstate_frame, cframe, 8);
		assert_good(python, false, "g@30 f@20 main@10");
		/* The old one is another thing's by now. */
		python_put(python, python->cframe, python->layout->cframe_current_frame, 1, 8);
		assert_good(python, false, "g@30 f@20 main@10");
		memory_unmap(&python->memory, PYTHON_C_STACK);
		assert_not_good(python, false, STACK_ELSEWHERE);
		memory_map(&python->memory, PYTHON_C_STACK, PYTHON_C_BYTES);
		python_put(python, cframe, python->layout->cframe_current_frame, 0, 8);
		assert_not_good(python, false, STACK_CHANGED);
	}
	python->memory.gone = true;
	assert_not_good(python, false, STACK_LOST);
	assert_not_good(python, false, python->cframe ? STACK_GONE : STACK_LOST);
	python->memory.gone = false;
	memory_unmap(&python->memory, PYTHON_HEAP);
	assert_not_good(python, false, STACK_GONE);
	assert_not_good(python, true, STACK_GONE);
}

static void test_gone(void **state)
{
	(void)state;
	with_each(check_gone);
}

/* Recursion, over many chunks; at the second look all of it is known. */
static void test_deep(void **state)
{
	enum {
		DEPTH = 3000
	};

	(void)state;
	for (unsigned kind = 0; kind < PYTHON_KINDS; kind++) {
		struct three three;
		struct python *python = &three.python;
		uint32_t node, depth = 0;

		three_init(&three, kind);
		for (unsigned i = 3; i < DEPTH; i++)
			python_push(python, three.codes[2], 10, WORDS);
		for (unsigned i = 0; i < 10; i++)
			if (read_once(python, false, &node) == STACK_GOOD)
				break;
		python->memory.calls = 0;
		codes_begin_round(&python->codes, 20 * SECOND);
		assert_int_equal(read_once(python, false, &node), STACK_GOOD);
		assert_true(python->memory.calls <= 4);
		for (; node; node = trace_tree_node(python->tree, node)->parent)
			depth++;
		assert_int_equal(depth, DEPTH);
		/* The last of it is a circle. */
		chain_to_itself(&three);
		python->memory.calls = 0;
		assert_not_good(python, false, STACK_CHANGED);
		assert_not_good(python, true, STACK_CHANGED);
		assert_true(python->memory.calls < 100);
		python_deinit(python);
	}
}

/*
 * A program that runs while it is read: chains of calls that never cross, f to g and i to k. Its
 * frames are copied at once, what leads to them before; by then it has gone on. No reading shows a
 * frame behind one that did not call it.
 */
#define PROGRAM_CODES 5u
#define PROGRAM_DEPTH 20u

struct program {
	struct python python;
	uint64_t codes[PROGRAM_CODES];
	struct python_level levels[PROGRAM_DEPTH];
	unsigned running[PROGRAM_DEPTH + 1]; /* which code, by depth */
	unsigned depth;
	uint32_t random;
	bool runs;
};

/* Who calls whom: main all; f g, which calls f; i k, which calls i. */
static const uint8_t calls[PROGRAM_CODES][2] = {{1, 3}, {2, 2}, {1, 1}, {4, 4}, {3, 3}};

static uint32_t program_random(struct program *program)
{
	program->random = program->random * 1664525u + 1013904223u;
	return program->random >> 16;
}

static void program_call(struct program *program, unsigned code)
{
	program->levels[program->depth] = python_level(&program->python);
	/* All but one take the same room. */
	python_push(&program->python, program->codes[code], 10 + program_random(program) % 20,
		    code == 4 ? OTHER : WORDS);
	program->running[++program->depth] = code;
}

static void program_step(struct program *program)
{
	uint32_t random = program_random(program);

	if (program->depth > 1 && (random & 1 || program->depth == PROGRAM_DEPTH))
		python_return(&program->python, &program->levels[--program->depth]);
	else
		program_call(program, calls[program->running[program->depth]][random >> 1 & 1]);
}

static void run_program(struct memory *memory, size_t place, uint64_t address, void *data)
{
	struct program *program = data;

	(void)memory;
	(void)place;
	(void)address;
	for (uint32_t steps = program->runs ? program_random(program) % 5 : 0; steps > 0; steps--)
		program_step(program);
}

static void program_init(struct program *program, unsigned kind)
{
	static const char *const functions[] = {"main", "f", "g", "i", "k"};

	memset(program, 0, sizeof(*program));
	program->random = kind + 1;
	python_init(&program->python, kind);
	codes_begin_round(&program->python.codes, 10 * SECOND);
	for (unsigned i = 0; i < PROGRAM_CODES; i++)
		program->codes[i] = python_code(&program->python, functions[i], "/a.py",
						i == 4 ? OTHER : WORDS);
	python_enter_c(&program->python);
	program_call(program, 0);
	program->python.memory.before = run_program;
	program->python.memory.data = program;
}

static unsigned code_of(struct program *program, uint32_t node)
{
	const struct trace_node *at = trace_tree_node(program->python.tree, node);

	for (unsigned i = 0; i < PROGRAM_CODES; i++)
		if (codes_find(&program->python.codes, program->codes[i]) &&
		    codes_find(&program->python.codes, program->codes[i])->number == at->code)
			return i;
	fail();
	return 0;
}

static void assert_is_possible(struct program *program, uint32_t node)
{
	while (node) {
		unsigned called = code_of(program, node);

		node = trace_tree_node(program->python.tree, node)->parent;
		if (!node) {
			assert_int_equal(called, 0);
		} else {
			unsigned caller = code_of(program, node);

			assert_true(calls[caller][0] == called || calls[caller][1] == called);
		}
	}
}

static void test_never_crossing(void **state)
{
	(void)state;
	for (unsigned kind = 3; kind < PYTHON_KINDS; kind++) {
		unsigned good = 0, changed = 0;
		struct program program;
		uint32_t node;

		program_init(&program, kind);
		for (unsigned i = 0; i < 2000; i++) {
			enum stack_result result;

			program.runs = i > 20;
			result = read_once(&program.python, false, &node);
			good += result == STACK_GOOD;
			changed += result == STACK_CHANGED;
			if (result == STACK_GOOD)
				assert_is_possible(&program, node);
		}
		assert_true(good > 1000);
		assert_true(changed > 30);
		program.runs = false;
		assert_int_equal(read_stack(&program.python, false, &node), STACK_GOOD);
		python_deinit(&program.python);
	}
}

/* Whatever it does between two looks, a look shows where it is. */
static void test_between_looks(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < PYTHON_KINDS; kind++) {
		struct program program;

		program_init(&program, kind);
		for (unsigned i = 0; i < 2000; i++) {
			uint32_t node, depth;

			for (uint32_t steps = program_random(&program) % 9; steps > 0; steps--)
				program_step(&program);
			assert_int_equal(read_stack(&program.python, i % 3 == 0, &node),
					 STACK_GOOD);
			for (depth = program.depth; node; depth--) {
				assert_true(depth > 0);
				assert_int_equal(code_of(&program, node), program.running[depth]);
				node = trace_tree_node(program.python.tree, node)->parent;
			}
			assert_int_equal(depth, 0);
		}
		python_deinit(&program.python);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_moves_on),
		cmocka_unit_test(test_calls_from_nowhere),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_begin_of_chunk),
		cmocka_unit_test(test_through_c),
		cmocka_unit_test(test_generator),
		cmocka_unit_test(test_not_begun),
		cmocka_unit_test(test_code_replaced),
		cmocka_unit_test(test_callers_stay),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_never_crossing),
		cmocka_unit_test(test_between_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
