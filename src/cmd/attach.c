#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/capture_options.h"
#include "cmd/command.h"
#include "cmd/destination.h"
#include "cmd/outcome.h"
#include "cmd/pid.h"
#include "cmd/sampling.h"
#include "cmd/template.h"
#include "cmd/terminal.h"
#include "collector/watching.h"

struct attach_settings {
	struct sampling_settings sampling;
	uint64_t duration_ns;
	const char *pid;
	bool skip_blocked;
	struct capture_settings output;
};

static const struct attach_settings defaults = {
	.sampling = {.what = SAMPLING_CPU, .rate_hz = SAMPLING_RATE_HZ},
};

#define AT(member) offsetof(struct attach_settings, member)

static const struct option what_options[] = {
	SAMPLING_OPTIONS(struct attach_settings, sampling),
	{.name = "duration",
	 .letter = 'd',
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "stop after so long, as in 30s or 5m; else when the process ends, or at Ctrl-C",
	 .setting = AT(duration_ns)},
	{.name = "pid",
	 .letter = 'p',
	 .kind = OPTION_TEXT,
	 .argument = "PID",
	 .help = "another way to name the process",
	 .setting = AT(pid)},
	{.name = "skip-blocked",
	 .kind = OPTION_FLAG,
	 .help = "where reading the process is not permitted, say so and end with 0 instead of 3",
	 .setting = AT(skip_blocked)},
	{.name = "alloc",
	 .kind = OPTION_REFUSED,
	 .help = "allocations of a running process: not there yet",
	 .refusal = "attaching to allocations is not there yet; start the program with sonde run "
		    "instead"},
	{.name = "native",
	 .letter = 'n',
	 .kind = OPTION_REFUSED,
	 .help = "native stacks beside Python's: not there yet",
	 .refusal = "native stacks are not there yet; without it Python stacks are recorded"},
	{0},
};

static const struct option output_options[] = {
	CAPTURE_OPTIONS(struct attach_settings, output, "sonde-attach.PID.sonde"),
	{0},
};

static const struct option_group what_group = {"What to record", what_options};
static const struct option_group output_group = {"Output", output_options};

static const struct option_group *const options[] = {
	&what_group,
	&output_group,
	&command_common_options,
	NULL,
};

/* Where the capture goes; to be freed. */
static char *choose_path(const struct attach_settings *settings, pid_t pid, struct error *err)
{
	const char *path = settings->output.path ? settings->output.path : "sonde-attach.%p.sonde";
	char host[HOST_NAME_MAX + 1] = "";
	char *filled;

	if (template_check(path, err) < 0)
		return NULL;
	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	filled = template_expand(path, pid, host, time(NULL));
	if (destination_check(filled, settings->output.force, err) < 0) {
		free(filled);
		return NULL;
	}
	return filled;
}

static void say_begun(void)
{
	fputs("sonde: sampling; Ctrl-C ends it\n", stderr);
}

/* A command to be started is what `run` is for: the same options go there. */
static int run_command(const struct attach_settings *settings, const struct arguments *arguments,
		       struct error *err)
{
	static const char *const what[] = {[SAMPLING_NONE] = "--cpu",
					   [SAMPLING_CPU] = "--cpu",
					   [SAMPLING_WALL] = "--wall",
					   [SAMPLING_GIL] = "--gil"};
	static const char *const pausing[] = {[SAMPLING_PAUSES_IF_NEEDED] = NULL,
					      [SAMPLING_PAUSES_NEVER] = "--never-pause",
					      [SAMPLING_PAUSES_ALWAYS] = "--pause-always"};
	const struct sampling_settings *sampling = &settings->sampling;
	char rate[32];
	const char *words[] = {
		what[sampling->what],
		rate,
		pausing[sampling->pausing],
		sampling->python_only ? "--python-only" : NULL,
		settings->output.force ? "--force" : NULL,
		settings->output.quiet ? "--quiet" : NULL,
		settings->output.path ? "-o" : NULL,
		settings->output.path,
		"--",
	};
	size_t given = sizeof(words) / sizeof(words[0]);
	char **argv = calloc(given + (size_t)arguments->count + 1, sizeof(*argv));
	int count = 0, status;

