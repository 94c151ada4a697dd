#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "cmd/capture_options.h"
#include "cmd/command.h"
#include "cmd/destination.h"
#include "cmd/outcome.h"
#include "cmd/sampling.h"
#include "cmd/invocation.h"
#include "cmd/template.h"
#include "cmd/terminal.h"
#include "collector/recording.h"

struct run_settings {
	struct capture_settings output;
	struct invocation_settings target;
	struct {
		bool allocations;
		bool python_allocators, whole_process, aggregate, drop, no_follow_fork;
		uint64_t sample_rate_bytes;
	} what;
	struct sampling_settings sampling;
};

static const struct run_settings defaults = {.sampling = SAMPLING_DEFAULTS};

#define AT(member) offsetof(struct run_settings, member)

static const struct option target_options[] = {
	INVOCATION_OPTIONS(struct run_settings, target),
	{0},
};

static const struct option what_options[] = {
	{.name = "alloc",
	 .kind = OPTION_FLAG,
	 .help = "every allocation (default, unless time is recorded alone)",
	 .setting = AT(what.allocations)},
	{.name = "trace-python-allocators",
	 .kind = OPTION_FLAG,
	 .help = "also what Python's own allocators hand out (pymalloc), object by object: more "
		 "detail, more cost",
	 .setting = AT(what.python_allocators)},
	{.name = "whole-process",
	 .kind = OPTION_FLAG,
	 .help = "from the start of the process to its end, not from the first line of the user's "
		 "code to the last",
	 .setting = AT(what.whole_process)},
	{.name = "aggregate",
	 .kind = OPTION_FLAG,
	 .help = "keep sums per stack instead of events: a small file, without the course of time",
	 .setting = AT(what.aggregate)},
	{.name = "sample-rate",
	 .kind = OPTION_BYTES,
	 .argument = "BYTES",
	 .help = "record one allocation per so many bytes on average, as in 512K; reports are then "
		 "estimates, with their error; not with --aggregate",
	 .setting = AT(what.sample_rate_bytes)},
	{.name = "drop",
	 .kind = OPTION_FLAG,
	 .help = "rather lose events, and count them, than make the program wait for sonde",
	 .setting = AT(what.drop)},
	{.name = "no-follow-fork",
	 .kind = OPTION_FLAG,
	 .help = "leave forked children alone; this version never follows them",
	 .setting = AT(what.no_follow_fork)},
	{.name = "follow-fork",
	 .kind = OPTION_REFUSED,
	 .help = "not there yet",
	 .refusal = "following forked children is not there yet; without it they run untraced"},
	{.name = "native",
	 .letter = 'n',
	 .kind = OPTION_REFUSED,
	 .help = "native stacks beside Python's: not there yet",
	 .refusal = "native stacks are not there yet; without it Python stacks are recorded"},
	{0},
};

static const struct option output_options[] = {
	CAPTURE_OPTIONS(struct run_settings, output, "sonde-SCRIPT.PID.sonde"),
	{0},
};

static const struct option_group target_group = {"What to run", target_options};
static const struct option_group what_group = {"What to record", what_options};
static const struct option_group output_group = {"Output", output_options};

static const struct option sampling_table[] = {
	SAMPLING_OPTIONS(struct run_settings, sampling),
	{0},
};

static const struct option_group sampling_group = {"Where time goes", sampling_table};

static const struct option_group *const options[] = {
	&target_group, &what_group, &sampling_group, &output_group, &command_common_options, NULL,
};

/* Where the capture goes: a name with places to fill, some of which wait for the target's pid. */
struct capture_name {
	char *text;
	char host[HOST_NAME_MAX + 1];
	time_t when;
};

static char *name_fill(pid_t pid, void *data)
{
	const struct capture_name *name = data;

	return template_expand(name->text, pid, name->host, name->when);
}

static int name_init(struct capture_name *name, const struct run_settings *settings,
		     const struct invocation *target, struct error *err)
{
	const char *path = settings->output.path;
	char *filled;
	int status = 0;

	memset(name, 0, sizeof(*name));
	name->when = time(NULL);
	if (gethostname(name->host, sizeof(name->host) - 1) < 0)
		name->host[0] = '\0';
	if (!path) {
		name->text = template_default(target->label);
		return 0;
	}
	if (strcmp(path, "-") == 0)
		return error_set(err, ERROR_USAGE,
				 "a capture cannot go to standard output, which is the program's; "
				 "name a file with -o FILE");
	status = template_check(path, err);
	if (status < 0)
		return status;
	name->text = strdup(path);
	if (!name->text)
		abort();
	if (!template_needs_pid(path)) {
		filled = name_fill(0, name);
		status = destination_check(filled, settings->output.force, err);
		free(filled);
	}
	return status;
}

static enum wire_start choose_start(const struct run_settings *settings, enum invocation_kind kind)
{
	static const enum wire_start starts[] = {
		[INVOCATION_SCRIPT] = WIRE_START_SCRIPT,   [INVOCATION_MODULE] = WIRE_START_MODULE,
		[INVOCATION_CODE] = WIRE_START_COMMAND,    [INVOCATION_STDIN] = WIRE_START_STDIN,
		[INVOCATION_COMMAND] = WIRE_START_AT_ONCE,
	};

