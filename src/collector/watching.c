#include "collector/watching.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define WATCHING_SLEEP_NS 10000000u
#define WATCHING_SEAL_NS  250000000ull

static const int watching_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define WATCHING_SIGNALS (sizeof(watching_signals) / sizeof(watching_signals[0]))

static volatile sig_atomic_t watching_asked_to_end;

struct watching {
	const struct watching_options *options;
	struct recording_result *result;
	char **command_line; /* of the process; NULL: none */
	struct session session;
	struct census census;
	struct capture_writer *writer;
	struct sampling *sampling;
	struct sigaction before[WATCHING_SIGNALS];
};

static void watching_end(int number)
{
	(void)number;
	watching_asked_to_end = 1;
}

/* What sonde's caller has it ignore stays ignored. */
static void watching_take_signals(struct watching *watching)
{
	struct sigaction action = {.sa_handler = watching_end};

	watching_asked_to_end = 0;
	for (size_t i = 0; i < WATCHING_SIGNALS; i++) {
		sigaction(watching_signals[i], NULL, &watching->before[i]);
		if (watching->before[i].sa_handler != SIG_IGN)
			sigaction(watching_signals[i], &action, NULL);
	}
}

static void watching_give_signals_back(const struct watching *watching)
{
	for (size_t i = 0; i < WATCHING_SIGNALS; i++)
		sigaction(watching_signals[i], &watching->before[i], NULL);
}

static int watching_open_writer(struct watching *watching, struct error *err)
{
	const struct watching_options *options = watching->options;
	static const char *const nothing[] = {NULL};
	struct utsname name = {0};
	char system[sizeof(name.sysname) + sizeof(name.release) + sizeof(name.machine)];
	struct capture_start start = {
		.mode = CAPTURE_FULL,
		.wall_time_ns = watching->session.wall_time_ns,
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
		.command_line = watching->command_line ? (const char *const *)watching->command_line
						       : nothing,
		.host = name.nodename,
		.system = system,
		.sonde_version = options->sonde_version,
		.sampling_period_ns = (uint64_t)(1e9 / options->sampling.rate_hz),
		.time_metric = options->time_metric,
	};

	uname(&name);
	snprintf(system, sizeof(system), "%s %s %s", name.sysname, name.release, name.machine);
	snprintf(watching->result->output, sizeof(watching->result->output), "%s", options->output);
	return writer_open(options->output, options->replace, &start, &watching->writer, err);
}

/* Everything that may be refused is asked for before there is a file; that comes last. The writer
 * must be there for the sampling, which is why the process is tried alone first. */
static int watching_try(struct watching *watching, struct error *err)
{
	struct target *target;
	int status = target_open(watching->options->pid, &target, err);
	struct target_runtime runtime;
	bool retry = false;

	if (status < 0)
		return status;
	status = target_find_runtime(target, &runtime, &retry, err);
	if (status == 0)
		target_runtime_deinit(&runtime);
	if (status == 0 || retry)
		watching->command_line = target_argv(target);
	target_close(target);
	return retry ? 0 : status;
}

static int watching_start(struct watching *watching, struct error *err)
{
	const struct watching_options *options = watching->options;
	int status = sampling_open(&options->sampling, watching->writer, &watching->census,
				   &watching->session, &watching->sampling, err);

	if (status == 0)
		status = sampling_add(watching->sampling, options->pid, false, err);
	if (status == 0)
		status = sampling_start(watching->sampling, err);
	return status;
}

static void watching_sleep(void)
{
	struct timespec pause = {.tv_nsec = WATCHING_SLEEP_NS};

	nanosleep(&pause, NULL);
}

/* The time begins with the first round, which a machine that is busy may let wait. */
static bool watching_is_over(const struct watching *watching)
{
	uint64_t duration_ns = watching->options->duration_ns, begun_ns;

	if (!duration_ns)
		return false;
	begun_ns = sampling_begun_ns(watching->sampling);
	return begun_ns && session_now_ns(&watching->session) >= begun_ns + duration_ns;
}

static void watching_loop(struct watching *watching)
{
	struct error ignored;

	while (!watching_asked_to_end && sampling_alive(watching->sampling) &&
	       !watching_is_over(watching)) {
		watching_sleep();
		sampling_drain(watching->sampling);
		writer_seal(watching->writer, WATCHING_SEAL_NS, &ignored);
	}
}

static void watching_discard(struct watching *watching)
{
	struct error ignored;
	struct stat file;

	writer_close(watching->writer, false, &ignored);
	if (lstat(watching->options->output, &file) == 0 && S_ISREG(file.st_mode))
		unlink(watching->options->output);
}

static int watching_finish(struct watching *watching, struct error *err)
{
	struct recording_result *result = watching->result;
	struct error reason = {0};
	struct stat file;
	int status;

	sampling_close(watching->sampling, &result->sampling, &reason);
	if (reason.code) {
		watching_discard(watching);
		result->launched = false;
		return error_set(err, reason.code, "nothing was sampled: %s", reason.message);
	}
	result->duration_ns = session_now_ns(&watching->session);
	result->complete = true;
	result->bytes = writer_bytes(watching->writer);
	status = writer_close(watching->writer, true, err);
	if (status < 0) {
		result->cut = true;
		result->complete = false;
	}
	if (stat(result->output, &file) == 0) {
		if (S_ISREG(file.st_mode))
			result->bytes = (uint64_t)file.st_size;
	} else if (errno == ENOENT && status == 0) {
		result->gone = true;
		status = error_set(err, ERROR_FAILED,
				   "%s is gone: it was moved or removed while it was written",
				   result->output);
	}
	return status;
}

static int watching_record(struct watching *watching, struct error *err)
{
	int status = watching_open_writer(watching, err);

	if (status < 0)
		return status;
	watching_take_signals(watching);
	status = watching_start(watching, err);
	if (status == 0) {
		watching->result->launched = true;
		if (watching->options->begun)
			watching->options->begun();
		watching_loop(watching);
		status = watching_finish(watching, err);
	} else {
		sampling_close(watching->sampling, NULL, NULL);
		watching_discard(watching);
	}
	watching_give_signals_back(watching);
	return status;
}

int watching_run(const struct watching_options *options, struct recording_result *result,
		 struct error *err)
{
	struct watching watching = {.options = options, .result = result};
	const struct session_options session = {0};
	int status = watching_try(&watching, err);

	*result = (struct recording_result){.status = -1};
	if (status == 0)
		status = session_open(&watching.session, &session, err);
	if (status == 0) {
		census_init(&watching.census);
		status = watching_record(&watching, err);
		census_deinit(&watching.census);
		session_close(&watching.session);
	}
	free(watching.command_line);
	return status;
}
