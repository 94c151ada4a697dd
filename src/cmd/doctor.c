#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "cmd/command.h"
#include "cmd/pid.h"
#include "cmd/terminal.h"
#include "report/json.h"
#include "report/style.h"
#include "target/container.h"
#include "target/maps.h"
#include "target/runtime.h"
#include "target/survey.h"

struct doctor_settings {
	bool json;
	int color; /* enum terminal_color */
};

/* All that there is to say. */
struct diagnosis {
	struct utsname kernel;
	enum container container;
	struct survey_setting settings[SURVEY_SETTINGS_MAX];
	size_t settings_count;
	struct survey_check checks[SURVEY_CHECKS_MAX + 1];
	size_t checks_count;
	bool works;

	pid_t pid; /* 0: none was asked for; else: */
	pid_t inner_pid;
	char *command, *executable;
	struct target_runtime runtime; /* module is NULL if there is none */
	struct error no_python;
};

/* Runs `true` with the agent in front of it: what the dynamic linker says then, "" if nothing. */
static int try_agent(const char *agent, char *said, size_t size)
{
	char *const arguments[] = {"true", NULL};
	char preload[4096 + 16];
	char *const environment[] = {preload, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], errnum;
	size_t used = 0;
	ssize_t got;
	pid_t pid;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", agent);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	errnum = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (!errnum && used < size - 1 &&
	       (got = read(ends[0], said + used, size - 1 - used)) > 0)
		used += (size_t)got;
	said[used] = 0;
	said[strcspn(said, "\n")] = 0;
	close(ends[0]);
	if (!errnum)
		waitpid(pid, NULL, 0);
	return errnum;
}

static void diagnose_agent(struct diagnosis *diagnosis)
{
	struct survey_check *check = &diagnosis->checks[diagnosis->checks_count++];
	char agent[4096];
	struct error err;
	int errnum;

	*check = (struct survey_check){
		.name = "preload",
		.what = "preloading the agent, for allocations",
	};
	if (agent_find(agent, sizeof(agent), &err) < 0) {
		snprintf(check->finding.what, sizeof(check->finding.what), "%.255s", err.message);
		return;
	}
	errnum = try_agent(agent, check->finding.what, sizeof(check->finding.what));
	if (errnum)
		snprintf(check->finding.what, sizeof(check->finding.what),
			 "cannot run true to try it: %s", strerror(errnum));
	check->works = !check->finding.what[0];
}

static int diagnose_process(struct diagnosis *diagnosis, pid_t pid, struct error *err)
{
	struct target *target;
	bool retry;
	int status = target_open(pid, &target, err);

	/* What hides a process is among the checks. */
	if (status == -ERROR_PERMISSION) {
		diagnosis->pid = pid;
		diagnosis->no_python = *err;
		return 0;
	}
	if (status < 0)
		return status;
	diagnosis->pid = pid;
	diagnosis->inner_pid = target_inner_pid(target);
	diagnosis->command = target_command(target);
	diagnosis->executable = target_executable(target);
	target_find_runtime(target, &diagnosis->runtime, &retry, &diagnosis->no_python);
	target_close(target);
	return 0;
}

static void diagnose(struct diagnosis *diagnosis)
{
	uname(&diagnosis->kernel);
	diagnosis->container = container_find();
	diagnosis->settings_count = survey_settings(diagnosis->settings);
	diagnosis->checks_count = survey_look(diagnosis->pid, diagnosis->checks);
	if (!diagnosis->pid)
		diagnose_agent(diagnosis);
	diagnosis->works = true;
	for (size_t i = 0; i < diagnosis->checks_count; i++)
		if (diagnosis->checks[i].is_needed && !diagnosis->checks[i].works)
			diagnosis->works = false;
}

static const char *container_name(enum container container)
{
	static const char *const names[] = {
		[CONTAINER_NONE] = "none",
		[CONTAINER_DOCKER] = "docker",
		[CONTAINER_KUBERNETES] = "kubernetes",
		[CONTAINER_OTHER] = "other",
	};

	return names[container];
}

/* Features as the interpreter itself would tell them. */
static const char *runtime_kind(const struct target_runtime *runtime)
{
	bool free_threaded = runtime->layout.features & PYABI_FREE_THREADED;

	if (runtime->is_debug_build)
		return free_threaded ? "free-threaded debug build" : "debug build";
	return free_threaded ? "free-threaded build" : "";
}

static void write_way_out(const char *where, const char *way_out, FILE *out)
{
	if (way_out[0])
		fprintf(out, "      %s: %s\n", where, way_out);
}

