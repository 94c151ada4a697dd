#include "tui/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tui/keys.h"
#include "tui/test_specimen.h"

struct stage {
	struct specimen specimen;
	struct live *live;
	struct board board;
	struct canvas canvas;
	struct feed feed;
};

static const struct board_options plain_options = {
	.interval_ns = 1000000000,
	.window_ns = 5000000000,
};

/* `seconds` of the specimen, looked at. */
static void watch(struct stage *stage, unsigned seconds)
{
	stage->specimen.facts.now_ns += seconds * 1000000000ull;
	specimen_pull(stage->live, &stage->specimen);
	board_look(&stage->board, &stage->feed);
}

static void set_up(struct stage *stage, const struct board_options *options, unsigned workers,
		   pid_t child)
{
	static const struct live_options books = {.window_ns = 5000000000,
						  .period_ns = SPECIMEN_PERIOD_NS};

	specimen_init(&stage->specimen);
	stage->specimen.workers = workers;
	stage->specimen.child = child;
	stage->feed = (struct feed){specimen_pull, specimen_look, &stage->specimen};
	stage->live = live_create(&books);
	board_init(&stage->board, options, stage->live, stage->specimen.tree);
	canvas_init(&stage->canvas);
	watch(stage, 10);
}

static void tear_down(struct stage *stage)
{
	canvas_deinit(&stage->canvas);
	board_deinit(&stage->board);
	live_destroy(stage->live);
	specimen_deinit(&stage->specimen);
}

/* What is on the screen; to be freed. */
static char *draw(struct stage *stage, int rows, int columns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	canvas_clear(&stage->canvas, rows, columns);
	board_draw(&stage->board, &stage->canvas);
	canvas_write(&stage->canvas, false, out);
	fclose(out);
	return text;
}

static void expect(struct stage *stage, int rows, int columns, const char *expected)
{
	char *text = draw(stage, rows, columns);

	assert_string_equal(text, expected);
	free(text);
}

/* Presses keys, and looks for a text on a screen of 80x24; it must be there, or not. */
static void press_and_find(struct stage *stage, const char *keys, const char *expected, bool there)
{
	char *text;

	for (; *keys; keys++) {
		free(draw(stage, 24, 80));
		assert_true(board_key(&stage->board, (unsigned char)*keys));
	}
	text = draw(stage, 24, 80);
	if ((strstr(text, expected) != NULL) != there)
		fail_msg("\"%s\" is%s on the screen:\n%s", expected, there ? " not" : "", text);
	free(text);
}

#define press(stage, keys, expected)       press_and_find(stage, keys, expected, true)
#define press_without(stage, keys, absent) press_and_find(stage, keys, absent, false)

static int selected_row(const struct stage *stage)
{
	for (int row = 0; row < stage->canvas.rows; row++) {
		if (stage->canvas.row_styles[row] == CANVAS_SELECTED)
			return row;
	}
	return -1;
}

#define HEADER                                                                      \
	"sonde top  PID 4242  Python 3.12.1  /usr/bin/python3 app.py --port 8000\n" \
	"watched 10.0 s  reached 100 of 100 Hz  0 missed  2,000 samples\n"          \
	"CPU 80.0 %  GIL held 60.0 %  2 threads: 1 run, 0 want the GIL, 1 blocked\n"

static void test_functions(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	expect(&stage, 12, 80,
	       HEADER
	       "CPU time of functions, last 5 s, by own share  every 1 s\n"
	       "   %Own  %Total    OwnTime  TotalTime  Function (where it begins)\n"
	       "   60.0    60.0     6.00 s     6.00 s  Work.crunch (\u2026/library/work.py:30)\n"
	       "   20.0    20.0     2.00 s     2.00 s  Work.parse (\u2026/library/work.py:40)\n"
	       "    0.0    80.0     0.00 s     8.00 s  main (/srv/application/app.py:10)\n"
	       "    0.0    80.0     0.00 s     8.00 s  Work.run (\u2026/library/work.py:20)\n"
	       "\n\n"
	       "q quit  ? help  F lines  T threads  Enter callers  / filter  < > sort  p "
	       "pause\n");
	tear_down(&stage);
}

