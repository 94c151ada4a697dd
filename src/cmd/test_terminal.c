#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/terminal.h"

static int terminal, pipe_ends[2];

static int set_up(void **state)
{
	struct winsize size = {.ws_row = 24, .ws_col = 97};
	int master;

	(void)state;
	return openpty(&master, &terminal, NULL, NULL, &size) < 0 || pipe(pipe_ends) < 0 ? -1 : 0;
}

static int clear(void **state)
{
	(void)state;
	unsetenv("NO_COLOR");
	unsetenv("FORCE_COLOR");
	unsetenv("COLUMNS");
	setenv("TERM", "xterm", 1);
	return 0;
}

static void test_color_order(void **state)
{
	(void)state;
	assert_true(terminal_color(COLOR_AUTO, terminal));
	assert_false(terminal_color(COLOR_AUTO, pipe_ends[1]));
	setenv("FORCE_COLOR", "1", 1);
	assert_true(terminal_color(COLOR_AUTO, pipe_ends[1]));
	setenv("FORCE_COLOR", "0", 1);
	assert_false(terminal_color(COLOR_AUTO, terminal));
	setenv("FORCE_COLOR", "1", 1);
	setenv("NO_COLOR", "1", 1);
	assert_false(terminal_color(COLOR_AUTO, terminal));
	assert_true(terminal_color(COLOR_ALWAYS, pipe_ends[1]));
	setenv("NO_COLOR", "", 1); /* empty is as good as not there */
	assert_true(terminal_color(COLOR_AUTO, terminal));
	assert_false(terminal_color(COLOR_NEVER, terminal));
}

static void test_dumb_terminal(void **state)
{
	(void)state;
	setenv("TERM", "dumb", 1);
	assert_false(terminal_color(COLOR_AUTO, terminal));
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(terminal_columns(terminal), 97);
	assert_int_equal(terminal_columns(pipe_ends[1]), 0);
	setenv("COLUMNS", "50", 1);
	assert_int_equal(terminal_columns(terminal), 50);
	assert_int_equal(terminal_columns(pipe_ends[1]), 50);
	setenv("COLUMNS", "wide", 1);
	assert_int_equal(terminal_columns(terminal), 97);
}

static void test_progress_stays_silent(void **state)
{
	struct terminal_progress progress;
	int saved = dup(STDERR_FILENO);
	char byte;

	(void)state;
	dup2(pipe_ends[1], STDERR_FILENO);
	terminal_progress_begin(&progress, "reading", false);
	progress.begun_ns = progress.drawn_ns = -1000000000000ll;
	terminal_progress_draw(0.5, &progress);
	terminal_progress_end(&progress);
	dup2(terminal, STDERR_FILENO);
	terminal_progress_begin(&progress, "reading", true);
	progress.begun_ns = progress.drawn_ns = -1000000000000ll;
	terminal_progress_draw(0.5, &progress);
	assert_false(progress.shown);
	terminal_progress_begin(&progress, "reading", false);
	terminal_progress_draw(0.5, &progress); /* too early */
	assert_false(progress.shown);
	progress.begun_ns = progress.drawn_ns = -1000000000000ll;
	terminal_progress_draw(0.5, &progress);
	assert_true(progress.shown);
	terminal_progress_end(&progress);
	assert_false(progress.shown);
	dup2(saved, STDERR_FILENO);
	fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(read(pipe_ends[0], &byte, 1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_color_order, clear),
		cmocka_unit_test_setup(test_dumb_terminal, clear),
		cmocka_unit_test_setup(test_columns, clear),
		cmocka_unit_test_setup(test_progress_stays_silent, clear),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