	if (!argv)
		abort();
	snprintf(rate, sizeof(rate), "--rate=%ld", sampling->rate_hz);
	for (size_t i = 0; i < given; i++) {
		if (words[i])
			argv[count++] = (char *)(uintptr_t)words[i];
	}
	for (int i = 0; i < arguments->count; i++)
		argv[count++] = arguments->items[i];
	if (settings->duration_ns || settings->pid)
		status = error_set(err, ERROR_USAGE,
				   "--duration and --pid are for a process that runs already");
	else
		status = command_execute(&command_run, count, argv, err);
	free(argv);
	return status;
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct attach_settings *settings = data;
	struct recording_result result;
	struct watching_options watching = {
		.sonde_version = SONDE_VERSION,
		.replace = settings->output.force,
		.sampling = sampling_choose(&settings->sampling, false),
		.time_metric = sampling_metric(&settings->sampling),
		.duration_ns = settings->duration_ns,
	};
	const struct outcome_look look = {
		.quiet = settings->output.quiet,
		.color = terminal_color((enum terminal_color)settings->output.color, STDERR_FILENO),
	};
	char *path;
	int status;

	if (arguments->dashes)
		return run_command(settings, arguments, err);
	if (arguments->count > 1)
		return error_set(
			err, ERROR_USAGE,
			"one process at a time, and -s for those that it started; a "
			"command to run stands behind --, as in: sonde record -- python app.py");
	status = sampling_check(&settings->sampling, true, err);
	if (status < 0)
		return status;
	status = pid_choose("attach", arguments->items[0], settings->pid, &watching.pid, err);
	if (status < 0)
		return status;
	path = choose_path(settings, watching.pid, err);
	if (!path)
		return -err->code;
	watching.output = path;
	if (!look.quiet && isatty(STDERR_FILENO))
		watching.begun = say_begun;
	status = watching_run(&watching, &result, err);
	if (result.launched) {
		if (status < 0)
			command_print_error(err);
		outcome_say(&result, &look);
		status = status < 0 ? -status : 0;
	}
	free(path);
	if (status == -ERROR_PERMISSION && settings->skip_blocked) {
		command_print_error(err);
		fputs("sonde: skipped\n", stderr);
		return 0;
	}
	return status;
}

static const struct command_example examples[] = {
	{"sonde attach 4711 --duration 30s", "where the time of this process goes"},
	{"sonde attach 4711 --wall -o waits.sonde", "waiting included, until Ctrl-C"},
	{"sonde attach -s 4711", "with the workers that it has and starts"},
	{0},
};

const struct command command_attach = {
	.name = "attach",
	.group = COMMAND_RECORD,
	.arguments = "PID",
	.summary = "sample a running Python process, without stopping it",
	.description =
		"Samples the stacks of all threads of a running process from outside: what each "
		"runs, whether it holds the GIL or waits for it, and what it is blocked on. The "
		"process goes on as ever; nothing is written into it. Only a thread whose stack "
		"changes while it is read is stopped, for some microseconds, and counted.\n\n"
		"What it takes to be allowed to read a process: sonde doctor PID.",
	.examples = examples,
	.options = options,
	.order = OPTIONS_ANYWHERE,
	.arguments_max = 1,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};

static const struct command_example record_examples[] = {
	{"sonde record 4711 -d 30s", "the same as sonde attach --cpu"},
	{"sonde record -p 4711 -r 200 -o api.sonde", "as other profilers spell it"},
	{"sonde record -- python app.py", "the same as sonde run --cpu -- python app.py"},
	{0},
};

const struct command command_record = {
	.name = "record",
	.group = COMMAND_RECORD,
	.arguments = "(PID | -- COMMAND [ARGUMENTS])",
	.summary = "the same as attach, by the name that other profilers use",
	.description =
		"Does what sonde attach does with a process, and what sonde run --cpu does with a "
		"command behind --: samples the stacks of all threads from outside into a capture.",
	.examples = record_examples,
	.options = options,
	.order = OPTIONS_ANYWHERE,
	.arguments_max = -1,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
