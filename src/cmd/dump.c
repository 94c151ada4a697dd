#include "cmd/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/pid.h"
#include "cmd/terminal.h"
#include "sampler/probe.h"
#include "target/pause.h"

#define START_WAIT_NS       4000000000ull /* longer than a process is thought young */
#define START_WAIT_CHILD_NS 500000000ull
#define SETTLE_STEP_NS      100000000ull
#define START_STEP_NS       10000000ull
#define INTERVAL_NS         1000000000ull
#define CHILDREN_MOST       1024u
#define PROCESSES_MOST      4096u
#define VERBOSITY_LEVELS    3u

struct dump_settings {
	const char *pid;
	unsigned locals; /* how often -l stands there */
	bool never_pause, subprocesses, json;
	int color; /* enum terminal_color */
	uint64_t interval_ns;
	long count;
};

static const struct dump_settings defaults = {.count = -1};

struct watched {
	pid_t pid;
	struct probe *probe;
	struct snapshot snapshot;
	char *command, *executable;
	bool ended;
};

struct dumping {
	const struct dump_settings *settings;
	struct snapshot_options options;
	struct trace_tree *tree;
	struct watched *processes; /* the one that was named comes first */
	size_t count;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What -l, -ll and -lll show, and how long a thread may stand still for it. */
static void choose_limits(const struct dump_settings *settings, struct snapshot_options *options)
{
	static const struct snapshot_options levels[VERBOSITY_LEVELS] = {
		{
			.with_locals = true,
			.limits = {.depth = 2, .items = 10, .characters = 80, .bytes = 400},
			.variables = {.most = 50},
			.reads = 50000,
			.time_ns = 500000000,
		},
		{
			.with_locals = true,
			.limits = {.depth = 4,
				   .items = 50,
				   .attributes = 10,
				   .characters = 500,
				   .bytes = 4000},
			.variables = {.most = 200, .definitions = true},
			.reads = 200000,
			.time_ns = 2000000000,
		},
		{
			.with_locals = true,
			.limits = {.depth = 8,
				   .items = 1000,
				   .attributes = 100,
				   .characters = 4000,
				   .bytes = 100000},
			.variables = {.most = 4000, .definitions = true},
			.reads = 1000000,
			.time_ns = 10000000000,
		},
	};
	unsigned level = settings->locals < VERBOSITY_LEVELS ? settings->locals : VERBOSITY_LEVELS;

	*options = level ? levels[level - 1] : (struct snapshot_options){0};
}

static int add_process(struct dumping *d, pid_t pid, struct error *err)
{
	const struct probe_options options = {
		.process = (uint32_t)d->count,
		.never_pause = d->settings->never_pause,
		.patient = d->settings->subprocesses,
	};
	struct watched *process;
	struct target *target;
	struct probe *probe;
	int status = target_open(pid, &target, err);

	if (status == 0)
		status = probe_create(target, d->tree, &options, &probe, err);
	if (status < 0)
		return status;
	d->processes = reallocarray(d->processes, d->count + 1, sizeof(*d->processes));
	if (!d->processes)
		abort();
	process = &d->processes[d->count++];
	*process = (struct watched){.pid = pid, .probe = probe};
	process->command = target_command(target);
	process->executable = target_executable(target);
	snapshot_init(&process->snapshot);
	return 0;
}

static bool is_known(const struct dumping *d, pid_t pid)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->processes[i].pid == pid && !d->processes[i].ended)
			return true;
	return false;
}

/* Children of those that are watched, and theirs, also below what is no Python itself. */
static void add_subprocesses(struct dumping *d)
{
	pid_t children[CHILDREN_MOST];

	for (size_t i = 0; i < d->count && d->count < PROCESSES_MOST; i++) {
		size_t count;

		if (d->processes[i].ended)
			continue;
		count = probe_children(d->processes[i].probe, children, CHILDREN_MOST);
		for (size_t c = 0; c < count; c++) {
			struct error err = {0};

			if (is_known(d, children[c]))
				continue;
			if (add_process(d, children[c], &err) == -ERROR_PERMISSION)
				command_print_error(&err);
		}
	}
}

