#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sampler/trace_tree.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sampler/sample.h"

/* Lines of 3.10: pairs of a length and a step, see pyabi/linetable.c. */
static const uint8_t table[] = {4, 1, 4, 2, 4, 3};

static struct pyabi_layout layout_of(uint32_t version_hex)
{
	struct pyabi_layout layout;

	assert_int_equal(pyabi_layout_init(version_hex, false, NULL, 0, &layout), 0);
	return layout;
}

static struct trace_code code_of(const struct pyabi_layout *layout, const char *function,
				 const char *file, int32_t line)
{
	return (struct trace_code){
		.function = function,
		.file = file,
		.layout = layout,
		.line_table = table,
		.line_table_bytes = sizeof(table),
		.first_line = line,
	};
}

static void test_empty(void **state)
{
	struct trace_tree *tree = trace_tree_create();
	const struct trace_node none = {0};

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		assert_memory_equal(trace_tree_node(tree, i), &none, sizeof(none));
		assert_int_equal(trace_tree_line(tree, i), 0);
	}
	assert_memory_equal(trace_tree_node(tree, UINT32_MAX), &none, sizeof(none));
	assert_memory_equal(trace_tree_node(tree, 12345), &none, sizeof(none));
	assert_null(trace_tree_code(tree, 0)->function);
	assert_null(trace_tree_code(tree, 12345)->function);
	assert_null(trace_tree_code(tree, UINT32_MAX)->function);
	assert_int_equal(trace_tree_line(tree, 12345), 0);
	assert_int_equal(trace_tree_line(tree, UINT32_MAX), 0);
	trace_tree_destroy(tree);
	trace_tree_destroy(NULL);
}

static void test_codes(void **state)
{
	struct trace_tree *tree = trace_tree_create();
	struct pyabi_layout layout = layout_of(0x030a00f0), other = layout_of(0x030b00f0), same;
	struct trace_code code = code_of(&layout, "f", "a.py", 1);
	char function[] = "f", file[] = "a.py";
	uint8_t lines[sizeof(table)];
	uint32_t first = trace_tree_add_code(tree, &code);

	(void)state;
	assert_int_equal(first, 1);
	/* Equal, wherever its parts are. */
	memcpy(lines, table, sizeof(table));
	same = layout;
	code = code_of(&same, function, file, 1);
	code.line_table = lines;
	assert_int_equal(trace_tree_add_code(tree, &code), first);
	/* Whatever is different makes another one. */
	code = code_of(&layout, "g", "a.py", 1);
	assert_int_equal(trace_tree_add_code(tree, &code), 2);
	code = code_of(&layout, "f", "b.py", 1);
	assert_int_equal(trace_tree_add_code(tree, &code), 3);
	code = code_of(&layout, "f", "a.py", 2);
	assert_int_equal(trace_tree_add_code(tree, &code), 4);
	code = code_of(&other, "f", "a.py", 1);
	assert_int_equal(trace_tree_add_code(tree, &code), 5);
	code = code_of(&layout, "f", "a.py", 1);
	code.line_table_bytes--;
	assert_int_equal(trace_tree_add_code(tree, &code), 6);
	code = code_of(&layout, "", "", -1);
	code.line_table_bytes = 0;
	assert_int_equal(trace_tree_add_code(tree, &code), 7);
	assert_string_equal(trace_tree_code(tree, 7)->function, "");
	/* Everything was copied. */
	memset(&same, 0, sizeof(same));
	memset(&layout, 0, sizeof(layout));
	memset(lines, 0, sizeof(lines));
	assert_string_equal(trace_tree_code(tree, first)->function, "f");
	assert_string_equal(trace_tree_code(tree, first)->file, "a.py");
	assert_int_equal(trace_tree_code(tree, first)->first_line, 1);
	assert_int_equal(trace_tree_code(tree, first)->layout->version_hex, 0x030a00f0);
	assert_memory_equal(trace_tree_code(tree, first)->line_table, table, sizeof(table));
	assert_int_equal(trace_tree_code(tree, first)->line_table_bytes, sizeof(table));
	trace_tree_destroy(tree);
}

static void test_nodes(void **state)
{
	struct trace_tree *tree = trace_tree_create();
	const struct trace_node *node;
	uint32_t a, b;

	(void)state;
	a = trace_tree_add_node(tree, SAMPLE_STACK_EMPTY, 1, 10);
	assert_int_equal(a, 2);
	b = trace_tree_add_node(tree, a, 1, 10);
	assert_int_equal(b, 3);
	assert_int_equal(trace_tree_add_node(tree, SAMPLE_STACK_EMPTY, 1, 10), a);
	assert_int_equal(trace_tree_add_node(tree, a, 1, 10), b);
	assert_int_equal(trace_tree_add_node(tree, a, 1, 11), 4);
	assert_int_equal(trace_tree_add_node(tree, a, 2, 10), 5);
	node = trace_tree_node(tree, b);
	assert_int_equal(node->parent, a);
	assert_int_equal(node->code, 1);
	assert_int_equal(node->instr, 10);
	trace_tree_destroy(tree);
}

