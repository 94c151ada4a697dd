#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sampler/interpreters.h"
#include "sampler/test_python.h"

/* As many as are ever followed. */
#define INTERPRETERS_MOST 1024u
#define STATES_MOST       65536u

/* Two interpreters with two threads and one; thread 102 has a state in both. */
struct two {
	struct python python;
	uint64_t interps[2], gils[2], states[3];
	struct interpreters interpreters;
	struct task items[3];
	struct tasks tasks;
};

static const struct interpreter *first(const struct two *two)
{
	return interpreters_find(&two->interpreters, two->interps[0]);
}

/* The C library's struct of a thread. */
static uint64_t make_pthread(struct two *two, uint32_t offset, int32_t tid)
{
	uint64_t address = python_take(&two->python, 2048 + 64);

	memory_put(&two->python.memory, address + offset, &tid, sizeof(tid));
	return address;
}

static void two_init(struct two *two, unsigned kind)
{
	struct python *python = &two->python;
	const uint64_t tids[] = {101, 102, 102};

	memset(two, 0, sizeof(*two));
	python_init(python, kind);
	two->gils[0] = python->gil;
	two->interps[0] = python->interp;
	two->interps[1] = python_interpreter(python, 5, true);
	two->gils[1] = python->gil;
	for (unsigned i = 0; i < 3; i++) {
		bool says_id = python->layout->tstate_native_thread_id != PYABI_NONE;

		two->items[i].tid = (pid_t)(1101 + i);
		two->items[i].inner_tid = (pid_t)(101 + i);
		two->states[i] = python_thread_state(
			python, two->interps[i / 2],
			says_id ? i + 1 : make_pthread(two, 720, (int32_t)tids[i]), tids[i]);
	}
	two->tasks = (struct tasks){.items = two->items, .count = 3};
	python_link(python, two->interps[0], two->states, 2);
	python_link(python, two->interps[1], two->states + 2, 1);
	python_link_interpreters(python, two->interps, 2);
	interpreters_init(&two->interpreters, memory_target(&python->memory), &python->runtime);
}

static void two_deinit(struct two *two)
{
	interpreters_deinit(&two->interpreters);
	python_deinit(&two->python);
}

static void with_each(void (*test)(struct two *two))
{
	for (unsigned kind = 0; kind < PYTHON_KINDS; kind++) {
		struct two two;

		two_init(&two, kind);
		test(&two);
		two_deinit(&two);
	}
}

static void list(struct two *two)
{
	interpreters_list(&two->interpreters, &two->tasks);
}

static void check_list(struct two *two)
{
	const struct pyabi_layout *layout = two->python.layout;
	const struct interpreter *second;
	const struct thread_state *state;

	assert_int_equal(interpreters_look(&two->interpreters), INTERPRETERS_CHANGED);
	list(two);
	assert_int_equal(two->interpreters.count, 2);
	assert_int_equal(two->interpreters.state_count, 3);
	assert_int_equal(first(two)->id, 0);
	assert_int_equal(first(two)->gil, two->gils[0]);
	second = interpreters_find(&two->interpreters, two->interps[1]);
	assert_int_equal(second->id, 5);
	assert_int_equal(second->gil, two->gils[1]);
	assert_int_equal(second->head, two->states[2]);
	assert_int_equal(second->generation != 0,
			 layout->interp_code_object_generation != PYABI_NONE);
	assert_null(interpreters_find(&two->interpreters, 0));
	state = interpreters_state_of(&two->interpreters, &two->items[0]);
	assert_int_equal(state->address, two->states[0]);
	assert_int_equal(state->interp, two->interps[0]);
	assert_int_equal(state->inner_tid, 101);
	assert_null(interpreters_state_of(&two->interpreters, &two->items[2]));
	assert_int_equal(interpreters_look(&two->interpreters), INTERPRETERS_SAME);
}

static void test_list(void **state)
{
	(void)state;
	with_each(check_list);
}

/* Of two states of one thread: that which holds a GIL, else that which runs something. */
static void check_best(struct two *two)
{
	const struct pyabi_layout *layout = two->python.layout;
	const struct task *task = &two->items[1];

	python_put(&two->python, two->states[1], layout->tstate_frame, 0, 8);
	python_put(&two->python, two->states[2], layout->tstate_frame, PYTHON_C_STACK, 8);
	list(two);
	assert_int_equal(interpreters_state_of(&two->interpreters, task)->address, two->states[2]);
	python_put(&two->python, two->states[1], layout->tstate_frame, PYTHON_C_STACK, 8);
	python_put(&two->python, two->states[2], layout->tstate_frame, 0, 8);
	list(two);
	assert_int_equal(interpreters_state_of(&two->interpreters, task)->address, two->states[1]);
	python_hold_gil(&two->python, two->gils[1], two->states[2]);
	list(two);
	assert_int_equal(interpreters_state_of(&two->interpreters, task)->address, two->states[2]);
}