static bool is_repeated(const struct diagnosis *diagnosis, const struct survey_check *check)
{
	const struct survey_check *before = diagnosis->checks;

	while (before < check && strcmp(before->finding.what, check->finding.what) != 0)
		before++;
	return before < check;
}

static void write_check(const struct diagnosis *diagnosis, const struct survey_check *check,
			bool color, FILE *out)
{
	const struct permission_finding *finding = &check->finding;

	fprintf(out, "  %s: ", check->what);
	if (check->works) {
		fputs("works\n", out);
		return;
	}
	style_set(out, color, check->is_needed ? STYLE_WARNING : STYLE_DIM);
	fputs("blocked", out);
	style_set(out, color, STYLE_PLAIN);
	fprintf(out, ": %s", finding->what);
	if (finding->command[0])
		fprintf(out, "; do: %s", finding->command);
	fputc('\n', out);
	/* Once for checks that are blocked by the same thing. */
	if (diagnosis->container == CONTAINER_NONE || is_repeated(diagnosis, check))
		return;
	write_way_out("docker", finding->docker, out);
	write_way_out("compose", finding->compose, out);
	write_way_out("Kubernetes", finding->kubernetes, out);
}

static void write_process(const struct diagnosis *diagnosis, FILE *out)
{
	const struct target_runtime *runtime = &diagnosis->runtime;
	char version[24];

	fprintf(out, "process %d", (int)diagnosis->pid);
	if (diagnosis->inner_pid && diagnosis->inner_pid != diagnosis->pid)
		fprintf(out, " (%d in its PID namespace)", (int)diagnosis->inner_pid);
	fprintf(out, ": %s\n",
		diagnosis->command ? diagnosis->command : "what it runs is not for us to see");
	if (!runtime->module) {
		fprintf(out, "  Python: %s\n",
			diagnosis->no_python.code == ERROR_PERMISSION
				? "cannot be looked for, see below"
				: diagnosis->no_python.message);
		return;
	}
	pyabi_version_text(runtime->version_hex, version, sizeof(version));
	fprintf(out, "  Python: %s%s%s, in %s\n", version, runtime_kind(runtime)[0] ? ", " : "",
		runtime_kind(runtime), runtime->module);
}

static void write_text(const struct diagnosis *diagnosis, bool color, FILE *out)
{
	fprintf(out, "sonde %s on Linux %s, %s, as user %u", SONDE_VERSION,
		diagnosis->kernel.release, diagnosis->kernel.machine, (unsigned)geteuid());
	if (diagnosis->container != CONTAINER_NONE)
		fprintf(out, ", in a container (%s)", container_name(diagnosis->container));
	fputc('\n', out);
	if (diagnosis->pid)
		write_process(diagnosis, out);
	for (size_t i = 0; i < diagnosis->checks_count; i++)
		write_check(diagnosis, &diagnosis->checks[i], color, out);
	for (size_t i = 0; i < diagnosis->settings_count && !diagnosis->pid; i++)
		fprintf(out, "  %s: %s\n", diagnosis->settings[i].name,
			diagnosis->settings[i].value[0] ? diagnosis->settings[i].value
							: "this kernel has none");
	if (!diagnosis->works)
		fputs(diagnosis->pid ? "this process cannot be sampled\n"
				     : "not every process of yours can be sampled\n",
		      out);
	else if (diagnosis->runtime.module)
		fprintf(out, "this process can be sampled, as in: sonde top %d\n",
			(int)diagnosis->pid);
}

static void write_json_text(struct json *json, const char *key, const char *text)
{
	if (text && text[0])
		json_key_string(json, key, text);
}

static void write_json_check(struct json *json, const struct survey_check *check)
{
	const struct permission_finding *finding = &check->finding;

	json_line(json);
	json_begin_object(json);
	json_key_string(json, "name", check->name);
	json_key_string(json, "what", check->what);
	json_key_bool(json, "needed", check->is_needed);
	json_key_bool(json, "works", check->works);
	if (!check->works) {
		if (finding->obstacle != OBSTACLE_NONE)
			json_key_string(json, "obstacle", obstacle_name(finding->obstacle));
		json_key_string(json, "cause", finding->what);
		json_key(json, "do");
		json_begin_object(json);
		write_json_text(json, "command", finding->command);
		write_json_text(json, "docker", finding->docker);
		write_json_text(json, "compose", finding->compose);
		write_json_text(json, "kubernetes", finding->kubernetes);
		json_end_object(json);
	}
	json_end_object(json);
}