static void test_lines_of_wall_time(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	board_key(&stage.board, 'F');
	board_key(&stage.board, 'w');
	board_key(&stage.board, '2');
	expect(&stage, 13, 62,
	       "sonde top  PID 4242  Python 3.12.1  python3 app.py --port 8000\n"
	       "watched 10.0 s  reached 100 of 100 Hz  0 missed  2,000 samples\n"
	       "CPU 80.0 %  GIL held 60.0 %  2 threads: 1 run, 0 want the GIL\u2026\n"
	       "wall time of lines, last 5 s, by total share  every 1 s\n"
	       "   %Own  %Total    OwnTime  TotalTime  Function (line)\n"
	       "  100.0   100.0    10.00 s    10.00 s  <no Python frame>\n"
	       "   10.0   100.0     1.00 s    10.00 s  main (\u2026/app.py:12)\n"
	       "    0.0    80.0     0.00 s     8.00 s  Work.run (\u2026/work.py:21)\n"
	       "   60.0    60.0     6.00 s     6.00 s  Work.crunch (\u2026rk.py:33)\n"
	       "   20.0    20.0     2.00 s     2.00 s  Work.parse (work.py:44)\n"
	       "   10.0    10.0     1.00 s     1.00 s  \u5199\u771f (\u2026/\u753b.py:5)\n"
	       "\n"
	       "q quit  ? help  F functions  T threads  Enter callers  / filt\u2026\n");
	tear_down(&stage);
}

static void test_wide(void **state)
{
	struct stage stage;
	char *text;

	(void)state;
	set_up(&stage, &plain_options, 1, 5000);
	board_key(&stage.board, 'T');
	text = draw(&stage, 100, 300);
	assert_non_null(strstr(
		text, "   %Run   %GIL  %Wait  %Block  Now                   TID      PID Thread    "
		      "               Blocked on                     In\n"
		      "   80.0   60.0   10.0    10.0  runs, has GIL        4242     4242 MainThread"
		      "               sleep 10 %                     Work.crunch "
		      "(/srv/application/library/work.py:33)\n"
		      "   80.0   60.0   10.0    10.0  runs, has GIL        5000     5000 MainThread"
		      "               sleep 10 %                     Work.crunch "
		      "(/srv/application/library/work.py:33)\n"
		      "    0.0    0.0    0.0   100.0  poll                 4243     4242 native    "
		      "               poll 100 %                     <no Python frame>\n"));
	/* What came from the program cannot steer the terminal. */
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "wait\ufffd[31m (/usr/lib/python3.12/threading.py:356)\n"));
	free(text);
	tear_down(&stage);
}

static void test_threads_and_processes(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 2, 5000);
	press(&stage, "T",
	      "   80.0   60.0   10.0    10.0  runs, has GIL        4242     4242 Main");
	press(&stage, "",
	      "    0.0    0.0    0.0   100.0  poll                 4243     4242 native");
	press(&stage, "", "8 threads: 2 run, 0 want the GIL, 6 blocked");
	/* Blocked most first: the second row is a worker of neither. */
	press(&stage, "4", "threads, last 5 s, by blocked");
	press(&stage, "jj\r", "only thread 4245 Thread-2 (wor\u2026");
	press(&stage, "w", "  100.0   100.0    10.00 s    10.00 s  wait");
	press_without(&stage, "", "Work.crunch");
	press_without(&stage, "\033", "only thread");
	press(&stage, "", "Work.crunch");
	press(&stage, "P", "   80.0    60.0        4      4242 3.12.1      python3 app.py");
	press(&stage, "", "   80.0    60.0        4      5000 3.12.1      python3 app.py");
	press(&stage, "j\r", "only process 5000");
	press(&stage, "", "   60.0    60.0     6.00 s     6.00 s  Work.crunch");
	press(&stage, "T", "5003     5000 Thread-2");
	press_without(&stage, "", "4245     4242 Thread-2");
	tear_down(&stage);
}

