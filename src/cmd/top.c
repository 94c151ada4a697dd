#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/destination.h"
#include "cmd/invocation.h"
#include "cmd/pid.h"
#include "cmd/sampling.h"
#include "cmd/terminal.h"
#include "collector/recording.h"
#include "tui/loop.h"
#include "tui/program.h"
#include "tui/watch.h"

#define WINDOW_NS   5000000000u
#define INTERVAL_NS 1000000000u
#define ROWS_PLAIN  20

struct top_settings {
	struct {
		struct invocation_settings program;
		const char *pid;
	} target;
	struct {
		int metric; /* enum live_metric */
		struct sampling_settings sampling;
	} what;
	struct {
		uint64_t interval_ns, window_ns, duration_ns;
		long iterations, rows;
		bool lines, threads, plain, stay;
		int color; /* enum terminal_color */
	} display;
	struct {
		const char *path;
		bool force;
	} output;
};

static const struct top_settings defaults = {
	.what = {.metric = LIVE_CPU, .sampling = SAMPLING_DEFAULTS},
	.display = {.interval_ns = INTERVAL_NS,
		    .window_ns = WINDOW_NS,
		    .rows = ROWS_PLAIN,
		    .stay = true},
};

#define AT(member) offsetof(struct top_settings, member)

static const struct option target_options[] = {
	{.name = "pid",
	 .letter = 'p',
	 .kind = OPTION_TEXT,
	 .argument = "PID",
	 .help = "another way to name the process",
	 .setting = AT(target.pid)},
	INVOCATION_OPTIONS(struct top_settings, target.program),
	{.name = "output",
	 .letter = 'o',
	 .kind = OPTION_TEXT,
	 .argument = "FILE",
	 .completes = COMPLETES_FILE,
	 .help = "where the program that is run prints to; without it what it prints is thrown "
		 "away, but for standard error where that is no terminal",
	 .setting = AT(output.path)},
	{.name = "force",
	 .letter = 'f',
	 .kind = OPTION_FLAG,
	 .help = "overwrite FILE if it exists",
	 .setting = AT(output.force)},
	{0},
};

static const struct option what_options[] = {
	{.name = "cpu",
	 .kind = OPTION_SELECT,
	 .value = LIVE_CPU,
	 .help = "begin with the time on a CPU, or waiting for one (default)",
	 .setting = AT(what.metric)},
	{.name = "wall",
	 .kind = OPTION_SELECT,
	 .value = LIVE_WALL,
	 .also = "idle",
	 .help = "begin with all time, that of waiting threads too (also --idle)",
	 .setting = AT(what.metric)},
	{.name = "gil",
	 .kind = OPTION_SELECT,
	 .value = LIVE_GIL,
	 .help = "begin with the time with the GIL",
	 .setting = AT(what.metric)},
	SAMPLING_HOW_OPTIONS(struct top_settings, what.sampling),
	{0},
};

static const struct option display_options[] = {
	{.name = "lines",
	 .kind = OPTION_FLAG,
	 .help = "begin with lines, not functions",
	 .setting = AT(display.lines)},
	{.name = "threads",
	 .kind = OPTION_FLAG,
	 .help = "begin with threads, not functions",
	 .setting = AT(display.threads)},
	{.name = "interval",
	 .letter = 'i',
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "from one drawing to the next (1s)",
	 .setting = AT(display.interval_ns)},
	{.name = "window",
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "what shares are about: the last so much time (5s)",
	 .setting = AT(display.window_ns)},
	{.name = "plain",
	 .kind = OPTION_FLAG,
	 .help = "write a table each interval; so it is anyway where there is no terminal",
	 .setting = AT(display.plain)},
	{.name = "iterations",
	 .kind = OPTION_NUMBER,
	 .argument = "N",
	 .help = "end after so many drawings",
	 .setting = AT(display.iterations)},
	{.name = "duration",
	 .letter = 'd',
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "end after so long, as in 30s or 5m",
	 .setting = AT(display.duration_ns)},
	{.name = "max-rows",
	 .letter = 'n',
	 .kind = OPTION_NUMBER,
	 .argument = "N",
	 .help = "rows of a plain table (20); 0: all",
	 .setting = AT(display.rows)},
	{.name = "stay",
	 .kind = OPTION_FLAG,
	 .on_by_default = true,
	 .help = "leave the screen when the program has ended; else its last picture stays until q",
	 .setting = AT(display.stay)},
	{.name = "color",
	 .kind = OPTION_CHOICE,
	 .argument = "WHEN",
	 .choices = terminal_color_choices,
	 .help = "auto, always or never; auto minds NO_COLOR and FORCE_COLOR",
	 .setting = AT(display.color)},
	{0},
};