static void write_json_process(struct json *json, const struct diagnosis *diagnosis)
{
	const struct target_runtime *runtime = &diagnosis->runtime;
	char version[24];

	json_key(json, "process");
	json_begin_object(json);
	json_key_uint(json, "pid", (uint64_t)diagnosis->pid);
	if (diagnosis->inner_pid)
		json_key_uint(json, "inner_pid", (uint64_t)diagnosis->inner_pid);
	write_json_text(json, "command", diagnosis->command);
	write_json_text(json, "executable", diagnosis->executable);
	json_key(json, "python");
	if (runtime->module) {
		pyabi_version_text(runtime->version_hex, version, sizeof(version));
		json_begin_object(json);
		json_key_string(json, "version", version);
		json_key_bool(json, "debug", runtime->is_debug_build);
		json_key_bool(json, "free_threaded",
			      runtime->layout.features & PYABI_FREE_THREADED);
		json_key_string(json, "file", runtime->module);
		json_end_object(json);
	} else {
		json_null(json);
		json_key_string(json, "no_python", diagnosis->no_python.message);
	}
	json_end_object(json);
}

static void write_json(const struct diagnosis *diagnosis, FILE *out)
{
	struct json json;

	json_init(&json, out);
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.doctor/1");
	json_key_string(&json, "version", SONDE_VERSION);
	json_key_string(&json, "kernel", diagnosis->kernel.release);
	json_key_string(&json, "machine", diagnosis->kernel.machine);
	json_key_uint(&json, "user", geteuid());
	json_key_string(&json, "container", container_name(diagnosis->container));
	if (diagnosis->pid)
		write_json_process(&json, diagnosis);
	json_key_bool(&json, "works", diagnosis->works);
	json_key(&json, "checks");
	json_begin_array(&json);
	for (size_t i = 0; i < diagnosis->checks_count; i++)
		write_json_check(&json, &diagnosis->checks[i]);
	json_end_array(&json);
	json_line(&json);
	json_key(&json, "settings");
	json_begin_object(&json);
	for (size_t i = 0; i < diagnosis->settings_count; i++) {
		json_key(&json, diagnosis->settings[i].name);
		if (diagnosis->settings[i].value[0])
			json_string(&json, diagnosis->settings[i].value);
		else
			json_null(&json);
	}
	json_end_object(&json);
	json_end_object(&json);
	fputc('\n', out);
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct doctor_settings *settings = data;
	struct diagnosis diagnosis = {.pid = 0};
	int status = 0;

	if (arguments->count) {
		pid_t pid = 0;

		status = pid_choose("doctor", arguments->items[0], NULL, &pid, err);
		if (status == 0)
			status = diagnose_process(&diagnosis, pid, err);
	}
	if (status < 0)
		return status;
	diagnose(&diagnosis);
	if (settings->json)
		write_json(&diagnosis, stdout);
	else
		write_text(&diagnosis, terminal_color(settings->color, STDOUT_FILENO), stdout);
	free(diagnosis.command);
	free(diagnosis.executable);
	target_runtime_deinit(&diagnosis.runtime);
	return diagnosis.works ? 0 : ERROR_PERMISSION;
}

#define SETTING(member) offsetof(struct doctor_settings, member)

static const struct option output_options[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .help = "write JSON, for programs to read",
	 .setting = SETTING(json)},
	{.name = "color",
	 .kind = OPTION_CHOICE,
	 .argument = "WHEN",
	 .help = "auto, always or never; auto minds NO_COLOR and FORCE_COLOR",
	 .choices = terminal_color_choices,
	 .setting = SETTING(color)},
	{0},
};

static const struct option_group output_group = {"Output", output_options};

static const struct command_example examples[] = {
	{"sonde doctor", "what works here"},
	{"sonde doctor 4242", "what works for process 4242, and which Python is in it"},
	{0},
};

static const struct option_group *const options[] = {
	&output_group,
	&command_common_options,
	NULL,
};

const struct command command_doctor = {
	.name = "doctor",
	.group = COMMAND_HELP,
	.arguments = "[PID]",
	.summary = "say what works here, what is blocked and what unblocks it",
	.description = "Tries, without changing anything, each way in which sonde looks at other "
		       "processes, and says of each whether it works or what is in the way, with "
		       "the line that takes it away: for a shell, and in a container for docker, "
		       "compose and Kubernetes."
		       "\n\n"
		       "With a PID: the same for this process, and which Python is in it. Ends "
		       "with 3 if something is blocked that sampling needs.",
	.examples = examples,
	.options = options,
	.arguments_min = 0,
	.arguments_max = 1,
	.settings_bytes = sizeof(struct doctor_settings),
	.run = run,
};