static void test_callers(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	press(&stage, "j\r",
	      "Callers of Work.parse\n"
	      "  100.0    20.0     2.00 s  Work.run (");
	press(&stage, "\r", "Callers of Work.run > Work.parse\n  100.0    20.0     2.00 s  main (");
	press(&stage, "\r",
	      "Callers of main > Work.run > Work.parse\n"
	      "  100.0    20.0     2.00 s  <outermost>");
	press(&stage, "\r", "Callers of main > Work.run > Work.parse\n");
	press(&stage, "\033\033", "Callers of Work.parse\n");
	press(&stage, "\033", "Function (where it begins)\n");
	tear_down(&stage);
}

static void test_filter(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	press(&stage, "/parq", "only with: parq");
	assert_int_equal(stage.canvas.cursor_row, 23);
	assert_int_equal(stage.canvas.cursor_column, 15);
	board_key(&stage.board, KEY_OF_BACKSPACE);
	press(&stage, "\r", "only with \"par\"");
	press_without(&stage, "", "Work.crunch");
	press(&stage, "", "Work.parse");
	assert_int_equal(stage.canvas.cursor_row, -1);
	press(&stage, "\033", "Work.crunch");
	/* q is a letter here, and files count too. */
	press(&stage, "/q\033/app.py\r", "main (");
	press_without(&stage, "", "Work.parse");
	tear_down(&stage);
}

static void test_pause_and_reset(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	press(&stage, "p", "PAUSED");
	watch(&stage, 10);
	press(&stage, "", "watched 10.0 s");
	press(&stage, "", "   60.0    60.0     6.00 s     6.00 s  Work.crunch");
	press(&stage, "F", "Work.crunch (\u2026/library/work.py:33)");
	press(&stage, "F", "Work.crunch (\u2026/library/work.py:30)");
	press_without(&stage, " ", "PAUSED");
	watch(&stage, 0);
	press(&stage, "", "watched 20.0 s");
	press(&stage, "", "   60.0    60.0    12.00 s    12.00 s  Work.crunch");
	press_without(&stage, "r", "Work.crunch");
	watch(&stage, 1);
	press(&stage, "", "   60.0    60.0     0.60 s     0.60 s  Work.crunch");
	press(&stage, "", " 200 samples");
	tear_down(&stage);
}

static void test_choices(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	press(&stage, "m", "wall time of functions");
	press(&stage, "m", "time with the GIL of functions");
	press_without(&stage, "", "Work.parse");
	press(&stage, "m", "CPU time of functions");
	press(&stage, "g", "time with the GIL of functions");
	press(&stage, "c", "CPU time of functions");
	press(&stage, ">", "by total share");
	press(&stage, ">>", "by total time");
	press(&stage, ">", "by own share");
	press(&stage, "<", "by total time");
	press(&stage, "3", "by own time");
	press(&stage, "s", "since the start");
	press(&stage, "s", "last 5 s");
	press(&stage, "+", "every 0.5 s");
	press(&stage, "++++", "every 0.1 s");
	press(&stage, "---", "every 1 s");
	press(&stage, "-", "every 2 s");
	assert_int_equal(board_interval_ns(&stage.board), 2000000000);
	press(&stage, "?", "sonde top: keys");
	press_without(&stage, "q", "sonde top: keys");
	assert_false(board_key(&stage.board, 'q'));
	tear_down(&stage);
}