static const struct option_group target_group = {"Whom to watch", target_options};
static const struct option_group what_group = {"What to look at", what_options};
static const struct option_group display_group = {"How to show it", display_options};

static const struct option_group *const options[] = {
	&target_group, &what_group, &display_group, &command_common_options, NULL,
};

struct top {
	const struct top_settings *settings;
	bool plain;
	struct watch *watch;
	struct program *program; /* NULL: somebody else's process */
	struct loop_result result;
};

static void top_pull(struct live *live, void *data)
{
	watch_pull(live, ((struct top *)data)->watch);
}

static void top_look(struct feed_facts *facts, void *data)
{
	struct top *top = data;
	char how[64];

	watch_look(facts, top->watch);
	if (!top->program)
		return;
	/* What it left behind may still run; it is the program that is watched. */
	facts->ended = program_poll(top->program);
	if (!facts->ended)
		return;
	program_describe(top->program, how, sizeof(how));
	snprintf(facts->end, sizeof(facts->end), "it has ended: %s", how);
}

static struct board_options top_board(const struct top *top)
{
	const struct top_settings *settings = top->settings;

	return (struct board_options){
		.metric = (enum live_metric)settings->what.metric,
		.level = settings->display.lines ? SPOT_LINE : SPOT_FUNCTION,
		.pane = settings->display.threads ? PANE_THREADS : PANE_SPOTS,
		.interval_ns = settings->display.interval_ns,
		.window_ns = settings->display.window_ns,
		.plain = top->plain,
		.rows = top->plain ? (size_t)settings->display.rows : 0,
	};
}

static int top_show(struct top *top, struct error *err)
{
	const struct top_settings *settings = top->settings;
	bool color = terminal_color((enum terminal_color)settings->display.color, STDOUT_FILENO);
	const struct board_options look = top_board(top);
	const struct live_options books = {
		.window_ns = settings->display.window_ns,
		.period_ns = 1000000000u / (uint64_t)settings->what.sampling.rate_hz,
	};
	const struct feed feed = {top_pull, top_look, top};
	struct loop_options loop = {
		.out = stdout,
		.color = color,
		.columns = terminal_columns(STDOUT_FILENO),
		.iterations = (uint64_t)settings->display.iterations,
		.duration_ns = settings->display.duration_ns,
		.stay = settings->display.stay,
	};
	struct events events;
	struct board board;
	struct live *live;
	int status;

	if (events_begin(&events) < 0)
		return error_set_errno(err, ERROR_FAILED, errno, "cannot wait for signals");
	status = watch_start(top->watch, err);
	if (status == 0 && !top->plain)
		status = screen_open(color, &loop.screen, err);
	if (status == 0) {
		live = live_create(&books);
		board_init(&board, &look, live, watch_tree(top->watch));
		top->result = loop_run(&board, &feed, &events, &loop);
		board_deinit(&board);
		live_destroy(live);
		screen_close(loop.screen);
	}
	watch_stop(top->watch);
	events_end(&events);
	return status;
}

static int top_open(struct top *top, pid_t pid, struct error *err)
{
	const struct sampling_options how = sampling_choose(&top->settings->what.sampling, false);
	const struct watch_options watch = {
		.rate_hz = how.rate_hz,
		.never_pause = how.never_pause,
		.pause_always = how.pause_always,
		.python_only = how.python_only,
		.subprocesses = how.subprocesses,
	};
	int status = watch_create(&watch, &top->watch, err);

	if (status < 0)
		return status;
	return watch_add(top->watch, pid, !top->program, err);
}

/* Ends as the signal would have ended us. */
static int die_of(int number)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};

	fflush(stdout);
	sigaction(number, &plain, NULL);
	raise(number);
	return 128 + number;
}

static int top_process(struct top *top, pid_t pid, struct error *err)
{
	int status = top_open(top, pid, err);

	if (status == 0)
		status = top_show(top, err);
	watch_destroy(top->watch);
	if (status == 0 && top->result.end == LOOP_SIGNAL)
		return die_of(top->result.signal);
	return status;
}