static void sleep_until(uint64_t time_ns)
{
	struct timespec until = {.tv_sec = (time_t)(time_ns / 1000000000u),
				 .tv_nsec = (long)(time_ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Between two dumps: what could not be stopped in time is let go of soon (pause_settle). */
static void wait_until(uint64_t time_ns)
{
	for (uint64_t now = now_ns(); now < time_ns; now = now_ns()) {
		pause_settle();
		sleep_until(time_ns - now < SETTLE_STEP_NS ? time_ns : now + SETTLE_STEP_NS);
	}
}

/*
 * Looks at a process. One that has just begun gets a moment to bring its Python up. Returns 0; or
 * the error that says why there is no Python in it.
 */
static int take(struct dumping *d, struct watched *process, struct error *err)
{
	uint64_t deadline_ns =
		now_ns() + (process == d->processes ? START_WAIT_NS : START_WAIT_CHILD_NS);

	for (;;) {
		struct target_runtime runtime;
		bool retry = false;

		process->ended = !snapshot_take(&process->snapshot, process->probe, d->tree,
						&d->options, now_ns());
		if (process->ended || probe_runtime(process->probe))
			return 0;
		if (target_find_runtime(probe_target(process->probe), &runtime, &retry, err) == 0)
			target_runtime_deinit(&runtime);
		else if (!retry)
			return -err->code;
		else if (now_ns() > deadline_ns)
			return 0;
		sleep_until(now_ns() + START_STEP_NS);
	}
}

static struct dump_process describe(const struct dumping *d, const struct watched *process)
{
	const struct target_runtime *runtime = probe_runtime(process->probe);
	struct dump_process result = {
		.pid = process->pid,
		.parent_pid = target_parent(probe_target(process->probe)),
		.command = process->command ? process->command : "",
		.executable = process->executable ? process->executable : "",
		.python_file = runtime && runtime->module ? runtime->module : "",
		.tree = d->tree,
		.snapshot = &process->snapshot,
	};

	if (runtime) {
		pyabi_version_text(runtime->version_hex, result.python_version,
				   sizeof(result.python_version));
		result.is_debug = runtime->is_debug_build;
		result.is_free_threaded = runtime->layout.features & PYABI_FREE_THREADED;
	}
	return result;
}

/* Takes those that are left, as far as there is Python in them. Returns how many there are to be
 * shown, or the error of the one that was named if there are none. */
static int take_all(struct dumping *d, struct dump_process *processes, struct error *err)
{
	int count = 0, status = 0;

	for (size_t i = 0; i < d->count; i++) {
		struct watched *process = &d->processes[i];
		struct error why = {0};

		if (process->ended)
			continue;
		if (take(d, process, &why) < 0) {
			if (i == 0) {
				*err = why;
				status = -why.code;
			}
			continue;
		}
		if (!process->ended && (i == 0 || probe_runtime(process->probe)))
			processes[count++] = describe(d, process);
	}
	return count ? count : status;
}

/* One dump of all processes. Returns how many there were, 0 when all have ended, or an error. */
static int dump_once(struct dumping *d, uint64_t sequence, struct error *err)
{
	bool color = terminal_color(d->settings->color, STDOUT_FILENO);
	struct dump_time time = {.sequence = sequence};
	struct dump_process *processes;
	int count;

	if (d->settings->subprocesses)
		add_subprocesses(d);
	clock_gettime(CLOCK_REALTIME, &time.wall);
	processes = calloc(d->count + 1, sizeof(*processes));
	if (!processes)
		abort();
	count = take_all(d, processes, err);
	if (count > 0 && d->settings->json)
		dump_write_json(processes, (size_t)count, &time, d->options.with_locals, stdout);
	for (int i = 0; i < count && !d->settings->json; i++) {
		if (i || sequence)
			fputc('\n', stdout);
		dump_write_text(&processes[i], d->options.with_locals, color, stdout);
	}
	free(processes);
	fflush(stdout);
	return count;
}

static void end(struct dumping *d)
{
	for (size_t i = 0; i < d->count; i++) {
		probe_destroy(d->processes[i].probe);
		snapshot_deinit(&d->processes[i].snapshot);
		free(d->processes[i].command);
		free(d->processes[i].executable);
	}
	free(d->processes);
	trace_tree_destroy(d->tree);
}

/* Dumps as often as was asked for, or until the processes end. */
static int dump_repeatedly(struct dumping *d, struct error *err)
{
	const struct dump_settings *settings = d->settings;
	uint64_t interval_ns = settings->interval_ns ? settings->interval_ns : INTERVAL_NS;
	uint64_t most = settings->count >= 0    ? (uint64_t)settings->count
			: settings->interval_ns ? UINT64_MAX
						: 1;
	uint64_t due_ns = now_ns();

	for (uint64_t done = 0; done < most;) {
		int count = dump_once(d, done, err);

		if (count < 0)
			return count;
		if (count == 0 && done == 0)
			return error_set(err, ERROR_NOT_FOUND, "process %d ended meanwhile",
					 (int)d->processes[0].pid);
		if (count == 0 || ++done == most || ferror(stdout))
			break;
		due_ns += interval_ns;
		if (now_ns() > due_ns)
			due_ns = now_ns();
		wait_until(due_ns);
	}
	return 0;
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct dump_settings *settings = data;
	struct dumping d = {.settings = settings};
	pid_t pid = 0;
	int status = pid_choose("dump", arguments->items[0], settings->pid, &pid, err);

	if (status < 0)
		return status;
	choose_limits(settings, &d.options);
	d.tree = trace_tree_create();
	status = add_process(&d, pid, err);
	if (status == 0)
		status = dump_repeatedly(&d, err);
	end(&d);
	return status;
}

#define SETTING(member) offsetof(struct dump_settings, member)

static const struct option what_options[] = {
	{.name = "pid",
	 .letter = 'p',
	 .kind = OPTION_TEXT,
	 .argument = "PID",
	 .help = "another way to name the process",
	 .setting = SETTING(pid)},
	{.name = "locals",
	 .letter = 'l',
	 .kind = OPTION_COUNT,
	 .help = "show the variables of each frame; -ll and -lll show more of each value",
	 .setting = SETTING(locals)},
	{.name = "subprocesses",
	 .letter = 's',
	 .kind = OPTION_FLAG,
	 .help = "dump all Python processes below it, too",
	 .setting = SETTING(subprocesses)},
	{0},
};

static const struct option how_options[] = {
	{.name = "interval",
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "dump again after this time, as in 500ms or 2s, until the process ends or --count "
		 "is reached",
	 .setting = SETTING(interval_ns)},
	{.name = "count",
	 .kind = OPTION_NUMBER,
	 .argument = "N",
	 .help = "so many dumps; a second apart unless --interval says otherwise",
	 .setting = SETTING(count)},
	{.name = "never-pause",
	 .also = "nonblocking",
	 .kind = OPTION_FLAG,
	 .help = "never stop a thread, not even while it is read; values may be torn then (also "
		 "--nonblocking)",
	 .setting = SETTING(never_pause)},
	{0},
};

static const struct option output_options[] = {
	{.name = "json",
	 .letter = 'j',
	 .kind = OPTION_FLAG,
	 .help = "write JSON, for programs to read: a document a dump, each on one line",
	 .setting = SETTING(json)},
	{.name = "color",
	 .kind = OPTION_CHOICE,
	 .argument = "WHEN",
	 .choices = terminal_color_choices,
	 .help = "auto, always or never; auto minds NO_COLOR and FORCE_COLOR",
	 .setting = SETTING(color)},
	{0},
};

static const struct option_group what_group = {"What", what_options};
static const struct option_group how_group = {"How", how_options};
static const struct option_group output_group = {"Output", output_options};

static const struct option_group *const options[] = {
	&what_group, &how_group, &output_group, &command_common_options, NULL,
};

static const struct command_example examples[] = {
	{"sonde dump 4242", "what every thread of process 4242 is doing now"},
	{"sonde dump -l 4242", "with the variables of each frame"},
	{"sonde dump --count 5 --interval 200ms 4242", "five times: does it move at all?"},
	{"sonde dump -s --json 4242 | jq", "of a server and its workers, for programs"},
	{0},
};

const struct command command_dump = {
	.name = "dump",
	.group = COMMAND_WATCH,
	.arguments = "PID",
	.summary = "show what every thread of a running Python process is doing",
	.description = "Shows the stack of every thread once, most recent call first: its name, "
		       "whether it "
		       "runs, holds the GIL or waits for it, and on what it is blocked. It works "
		       "on a process "
		       "that is stuck or deadlocked; nothing of the process's own runs and nothing "
		       "is written "
		       "into it.\n\n"
		       "Each thread is stopped while its own stack is read, for well under a "
		       "millisecond, or "
		       "longer where -l has much to show. --never-pause stops none.\n\n"
		       "Values are shown as repr() has them where no code of the program is needed "
		       "for that; "
		       "other objects by their class and address.",
	.examples = examples,
	.options = options,
	.arguments_max = 1,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