static void test_cursor(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 100, 0);
	press(&stage, "T", "MainThread");
	assert_int_equal(selected_row(&stage), 5);
	press(&stage, "jjj", "MainThread");
	assert_int_equal(selected_row(&stage), 8);
	board_key(&stage.board, KEY_OF_END);
	press(&stage, "", "Thread-100 (work)");
	assert_int_equal(selected_row(&stage), 22);
	board_key(&stage.board, KEY_OF_PAGE_UP);
	press(&stage, "", "Thread-83 (work)");
	assert_int_equal(selected_row(&stage), 5);
	board_key(&stage.board, KEY_OF_HOME);
	press(&stage, "", "MainThread");
	assert_int_equal(selected_row(&stage), 5);
	tear_down(&stage);
}

static void test_plain(void **state)
{
	struct board_options options = plain_options;
	struct stage stage;

	(void)state;
	options.plain = true;
	options.rows = 2;
	set_up(&stage, &options, 0, 0);
	expect(&stage, 1000, 1000,
	       HEADER "CPU time of functions, last 5 s, by own share\n"
		      "   %Own  %Total    OwnTime  TotalTime  Function (where it begins)\n"
		      "   60.0    60.0     6.00 s     6.00 s  Work.crunch "
		      "(/srv/application/library/work.py:30)\n"
		      "   20.0    20.0     2.00 s     2.00 s  Work.parse "
		      "(/srv/application/library/work.py:40)\n"
		      "  and 2 more\n");
	assert_int_equal(selected_row(&stage), -1);
	tear_down(&stage);
}

static void test_losses_and_end(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	stage.specimen.facts.rounds_missed = 1234;
	stage.specimen.facts.dropped = 5;
	stage.specimen.facts.unreadable = 6;
	stage.specimen.facts.cpu = -1;
	stage.specimen.facts.ended = true;
	memcpy(stage.specimen.facts.end, "it has ended: exit status 3", 28);
	press(&stage, "p", "PAUSED");
	watch(&stage, 0);
	press(&stage, "", "it has ended: exit status 3; q quits");
	press(&stage, "p", "CPU 80.0 %");
	watch(&stage, 0);
	press(&stage, "", "1,234 missed  5 dropped  6 unreadable  2\u2026\n");
	press(&stage, "", "CPU -  GIL held");
	tear_down(&stage);
}

static void test_no_python(void **state)
{
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 0, 0);
	live_destroy(stage.live);
	stage.live = live_create(&(struct live_options){.window_ns = 1, .period_ns = 1});
	board_deinit(&stage.board);
	board_init(&stage.board, &plain_options, stage.live, stage.specimen.tree);
	board_look(&stage.board, &stage.feed);
	press(&stage, "", "sonde top  PID 4242  no Python was seen in it yet\n");
	press(&stage, "", "reached 0.0 of 100 Hz");
	/* Nothing to enter, nothing to move to. */
	press(&stage, "j\rTj\rPj\r\033\033p/x\r", "PAUSED");
	tear_down(&stage);
}

/* Whatever the size and the key, it draws. */
static void test_any_size(void **state)
{
	static const uint32_t keys[] = {
		'T', KEY_OF_END, '\r', 'P', '?', 'x',  '\r', 'F',
		'2', 'j',        '\r', '/', 'a', '\r', 0x1b, KEY_OF_PAGE_DOWN};
	struct stage stage;

	(void)state;
	set_up(&stage, &plain_options, 30, 5000);
	for (size_t key = 0; key < sizeof(keys) / sizeof(keys[0]); key++) {
		for (int rows = 0; rows < 30; rows += 3) {
			for (int columns = 0; columns < 200; columns += 7) {
				free(draw(&stage, rows, columns));
				for (size_t i = 0; i < stage.canvas.count; i++) {
					const struct canvas_run *run = &stage.canvas.runs[i];

					assert_true(run->column + run->columns <= columns);
					assert_true(run->row < rows);
				}
			}
		}
		assert_true(board_key(&stage.board, keys[key]));
	}
	tear_down(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_lines_of_wall_time),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_threads_and_processes),
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_pause_and_reset),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_losses_and_end),
		cmocka_unit_test(test_no_python),
		cmocka_unit_test(test_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