	return settings->what.whole_process ? WIRE_START_AT_ONCE : starts[kind];
}

static int record(const struct run_settings *settings, const struct invocation *target,
		  struct capture_name *name, struct error *err)
{
	struct recording_result result = {0};
	char agent[PATH_MAX];
	struct recording_options recording = {
		.command = (const char *const *)target->argv,
		/* As the user gave it: without the interpreter that we put in front. */
		.command_line =
			(const char *const *)target->argv + (target->kind != INVOCATION_COMMAND),
		.agent = agent,
		.sonde_version = SONDE_VERSION,
		.output_for = name_fill,
		.output_data = name,
		.replace = settings->output.force,
		.mode = settings->what.aggregate ? CAPTURE_AGGREGATE : CAPTURE_FULL,
		.sample_rate_bytes = settings->what.sample_rate_bytes,
		.temporary_threshold = 1,
		.trace_python_allocators = settings->what.python_allocators,
		.time_metric = sampling_metric(&settings->sampling),
		.drop = settings->what.drop,
		/* Of a script the user's own process alone, however many it starts. */
		.single = target->kind != INVOCATION_COMMAND || settings->what.no_follow_fork,
		.start = choose_start(settings, target->kind),
		.stop_at_end = target->kind != INVOCATION_COMMAND && !settings->what.whole_process,
	};
	bool with_agent = settings->what.allocations || !sampling_is_wanted(&settings->sampling);
	const struct outcome_look look = {
		.with_agent = with_agent,
		.quiet = settings->output.quiet,
		.color = terminal_color((enum terminal_color)settings->output.color, STDERR_FILENO),
		.from_start = recording.start == WIRE_START_AT_ONCE,
	};
	int status = 0;

	if (sampling_is_wanted(&settings->sampling))
		recording.sampling =
			sampling_choose(&settings->sampling, target->kind == INVOCATION_COMMAND);
	if (with_agent)
		status = agent_find(agent, sizeof(agent), err);
	else
		recording.agent = NULL;
	if (status < 0)
		return status;
	if (!look.quiet && isatty(STDERR_FILENO))
		recording.waiting = outcome_say_waiting;
	status = recording_run(&recording, &result, err);
	if (!result.launched)
		return status;
	if (status < 0)
		command_print_error(err);
	outcome_say(&result, &look);
	return recording_exit_status(result.status);
}

static int check_what(const struct run_settings *settings, struct error *err)
{
	bool alone = sampling_is_wanted(&settings->sampling) && !settings->what.allocations;

	if (alone && (settings->what.aggregate || settings->what.sample_rate_bytes ||
		      settings->what.python_allocators))
		return error_set(
			err, ERROR_USAGE,
			"--aggregate, --sample-rate and --trace-python-allocators are about "
			"allocations, which are not recorded with time alone; add --alloc");
	if (settings->what.aggregate && settings->what.sample_rate_bytes)
		return error_set(err, ERROR_USAGE,
				 "--sample-rate does not go with --aggregate: the sums of a sample "
				 "cannot be made estimates later; leave one of them out");
	return sampling_check(&settings->sampling, sampling_is_wanted(&settings->sampling), err);
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct run_settings *settings = data;
	const struct invocation_choice choice = {
		.module = settings->target.module,
		.code = settings->target.code,
		.python = settings->target.python,
		.command = arguments->dashes,
		.arguments = arguments->items,
	};
	struct invocation target;
	struct capture_name name;
	int status = check_what(settings, err);

	if (status == 0)
		status = invocation_create(&choice, &target, err);
	if (status < 0)
		return status;
	status = name_init(&name, settings, &target, err);
	if (status == 0)
		status = record(settings, &target, &name, err);
	free(name.text);
	invocation_deinit(&target);
	return status;
}

static const struct command_example examples[] = {
	{"sonde run app.py --port 8000", "options behind the script are the script's"},
	{"sonde run -o app.sonde -m pytest tests", "a module, and a name for the capture"},
	{"sonde run -- flask run", "any command that ends up running Python"},
	{"sonde run --sample-rate 512K app.py", "cheap enough to leave on"},
	{"sonde run --cpu app.py", "where its time goes"},
	{"sonde run --cpu --alloc app.py", "both, in one capture"},
	{0},
};

const struct command command_run = {
	.name = "run",
	.group = COMMAND_RECORD,
	.arguments = "(SCRIPT | -m MODULE | -c CODE | -- COMMAND) [ARGUMENTS]",
	.summary = "run a Python program and record its allocations, or where its time goes",
	.description =
		"Runs a Python program and records every allocation with its Python stack, from "
		"the first line of the program to its last. Behind -- stands any command that "
		"ends up running Python; it is recorded from its start to its end.\n\n"
		"With --cpu, --wall or --gil its threads are sampled from outside instead, from "
		"start to end: what each runs, holds and waits for, without stopping it. With "
		"--alloc as well both go into one capture.\n\n"
		"The program sees its arguments, input and output as ever, and sonde ends with "
		"its exit status. The capture is written to sonde-SCRIPT.PID.sonde, readable by "
		"its owner alone.",
	.examples = examples,
	.options = options,
	.order = OPTIONS_FIRST,
	.arguments_max = -1,
	.completes = COMPLETES_FILE,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
