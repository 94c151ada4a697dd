#include "sampler/ranking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MS 1000000ull

/* Instruction n of every code is in line first_line + n: pairs of one byte and one line. */
static const struct pyabi_layout layout = {
	.linetable = PYABI_LNOTAB,
	.features = PYABI_INSTR_INDEX,
};
static const uint8_t table[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

struct program {
	struct trace_tree *tree;
	struct spots *spots;
	struct live *live;
	struct ranking ranking;
	uint64_t now_ns;
};

static void set_up(struct program *program)
{
	static const struct live_options options = {.window_ns = 1000 * MS, .period_ns = 10 * MS};

	program->tree = trace_tree_create();
	program->spots = spots_create(program->tree);
	program->live = live_create(&options);
	ranking_init(&program->ranking);
	program->now_ns = 1000 * MS;
	for (uint32_t i = 0; i < 2; i++) {
		struct sampler_process news = {.process = i, .pid = 100 + (pid_t)i};

		live_news(program->live, &news);
	}
}

static void tear_down(struct program *program)
{
	ranking_deinit(&program->ranking);
	live_destroy(program->live);
	spots_destroy(program->spots);
	trace_tree_destroy(program->tree);
}

/* "main a:3 b": frames from the outermost on, each at an instruction (0 unless given). */
static uint32_t stack(struct program *program, const char *frames)
{
	uint32_t node = SAMPLE_STACK_EMPTY;

	while (*frames) {
		char function[8] = "";
		size_t length = strcspn(frames, ": ");
		struct trace_code code = {
			.function = function,
			.file = "app.py",
			.layout = &layout,
			.line_table = table,
			.line_table_bytes = sizeof(table),
			.first_line = 10,
		};
		uint32_t instr = 0;

		memcpy(function, frames, length);
		frames += length;
		if (*frames == ':') {
			instr = (uint32_t)(frames[1] - '0');
			frames += 2;
		}
		frames += *frames == ' ';
		node = trace_tree_add_node(program->tree, node,
					   trace_tree_add_code(program->tree, &code), instr);
	}
	return node;
}

static void spend(struct program *program, unsigned rounds, const char *frames, unsigned flags)
{
	struct sample sample = {
		.tid = 100,
		.stack = stack(program, frames),
		.flags = (uint16_t)flags,
	};

	for (unsigned i = 0; i < rounds; i++, program->now_ns += 10 * MS) {
		sample.time_ns = program->now_ns;
		live_add(program->live, &sample, 1);
	}
}

static const struct ranking_row *row_of(const struct ranking *ranking,
					const struct ranking_rows *rows, const char *function,
					uint32_t line)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		const struct spot *spot =
			spots_get(ranking->spots, ranking->options.level, rows->items[i].spot);

		if (strcmp(spot->function, function) == 0 && (!line || spot->line == line))
			return &rows->items[i];
	}
	fail_msg("there is no row of %s:%u", function, line);
	return NULL;
}

#define expect_row(program, function, line, own_ms, total_ms)                                  \
	do {                                                                                   \
		const struct ranking_row *found =                                              \
			row_of(&(program)->ranking, &(program)->ranking.rows, function, line); \
		assert_float_equal(found->own_ns[LIVE_ALL], (own_ms)*1e6, 1);                  \
		assert_float_equal(found->total_ns[LIVE_ALL], (total_ms)*1e6, 1);              \
	} while (0)

static void make(struct program *program, enum live_metric metric, enum spot_level level)
{
	const struct ranking_options options = {.metric = metric, .level = level};

	ranking_make(&program->ranking, program->live, program->spots, &options);
}

static void test_own_and_total(void **state)
{
	struct program program;

	(void)state;
	set_up(&program);
	spend(&program, 10, "main", SAMPLE_RUNNING);
	spend(&program, 20, "main a", SAMPLE_RUNNING);
	spend(&program, 30, "main a b", SAMPLE_RUNNING);
	spend(&program, 5, "main b", SAMPLE_RUNNING);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	assert_int_equal(program.ranking.rows.count, 3);
	expect_row(&program, "main", 10, 100, 650);
	expect_row(&program, "a", 10, 200, 500);
	expect_row(&program, "b", 10, 350, 350);
	assert_float_equal(program.ranking.watched_ns[LIVE_ALL], 650e6, 1);
	assert_float_equal(program.ranking.total_ns[LIVE_ALL], 650e6, 1);
	tear_down(&program);
}