static void test_best(void **state)
{
	(void)state;
	with_each(check_best);
}

static void check_look(struct two *two)
{
	const struct pyabi_layout *layout = two->python.layout;
	struct interpreters *interpreters = &two->interpreters;
	unsigned calls;

	list(two);
	python_hold_gil(&two->python, two->gils[0], two->states[1]);
	if (layout->interp_gc_collecting != PYABI_NONE)
		python_put(&two->python, two->interps[0], layout->interp_gc_collecting, 1, 4);
	else
		python_put(&two->python, PYTHON_RUNTIME, layout->runtime_gc_collecting, 1, 4);
	calls = two->python.memory.calls;
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_SAME);
	assert_int_equal(two->python.memory.calls, calls + 1);
	assert_int_equal(first(two)->gil_holder, two->states[1]);
	assert_true(first(two)->collects);
	/* Whoever held it last does not hold it any more, or it is not made yet. */
	python_put(&two->python, two->gils[0], layout->gil_locked, 0, 4);
	interpreters_look(interpreters);
	assert_int_equal(first(two)->gil_holder, 0);
	python_put(&two->python, two->gils[0], layout->gil_locked, UINT32_MAX, 4);
	interpreters_look(interpreters);
	assert_int_equal(first(two)->gil_holder, 0);
	/* Lists that have changed, until they are listed. */
	python_link(&two->python, two->interps[1], NULL, 0);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_CHANGED);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_CHANGED);
	list(two);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_SAME);
	assert_int_equal(interpreters->state_count, 2);
	python_link_interpreters(&two->python, two->interps, 1);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_CHANGED);
	list(two);
	assert_int_equal(interpreters->count, 1);
	python_link_interpreters(&two->python, NULL, 0);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_CHANGED);
	two->python.memory.gone = true;
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_GONE);
	list(two);
	assert_int_equal(interpreters->count, 0);
	assert_int_equal(interpreters->state_count, 0);
}

static void test_look(void **state)
{
	(void)state;
	with_each(check_look);
}

static void check_gil(struct two *two)
{
	const struct pyabi_layout *layout = two->python.layout;
	const struct interpreter none = {0};

	list(two);
	assert_true(interpreter_owns_futex(first(two), two->gils[0]));
	assert_true(interpreter_owns_futex(first(two), two->gils[0] + 100));
	assert_false(interpreter_owns_futex(first(two), two->gils[0] - 1));
	assert_false(interpreter_owns_futex(first(two), two->gils[0] + 4096));
	assert_false(interpreter_owns_futex(&none, 8));
	if (layout->interp_gil == PYABI_NONE)
		return;
	if (layout->gil_enabled != PYABI_NONE) {
		python_put(&two->python, two->gils[0], layout->gil_enabled, 0, 4);
		list(two);
		assert_int_equal(first(two)->gil, 0);
		assert_false(interpreter_owns_futex(first(two), 100));
		assert_int_equal(interpreters_look(&two->interpreters), INTERPRETERS_SAME);
		/* The other one has its own. */
		assert_int_equal(interpreters_find(&two->interpreters, two->interps[1])->gil,
				 two->gils[1]);
		python_put(&two->python, two->interps[0], layout->interp_gil, 0x1234, 8);
		list(two);
		assert_int_equal(first(two)->gil, 0);
	}
	/* Not made yet. */
	python_put(&two->python, two->interps[0], layout->interp_gil, 0, 8);
	list(two);
	assert_int_equal(first(two)->gil, 0);
	assert_int_equal(first(two)->gil_holder, 0);
}

static void test_gil(void **state)
{
	(void)state;
	with_each(check_gil);
}

/* Lists that never end, and those that lead to what is none. */
static void check_broken(struct two *two)
{
	const struct pyabi_layout *layout = two->python.layout;
	struct python *python = &two->python;
	struct interpreters *interpreters = &two->interpreters;

	python_put(python, two->states[1], layout->tstate_next, two->states[0], 8);
	list(two);
	assert_int_equal(interpreters->count, 2);
	assert_true(interpreters->state_count <= STATES_MOST);
	python_put(python, two->interps[1], layout->interp_next, two->interps[0], 8);
	python->memory.calls = 0;
	list(two);
	assert_true(interpreters->count <= INTERPRETERS_MOST);
	assert_true(interpreters->state_count <= STATES_MOST);
	assert_true(python->memory.calls < 6 * INTERPRETERS_MOST + 3 * STATES_MOST);
	assert_int_not_equal(interpreters_look(interpreters), INTERPRETERS_GONE);
	/* One of another interpreter, one that is not there, and one at the end of what is. */
	python_put(python, two->interps[1], layout->interp_next, 0, 8);
	python_put(python, two->states[0], layout->tstate_next, two->states[2], 8);
	list(two);
	assert_int_equal(interpreters->state_count, 2);
	python_put(python, two->states[0], layout->tstate_next, 0x1234, 8);
	list(two);
	assert_int_equal(interpreters->state_count, 2);
	python_put(python, two->states[0], layout->tstate_next,
		   PYTHON_HEAP + PYTHON_HEAP_BYTES - 16, 8);
	list(two);
	assert_int_equal(interpreters->state_count, 2);
	python_put(python, two->interps[0], layout->interp_next, UINT64_MAX - 8, 8);
	list(two);
	assert_int_equal(interpreters->count, 1);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_SAME);
	memory_unmap(&python->memory, PYTHON_RUNTIME);
	assert_int_equal(interpreters_look(interpreters), INTERPRETERS_GONE);
	list(two);
	assert_int_equal(interpreters->count, 0);
}