static int open_null(struct error *err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? error_set_errno(err, ERROR_FAILED, errno, "cannot open /dev/null") : fd;
}

/* Where the program's standard output goes; a descriptor. */
static int open_output(const struct top_settings *settings, struct error *err)
{
	const char *path = settings->output.path;
	int fd, status;

	if (!path)
		return open_null(err);
	if (strcmp(path, "-") == 0)
		return error_set(err, ERROR_USAGE,
				 "standard output is the screen's; name a file with --output FILE");
	status = destination_check(path, settings->output.force, err);
	if (status < 0)
		return status;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return fd < 0 ? error_set_errno(err, ERROR_FAILED, errno, "cannot write to %s", path) : fd;
}

/* The program shares no terminal with the screen. Fills streams with -1 or descriptors that are to
 * be closed. */
static int open_streams(const struct top *top, int streams[3], struct error *err)
{
	bool own_errors = isatty(STDERR_FILENO) && (top->settings->output.path || !top->plain);

	streams[STDIN_FILENO] = -1;
	streams[STDERR_FILENO] = -1;
	streams[STDOUT_FILENO] = open_output(top->settings, err);
	if (streams[STDOUT_FILENO] < 0)
		return streams[STDOUT_FILENO];
	if (own_errors)
		streams[STDERR_FILENO] = dup(streams[STDOUT_FILENO]);
	if (!top->plain && isatty(STDIN_FILENO))
		streams[STDIN_FILENO] = open_null(err);
	return 0;
}

static void close_streams(const int streams[3])
{
	for (int i = 0; i < 3; i++) {
		if (streams[i] >= 0)
			close(streams[i]);
	}
}

static void say_waiting(pid_t pid)
{
	fprintf(stderr, "sonde: waiting for process %d to end; Ctrl-C interrupts it again\n",
		(int)pid);
}

/* The program ends with its screen, and what it has started with it, as they would at Ctrl-C. */
static void top_end_program(const struct top *top)
{
	const struct program *program = top->program;

	if (program->ended)
		return;
	if (top->result.end != LOOP_SIGNAL) {
		program_signal(program, program->interrupt);
		watch_signal(top->watch, program->interrupt, program->pid);
	} else if (!top->result.by_terminal) {
		program_signal(program, top->result.signal);
	}
}

static int top_program(struct top *top, const struct invocation *target, struct error *err)
{
	struct program program;
	int streams[3] = {-1, -1, -1};
	bool thrown_away, by_itself;
	int status = open_streams(top, streams, err);

	thrown_away = streams[STDERR_FILENO] >= 0 && !top->settings->output.path;
	if (status == 0)
		status = program_start(&program, target->argv, streams, err);
	close_streams(streams);
	if (status < 0)
		return status;
	top->program = &program;
	status = top_open(top, program.pid, err);
	if (status == 0)
		status = top_show(top, err);
	else if (program_poll(&program))
		status = 0; /* it was faster than we */
	by_itself = program_poll(&program);
	if (status == 0 && by_itself && !watch_saw_python(top->watch))
		fputs("sonde: no Python was seen in it\n", stderr);
	top_end_program(top);
	watch_destroy(top->watch);
	program_wait(&program, say_waiting);
	if (status < 0)
		return status;
	status = recording_exit_status(program.status);
	if (status && by_itself && thrown_away)
		fprintf(stderr,
			"sonde: it ended with status %d; what it printed was thrown away, "
			"--output FILE keeps it\n",
			status);
	return status;
}

/* The process that was named, in one way or the other; 0: a program is to be run. */
static int find_pid(const struct top_settings *settings, const struct arguments *arguments,
		    pid_t *pid, struct error *err)
{
	const struct top_settings *s = settings;
	const char *first = arguments->items[0];

	*pid = 0;
	if (s->target.pid) {
		if (first || s->target.program.module || s->target.program.code)
			return error_set(
				err, ERROR_USAGE,
				"--pid names a process; there is nothing to run beside it");
		return pid_choose("top", NULL, s->target.pid, pid, err);
	}
	if (s->target.program.module || s->target.program.code || arguments->dashes)
		return 0;
	if (!first)
		return error_set(err, ERROR_USAGE,
				 "there is nothing to watch; name a process by its id, or a "
				 "program, as in: sonde top 4711, sonde top app.py");
	*pid = pid_parse(first);
	return 0;
}