static void test_recursion(void **state)
{
	struct program program;

	(void)state;
	set_up(&program);
	spend(&program, 10, "main fib", SAMPLE_RUNNING);
	spend(&program, 10, "main fib fib", SAMPLE_RUNNING);
	spend(&program, 10, "main fib fib fib", SAMPLE_RUNNING);
	spend(&program, 10, "main fib add fib", SAMPLE_RUNNING);
	spend(&program, 10, "main fib add", SAMPLE_RUNNING);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	expect_row(&program, "main", 0, 0, 500);
	expect_row(&program, "fib", 0, 400, 500);
	expect_row(&program, "add", 0, 100, 200);
	tear_down(&program);
}

static void test_lines(void **state)
{
	struct program program;

	(void)state;
	set_up(&program);
	spend(&program, 10, "main:1 a:2", SAMPLE_RUNNING);
	spend(&program, 20, "main:1 a:3", SAMPLE_RUNNING);
	spend(&program, 30, "main:4 a:3", SAMPLE_RUNNING);
	make(&program, LIVE_CPU, SPOT_LINE);
	assert_int_equal(program.ranking.rows.count, 4);
	expect_row(&program, "main", 11, 0, 300);
	expect_row(&program, "main", 14, 0, 300);
	expect_row(&program, "a", 12, 100, 100);
	expect_row(&program, "a", 13, 500, 500);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	assert_int_equal(program.ranking.rows.count, 2);
	expect_row(&program, "a", 10, 600, 600);
	tear_down(&program);
}

static void test_metrics_and_markers(void **state)
{
	struct program program;
	struct sample unknown = {.tid = 100, .stack = SAMPLE_STACK_UNKNOWN};

	(void)state;
	set_up(&program);
	spend(&program, 10, "main", SAMPLE_RUNNING | SAMPLE_HOLDS_GIL);
	spend(&program, 20, "main a", SAMPLE_RUNNING);
	spend(&program, 30, "main", 0);
	spend(&program, 5, "", SAMPLE_RUNNING);
	unknown.flags = SAMPLE_RUNNING | SAMPLE_UNKNOWN;
	unknown.time_ns = program.now_ns;
	live_add(program.live, &unknown, 1);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	expect_row(&program, "main", 0, 100, 300);
	expect_row(&program, "a", 0, 200, 200);
	expect_row(&program, "<no Python frame>", 0, 50, 50);
	expect_row(&program, "<stack unknown>", 0, 10, 10);
	assert_int_equal(program.ranking.rows.count, 4);
	make(&program, LIVE_WALL, SPOT_LINE);
	expect_row(&program, "main", 0, 400, 600);
	assert_int_equal(program.ranking.rows.count, 4);
	make(&program, LIVE_GIL, SPOT_FUNCTION);
	expect_row(&program, "main", 0, 100, 100);
	assert_int_equal(program.ranking.rows.count, 1);
	assert_float_equal(program.ranking.watched_ns[LIVE_ALL], 660e6, 1);
	tear_down(&program);
}

static void test_window_and_all(void **state)
{
	struct program program;
	const struct ranking_row *row;

	(void)state;
	set_up(&program);
	spend(&program, 200, "main a", SAMPLE_RUNNING);
	spend(&program, 100, "main b", SAMPLE_RUNNING);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	expect_row(&program, "main", 0, 0, 3000);
	row = row_of(&program.ranking, &program.ranking.rows, "a", 0);
	assert_float_equal(row->own_ns[LIVE_WINDOW], 0, 0);
	assert_float_equal(row->own_ns[LIVE_ALL], 2000e6, 1);
	row = row_of(&program.ranking, &program.ranking.rows, "b", 0);
	assert_float_equal(row->own_ns[LIVE_WINDOW], 1000e6, 1);
	assert_float_equal(program.ranking.watched_ns[LIVE_WINDOW], 1000e6, 1);
	tear_down(&program);
}