/* More than any table holds at first; numbers and places stay. */
static void test_growth(void **state)
{
	enum {
		COUNT = 20000,
		CODES = 3000
	};
	struct trace_tree *tree = trace_tree_create();
	struct pyabi_layout layout = layout_of(0x030900f0);
	const struct trace_code *first_code = trace_tree_code(tree, 1);
	const struct trace_node *first_node = trace_tree_node(tree, 2);
	char name[32];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < CODES; i++) {
			struct trace_code code = code_of(&layout, name, "a.py", 1);

			snprintf(name, sizeof(name), "function %u", i);
			assert_int_equal(trace_tree_add_code(tree, &code), i + 1);
		}
		for (uint32_t i = 0; i < COUNT; i++)
			assert_int_equal(
				trace_tree_add_node(tree, i % 7 ? i + 1 : 0, i % CODES + 1, i * 2),
				i + 2);
	}
	assert_ptr_equal(trace_tree_code(tree, 1), first_code);
	assert_ptr_equal(trace_tree_node(tree, 2), first_node);
	for (uint32_t i = 0; i < CODES; i++) {
		snprintf(name, sizeof(name), "function %u", i);
		assert_string_equal(trace_tree_code(tree, i + 1)->function, name);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_int_equal(trace_tree_node(tree, i + 2)->parent, i % 7 ? i + 1 : 0);
		assert_int_equal(trace_tree_node(tree, i + 2)->instr, i * 2);
	}
	trace_tree_destroy(tree);
}

static void test_lines(void **state)
{
	static const struct {
		uint32_t instr, line;
	} cases[] = {{UINT32_MAX, 20}, {0, 21}, {1, 21}, {2, 23}, {3, 23}, {4, 26}, {5, 26}};
	struct trace_tree *tree = trace_tree_create();
	struct pyabi_layout layout = layout_of(0x030a00f0);
	struct trace_code code = code_of(&layout, "f", "a.py", 20);
	uint32_t number = trace_tree_add_code(tree, &code);

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			uint32_t node = trace_tree_add_node(tree, 0, number, cases[i].instr);

			assert_int_equal(trace_tree_line(tree, node), cases[i].line);
		}
	}
	/* Of a function without lines, and of none. */
	code = code_of(&layout, "f", "a.py", 0);
	code.line_table_bytes = 0;
	number = trace_tree_add_code(tree, &code);
	assert_int_equal(trace_tree_line(tree, trace_tree_add_node(tree, 0, number, 0)), 0);
	assert_int_equal(trace_tree_line(tree, trace_tree_add_node(tree, 0, 0, 0)), 0);
	trace_tree_destroy(tree);
}

enum {
	SHARED = 200000,
	SHARED_CODES = 500
};

struct shared {
	struct trace_tree *tree;
	struct pyabi_layout layout;
	_Atomic uint32_t told; /* numbers below are known to the other thread */
};

static void *add(void *data)
{
	struct shared *shared = data;
	uint32_t parent = 0;

	for (uint32_t i = 0; i < SHARED; i++) {
		struct trace_code code;
		char name[32];
		uint32_t number;

		snprintf(name, sizeof(name), "function %u", i % SHARED_CODES);
		code = code_of(&shared->layout, name, "a.py", (int32_t)(i % SHARED_CODES) + 1);
		number = trace_tree_add_code(shared->tree, &code);
		parent = trace_tree_add_node(shared->tree, i % 20 ? parent : 0, number, i);
		atomic_store_explicit(&shared->told, parent + 1, memory_order_release);
	}
	return NULL;
}

/* One thread adds while another reads what it was told of. */
static void test_threads(void **state)
{
	struct shared shared = {trace_tree_create(), layout_of(0x030a00f0), 0};
	uint32_t seen = 2;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, add, &shared), 0);
	while (seen < SHARED + 2) {
		uint32_t told = atomic_load_explicit(&shared.told, memory_order_acquire);

		for (; seen < told; seen++) {
			const struct trace_node *node = trace_tree_node(shared.tree, seen);
			const struct trace_code *code = trace_tree_code(shared.tree, node->code);
			uint32_t i = seen - 2;

			if (node->instr != i || node->parent != (i % 20 ? seen - 1 : 0) ||
			    code->first_line != (int32_t)(i % SHARED_CODES) + 1 ||
			    strncmp(code->function, "function ", 9) != 0 ||
			    trace_tree_line(shared.tree, seen) < (uint32_t)code->first_line)
				fail_msg("node %u is not what was added", seen);
		}
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	trace_tree_destroy(shared.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty), cmocka_unit_test(test_codes),
		cmocka_unit_test(test_nodes), cmocka_unit_test(test_growth),
		cmocka_unit_test(test_lines), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