static int check_settings(const struct top_settings *settings, struct error *err)
{
	if (settings->display.interval_ns < 10000000 || settings->display.window_ns < 100000000)
		return error_set(err, ERROR_USAGE,
				 "--interval is at least 10ms, --window at least 100ms");
	return sampling_check(&settings->what.sampling, true, err);
}

static int watch_process(struct top_settings *settings, const struct arguments *arguments,
			 pid_t pid, struct error *err)
{
	struct top top = {.settings = settings};
	struct arguments more = {0};
	int status = 0;

	/* Of a process there are no arguments: what stands behind it are options of ours. */
	if (arguments->count > 1)
		status = options_parse("top", options, OPTIONS_ANYWHERE, arguments->count - 1,
				       arguments->items + 1, settings, &more, err);
	if (status == 0 && more.count)
		status = error_set(err, ERROR_USAGE,
				   "'%s' stands behind process %d, which takes no arguments",
				   more.items[0], (int)pid);
	arguments_deinit(&more);
	if (status == 0)
		status = check_settings(settings, err);
	if (status < 0)
		return status;
	if (settings->output.path)
		return error_set(err, ERROR_USAGE,
				 "--output is for what a program prints that sonde runs; process "
				 "%d prints where it always did",
				 (int)pid);
	top.plain = settings->display.plain || !screen_is_possible();
	return top_process(&top, pid, err);
}

static int watch_program(struct top_settings *settings, const struct arguments *arguments,
			 struct error *err)
{
	const struct invocation_choice choice = {
		.module = settings->target.program.module,
		.code = settings->target.program.code,
		.python = settings->target.program.python,
		.command = arguments->dashes,
		.arguments = arguments->items,
	};
	struct top top = {.settings = settings};
	struct invocation target = {0};
	int status = check_settings(settings, err);

	if (status == 0)
		status = invocation_create(&choice, &target, err);
	if (status < 0)
		return status;
	if (target.kind == INVOCATION_COMMAND)
		settings->what.sampling.subprocesses = true;
	top.plain = settings->display.plain || !screen_is_possible();
	status = top_program(&top, &target, err);
	invocation_deinit(&target);
	return status;
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	struct top_settings settings = *(const struct top_settings *)data;
	pid_t pid;
	int status = find_pid(&settings, arguments, &pid, err);

	if (status < 0)
		return status;
	return pid ? watch_process(&settings, arguments, pid, err)
		   : watch_program(&settings, arguments, err);
}

static const struct command_example examples[] = {
	{"sonde top 4711", "where the time of this process goes, now"},
	{"sonde top --gil -s 4711", "who has the GIL, in the workers that it starts too"},
	{"sonde top -- gunicorn app:app", "a program with its screen; both end with q"},
	{"sonde top --plain --duration 30s 4711", "a table each second, for a log"},
	{"sonde top --plain --iterations 1 --interval 3s 4711", "one table, of three seconds"},
	{0},
};

const struct command command_top = {
	.name = "top",
	.group = COMMAND_WATCH,
	.arguments = "(PID | SCRIPT | -m MODULE | -c CODE | -- COMMAND) [ARGUMENTS]",
	.summary = "watch where the time of a Python program goes, live",
	.description =
		"Samples a running process, or a program that it starts, and shows where the time "
		"goes: functions or lines with their own and total time, who calls them, threads "
		"with what they do and wait for, and the GIL. Keys sort, filter and pause; ? lists "
		"them. Nothing is recorded; the process goes on as ever.\n\n"
		"100 % is one thread all the time. %Own is spent in a function itself, %Total "
		"together with what it calls, both in the last seconds; OwnTime and TotalTime "
		"count from the start.\n\n"
		"What a program prints that sonde starts would garble the screen: it is thrown "
		"away, or goes to --output FILE; from the keyboard it reads nothing. At q it is "
		"interrupted as by Ctrl-C, and sonde ends with its exit status. Where there is no "
		"terminal, a table is written each interval.",
	.examples = examples,
	.options = options,
	.order = OPTIONS_FIRST,
	.arguments_max = -1,
	.completes = COMPLETES_FILE,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