static void test_one_thread(void **state)
{
	struct program program;
	uint32_t a, b;

	(void)state;
	set_up(&program);
	a = stack(&program, "main a");
	b = stack(&program, "main b");
	for (unsigned i = 0; i < 10; i++, program.now_ns += 10 * MS) {
		struct sample samples[] = {
			{.time_ns = program.now_ns, .tid = 100, .stack = a},
			{.time_ns = program.now_ns, .tid = 101, .stack = b},
			{.time_ns = program.now_ns, .process = 1, .tid = 200, .stack = b},
		};

		live_add(program.live, samples, 3);
	}
	make(&program, LIVE_WALL, SPOT_FUNCTION);
	expect_row(&program, "main", 0, 0, 300);
	expect_row(&program, "b", 0, 200, 200);
	ranking_make(
		&program.ranking, program.live, program.spots,
		&(struct ranking_options){.metric = LIVE_WALL, .one_process = true, .process = 0});
	expect_row(&program, "main", 0, 0, 200);
	expect_row(&program, "b", 0, 100, 100);
	ranking_make(&program.ranking, program.live, program.spots,
		     &(struct ranking_options){
			     .metric = LIVE_WALL, .one_process = true, .process = 0, .tid = 100});
	expect_row(&program, "main", 0, 0, 100);
	assert_int_equal(program.ranking.rows.count, 2);
	assert_float_equal(program.ranking.watched_ns[LIVE_ALL], 100e6, 1);
	tear_down(&program);
}

static void test_callers(void **state)
{
	struct program program;
	struct ranking_rows callers = {0};
	uint32_t path[3];

	(void)state;
	set_up(&program);
	spend(&program, 10, "main a x", SAMPLE_RUNNING);
	spend(&program, 20, "main a x y", SAMPLE_RUNNING);
	spend(&program, 30, "main b x x y", SAMPLE_RUNNING);
	spend(&program, 5, "x", SAMPLE_RUNNING);
	spend(&program, 7, "other b x", SAMPLE_RUNNING);
	make(&program, LIVE_CPU, SPOT_FUNCTION);
	path[0] = row_of(&program.ranking, &program.ranking.rows, "x", 0)->spot;
	ranking_callers(&program.ranking, path, 1, &callers);
	assert_int_equal(callers.count, 3);
	assert_float_equal(row_of(&program.ranking, &callers, "a", 0)->total_ns[LIVE_ALL], 300e6,
			   1);
	assert_float_equal(row_of(&program.ranking, &callers, "b", 0)->total_ns[LIVE_ALL], 370e6,
			   1);
	assert_float_equal(row_of(&program.ranking, &callers, "<outermost>", 0)->total_ns[LIVE_ALL],
			   50e6, 1);
	path[1] = row_of(&program.ranking, &callers, "b", 0)->spot;
	ranking_callers(&program.ranking, path, 2, &callers);
	assert_int_equal(callers.count, 2);
	assert_float_equal(row_of(&program.ranking, &callers, "main", 0)->total_ns[LIVE_ALL], 300e6,
			   1);
	path[2] = row_of(&program.ranking, &callers, "other", 0)->spot;
	ranking_callers(&program.ranking, path, 3, &callers);
	assert_int_equal(callers.count, 1);
	assert_float_equal(row_of(&program.ranking, &callers, "<outermost>", 0)->total_ns[LIVE_ALL],
			   70e6, 1);
	ranking_rows_deinit(&callers);
	tear_down(&program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_and_total),  cmocka_unit_test(test_recursion),
		cmocka_unit_test(test_lines),          cmocka_unit_test(test_metrics_and_markers),
		cmocka_unit_test(test_window_and_all), cmocka_unit_test(test_one_thread),
		cmocka_unit_test(test_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