static void test_broken(void **state)
{
	(void)state;
	with_each(check_broken);
}

/* Pythons that do not say which thread is theirs: the C library does, at some place. */
static void test_thread_ids(void **state)
{
	static const uint32_t offsets[] = {720, 56, 1024};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct two two;

		two_init(&two, 0);
		for (int32_t j = 0; j < 3; j++)
			python_put(&two.python, two.states[j], two.python.layout->tstate_thread_id,
				   make_pthread(&two, offsets[i], j ? 102 : 101), 8);
		list(&two);
		assert_int_equal(interpreters_state_of(&two.interpreters, &two.items[0])->address,
				 two.states[0]);
		assert_int_equal(two.interpreters.tid_offset, offsets[i]);
		/* Of a thread that is gone. */
		python_put(&two.python, two.states[0], two.python.layout->tstate_thread_id,
			   make_pthread(&two, offsets[i], 999), 8);
		list(&two);
		assert_null(interpreters_state_of(&two.interpreters, &two.items[0]));
		python_put(&two.python, two.states[0], two.python.layout->tstate_thread_id, 0, 8);
		list(&two);
		assert_null(interpreters_state_of(&two.interpreters, &two.items[0]));
		two_deinit(&two);
	}
}

/* It may lie where less than all that is looked at is there. */
static void test_thread_id_at_end(void **state)
{
	const uint64_t page = 0x7f5500001000;
	struct two two;
	int32_t tid = 101;

	(void)state;
	two_init(&two, 0);
	memory_map(&two.python.memory, page, 4096);
	memory_put(&two.python.memory, page + 4096 - 1000 + 720, &tid, sizeof(tid));
	for (unsigned i = 0; i < 3; i++)
		python_put(&two.python, two.states[i], two.python.layout->tstate_thread_id,
			   i ? 0 : page + 4096 - 1000, 8);
	list(&two);
	assert_int_equal(interpreters_state_of(&two.interpreters, &two.items[0])->address,
			 two.states[0]);
	two_deinit(&two);
}

/* After a fork Python may still say the id that the thread had in the parent. */
static void test_thread_ids_of_parent(void **state)
{
	struct two two;

	(void)state;
	two_init(&two, 3);
	for (unsigned i = 0; i < 3; i++) {
		python_put(&two.python, two.states[i], two.python.layout->tstate_native_thread_id,
			   555 + i, 8);
		python_put(&two.python, two.states[i], two.python.layout->tstate_thread_id,
			   make_pthread(&two, 720, (int32_t)(101 + i)), 8);
	}
	list(&two);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(interpreters_state_of(&two.interpreters, &two.items[i])->address,
				 two.states[i]);
	two_deinit(&two);
}

/* More than one look takes at once. */
static void test_many(void **state)
{
	enum {
		COUNT = 70
	};
	static uint64_t interps[COUNT];
	struct two two;

	(void)state;
	two_init(&two, 5);
	interps[0] = two.interps[0];
	for (unsigned i = 1; i < COUNT; i++)
		interps[i] = python_interpreter(&two.python, i, i % 2);
	python_link_interpreters(&two.python, interps, COUNT);
	list(&two);
	assert_int_equal(two.interpreters.count, COUNT);
	two.python.memory.calls = 0;
	assert_int_equal(interpreters_look(&two.interpreters), INTERPRETERS_SAME);
	assert_int_equal(two.python.memory.calls, 2);
	python_put(&two.python, interps[COUNT - 1], two.python.layout->interp_tstate_head, 0x10, 8);
	assert_int_equal(interpreters_look(&two.interpreters), INTERPRETERS_CHANGED);
	two_deinit(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_gil),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_thread_ids),
		cmocka_unit_test(test_thread_id_at_end),
		cmocka_unit_test(test_thread_ids_of_parent),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
