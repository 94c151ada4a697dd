#include "collector/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "collector/launch.h"
#include "collector/process.h"
#include "collector/session.h"
#include "collector/signals.h"

#define RECORDING_SLEEP_NS      2000000ull
#define RECORDING_IDLE_SLEEP_NS 4000000ull
#define RECORDING_IDLE_ROUNDS   25u /* with nothing to do, before sleeping longer */
#define RECORDING_SEAL_NS       250000000ull
#define RECORDING_ACCOUNT_NS    50000000ull
#define RECORDING_COMMAND_MAX   65536u
#define RECORDING_END_MS        100u
#define RECORDING_WAIT_NS       1000000000ull /* after the target's end, before telling */

struct recording {
	const struct recording_options *options;
	struct recording_result *result;
	struct session session;
	struct signals signals;
	struct launch launch;
	struct capture_writer *writer;
	struct census census;
	struct sampling *sampling;                   /* NULL: none */
	struct process *processes[WIRE_PROCESS_MAX]; /* by place in the session's table */
	char *command;                               /* of the target, joined by spaces */

	bool target_ended;
	bool wait_told;
	uint64_t wait_due_ns;    /* 0: not yet waiting for processes that the target left behind */
	uint64_t lost[LOST_END]; /* by processes that have ended */
	uint64_t account_due_ns;
	unsigned idle_rounds;
	struct error first_error; /* code 0: none */
	struct error last_error;
};

int recording_exit_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

static char *recording_join(const char *const *words)
{
	struct buffer text;

	buffer_init(&text, RECORDING_COMMAND_MAX);
	for (size_t i = 0; words[i]; i++) {
		if (i)
			buffer_add_byte(&text, ' ');
		buffer_add(&text, words[i], strlen(words[i]));
	}
	buffer_add_byte(&text, 0);
	if (text.failed) {
		buffer_deinit(&text);
		return strdup("");
	}
	return (char *)text.data;
}

static int recording_open_session(struct recording *recording, struct error *err)
{
	const struct recording_options *options = recording->options;
	struct session_options session = {
		.start = options->start,
		.sample_rate_bytes = options->sample_rate_bytes,
	};

	if (options->trace_python_allocators)
		session.flags |= WIRE_SESSION_PYTHON_ALLOCATORS;
	if (options->drop)
		session.flags |= WIRE_SESSION_DROP;
	if (options->stop_at_end)
		session.flags |= WIRE_SESSION_STOP_AT_END;
	if (options->single)
		session.flags |= WIRE_SESSION_SINGLE;
	return session_open(&recording->session, &session, err);
}

/* As snprintf. */
static int recording_name(const struct recording *recording, char *name, size_t size)
{
	const struct recording_options *options = recording->options;
	pid_t pid = recording->launch.pid;
	char *made;
	int used;

	if (options->output)
		return snprintf(name, size, "%s", options->output);
	made = options->output_for(pid, options->output_data);
	used = made ? snprintf(name, size, "%s", made) : -1;
	free(made);
	return used;
}

static int recording_open_writer(struct recording *recording, struct error *err)
{
	const struct recording_options *options = recording->options;
	struct recording_result *result = recording->result;
	struct utsname name = {0};
	char system[sizeof(name.sysname) + sizeof(name.release) + sizeof(name.machine)];
	struct capture_start start = {
		.mode = options->mode,
		.sample_rate_bytes = options->sample_rate_bytes,
		.wall_time_ns = recording->session.wall_time_ns,
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
		.command_line = options->command_line,
		.host = name.nodename,
		.system = system,
		.sonde_version = options->sonde_version,
		.python_allocators_traced = options->trace_python_allocators,
		.temporary_threshold = options->temporary_threshold,
		.allocations = options->agent != NULL,
		.time_metric = options->time_metric,
	};
	int used;

	if (options->sampling.rate_hz > 0)
		start.sampling_period_ns = (uint64_t)(1e9 / options->sampling.rate_hz);
	uname(&name);
	snprintf(system, sizeof(system), "%s %s %s", name.sysname, name.release, name.machine);
	used = recording_name(recording, result->output, sizeof(result->output));
	if (used < 0 || (size_t)used >= sizeof(result->output))
		return error_set(err, ERROR_USAGE, "the path of the capture is too long");
	return writer_open(result->output, options->replace, &start, &recording->writer, err);
}

/* Samples begin with the target's program; until Python is in it, that is looked for. */
static void recording_start_sampling(struct recording *recording)
{
	struct recording_result *result = recording->result;
	struct error *err = &result->sampling_error;

	if (!recording->sampling)
		return;
	if (sampling_add(recording->sampling, recording->launch.pid, false, err) < 0 ||
	    sampling_start(recording->sampling, err) < 0) {
		sampling_close(recording->sampling, NULL, NULL);
		recording->sampling = NULL;
	}
}

static int recording_open_sampling(struct recording *recording, struct error *err)
{
	struct sampling_options options = recording->options->sampling;

	if (!(options.rate_hz > 0))
		return 0;
	options.waits_for_census = recording->options->agent != NULL;
	return sampling_open(&options, recording->writer, &recording->census, &recording->session,
			     &recording->sampling, err);
}

/* Takes a capture back that nothing was recorded into. Devices and pipes stay. */
static void recording_discard(struct recording *recording)
{
	struct error ignored = {0};
	struct stat file;

	writer_close(recording->writer, false, &ignored);
	recording->writer = NULL;
	if (lstat(recording->result->output, &file) == 0 && S_ISREG(file.st_mode))
		unlink(recording->result->output);
}

/* Everything that can fail happens before the first instruction of the target. */
static int recording_launch(struct recording *recording, struct error *err)
{
	const struct recording_options *options = recording->options;
	struct launch_options launch = {.argv = options->command, .agent = options->agent};
	int status;

	status = launch_fork(&recording->launch, &launch, &recording->session, &recording->signals,
			     err);
	if (status < 0)
		return status;
	status = recording_open_writer(recording, err);
	if (status < 0) {
		launch_cancel(&recording->launch);
		return status;
	}
	status = recording_open_sampling(recording, err);
	if (status < 0) {
		launch_cancel(&recording->launch);
		recording_discard(recording);
		return status;
	}
	session_publish_clock(&recording->session);
	signals_watch(&recording->signals, recording->launch.pid);
	status = launch_exec(&recording->launch, options->command[0], err);
	if (status < 0) {
		sampling_close(recording->sampling, NULL, NULL);
		recording_discard(recording);
		return status;
	}
	recording->result->launched = true;
	recording_start_sampling(recording);
	return 0;
}

static int recording_wait_status(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return (info->si_status & 0x7f) | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/*
 * Looks after the target without reaping it: its pid stays its own. The sampler's stops of it come
 * here as well, whatever is asked for, and are not ours to take.
 */
static void recording_watch_target(struct recording *recording)
{
	siginfo_t info = {0};
	id_t pid = (id_t)recording->launch.pid;

	if (recording->target_ended)
		return;
	if (waitid(P_PID, pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	    info.si_code == CLD_STOPPED && waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 &&
	    info.si_pid && info.si_code == CLD_STOPPED)
		signals_target_stopped(&recording->signals, info.si_status);
	info.si_pid = 0;
	if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	    (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
	     info.si_code == CLD_DUMPED)) {
		recording->target_ended = true;
		signals_target_ended(&recording->signals);
		recording->result->status = recording_wait_status(&info);
		if (recording->sampling)
			sampling_status(recording->sampling, recording->launch.pid,
					recording->result->status);
	}
}

static void recording_note(struct recording *recording)
{
	if (!recording->first_error.code)
		recording->first_error = recording->last_error;
}

static void recording_begin_process(struct recording *recording, struct process *process)
{
	if (process->area)
		return;
	if (process_begin(process, &recording->last_error) < 0)
		recording_note(recording);
	recording->result->processes += process->area != NULL;
}

/* The target's status belongs to the image that it ended as. */
static int recording_status_of(struct recording *recording, const struct process *process)
{
	if (process->pid != (uint32_t)recording->launch.pid)
		return -1;
	/* It may have ended since it was looked after last, or be about to: its memory goes first.
	 */
	recording_watch_target(recording);
	for (unsigned i = 0;
	     i < RECORDING_END_MS && !recording->target_ended && process_is_ending(process); i++) {
		usleep(1000);
		recording_watch_target(recording);
	}
	if (!recording->target_ended)
		return -1;
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		const struct process *other = recording->processes[i];

		if (other && other != process && !other->ended && other->pid == process->pid)
			return -1;
	}
	return recording->result->status;
}

static void recording_end_process(struct recording *recording, struct process *process)
{
	struct recording_result *result = recording->result;
	uint64_t now_ns = session_publish_clock(&recording->session);

	recording_begin_process(recording, process);
	process_end(process, now_ns, recording_status_of(recording, process));
	process_add_lost(process, recording->lost);
	result->damage += process_damage(process);
	result->own_malloc |= process->area && process->area->own_malloc;
	result->frees_unknown += process->decode.counts.frees_unknown;
	result->frees_missed += process->decode.counts.frees_missed;
	if (process->peak_rss_bytes > result->peak_rss_bytes)
		result->peak_rss_bytes = process->peak_rss_bytes;
	if (process->area && atomic_load(&process->area->stopped) == WIRE_STOP_COLLECTOR)
		result->gave_up = true;
}

/* Of a process that has ended, and whose later images were met. */
static void recording_forget(struct recording *recording, unsigned index)
{
	struct process *process = recording->processes[index];

	if (process && process->area && !process->is_followed &&
	    atomic_load(&process->area->stopped) == WIRE_STOP_REPLACED)
		recording->result->replaced = true;
	recording->processes[index] = NULL;
	process_destroy(process);
}

static void recording_meet(struct recording *recording, unsigned index)
{
	uint32_t pid = atomic_load(&recording->session.shared->process[index].pid);
	bool is_target = pid == (uint32_t)recording->launch.pid;
	struct process *process;

	if (!pid)
		return;
	process = process_create(&recording->session, index, pid,
				 is_target ? recording->command : NULL, recording->writer,
				 &recording->census);
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		struct process *other = recording->processes[i];

		if (!other || other->pid != pid)
			continue;
		other->is_followed = true;
		/* A pid runs one image: those before it are over. */
		other->is_over |= process->is_current;
	}
	recording->processes[index] = process;
	recording->result->loaded = true;
}

/* Looks through the session's table; returns how many processes may still record. */
static unsigned recording_look(struct recording *recording)
{
	const struct wire_session *shared = recording->session.shared;
	unsigned alive = 0;

	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		if (!recording->processes[i] &&
		    atomic_load(&shared->process[i].state) != WIRE_PROCESS_FREE)
			recording_meet(recording, i);
	}
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		struct process *process = recording->processes[i];

		if (!process)
			continue;
		if (!process->ended && process_is_alive(process)) {
			recording_begin_process(recording, process);
			alive++;
			continue;
		}
		if (!process->ended)
			recording_end_process(recording, process);
		if (process_can_go(process)) {
			recording_forget(recording, i);
			session_reset_area(&recording->session, i);
		}
	}
	return alive;
}

/* The process at a place in the table, if it may still record. */
static struct process *recording_process(const struct recording *recording, unsigned index)
{
	struct process *process = recording->processes[index];

	return process && !process->ended ? process : NULL;
}

static void recording_account(struct recording *recording, uint64_t now_ns)
{
	uint64_t lost[LOST_END];
	struct error ignored = {0};

	if (now_ns < recording->account_due_ns)
		return;
	recording->account_due_ns = now_ns + RECORDING_ACCOUNT_NS;
	memcpy(lost, recording->lost, sizeof(lost));
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		const struct process *process = recording_process(recording, i);

		if (process)
			process_add_lost(process, lost);
	}
	writer_lost(recording->writer, lost);
	/* An error stays with the writer and is told at the end; the target must not wait. */
	writer_seal(recording->writer, RECORDING_SEAL_NS, &ignored);
}

static bool recording_is_busy(void *data)
{
	const struct recording *recording = data;

	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		const struct process *process = recording_process(recording, i);

		if (process && process_is_busy(process))
			return true;
	}
	return false;
}

/* Drains and tends every process; returns the words that were consumed. */
static uint64_t recording_round(struct recording *recording)
{
	uint64_t words = 0;
	uint64_t now_ns;

	session_publish_clock(&recording->session);
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		struct process *process = recording_process(recording, i);

		if (process)
			words += process_drain(process);
	}
	if (recording->sampling)
		words += sampling_drain(recording->sampling);
	now_ns = session_publish_clock(&recording->session);
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		struct process *process = recording_process(recording, i);

		if (process)
			process_tend(process, now_ns);
	}
	recording_account(recording, now_ns);
	return words;
}

/* What still records when sonde is told to end goes on without it. */
static void recording_leave(struct recording *recording)
{
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		struct process *process = recording_process(recording, i);

		if (process) {
			recording_end_process(recording, process);
			recording->result->left++;
		}
	}
	session_dismiss(&recording->session);
}

/* Tells the caller, once, what else it is that takes so long. */
static void recording_wait(struct recording *recording, unsigned present)
{
	const struct recording_options *options = recording->options;
	uint64_t now_ns = session_now_ns(&recording->session);

	if (!recording->wait_due_ns)
		recording->wait_due_ns = now_ns + RECORDING_WAIT_NS;
	if (now_ns < recording->wait_due_ns || recording->wait_told)
		return;
	recording->wait_told = true;
	if (options->waiting)
		options->waiting(present);
}

/* Until the target has ended, and every process that recorded, or sonde is told to end. */
static void recording_loop(struct recording *recording)
{
	for (;;) {
		bool ended;
		unsigned present;

		/* The order matters: who ended before the look has already left its trace. */
		recording_watch_target(recording);
		ended = recording->target_ended;
		present = recording_look(recording);
		if (recording->sampling)
			present += sampling_alive(recording->sampling);
		if (recording_round(recording))
			recording->idle_rounds = 0;
		else if (recording->idle_rounds < RECORDING_IDLE_ROUNDS)
			recording->idle_rounds++;
		if (ended && !present)
			break;
		if (ended && signals_asked_to_end(&recording->signals)) {
			recording_leave(recording);
			break;
		}
		if (ended)
			recording_wait(recording, present);
		session_sleep(&recording->session,
			      recording->idle_rounds < RECORDING_IDLE_ROUNDS
				      ? RECORDING_SLEEP_NS
				      : RECORDING_IDLE_SLEEP_NS,
			      recording_is_busy, recording);
	}
}

static void recording_end_sampling(struct recording *recording)
{
	if (!recording->sampling)
		return;
	sampling_close(recording->sampling, &recording->result->sampling,
		       &recording->result->sampling_error);
	recording->sampling = NULL;
}

static void recording_finish(struct recording *recording)
{
	struct recording_result *result = recording->result;
	const struct wire_session *shared = recording->session.shared;
	const struct tally *tally;
	struct stat file;

	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++)
		recording_forget(recording, i);
	recording_end_sampling(recording);

	result->refused = atomic_load(&shared->refused) || atomic_load(&shared->denied);
	result->foreign = atomic_load(&shared->foreign);
	result->refused_python = atomic_load(&shared->refused_python);
	result->loaded |= result->refused || result->foreign;
	result->duration_ns = session_now_ns(&recording->session);
	memcpy(result->lost, recording->lost, sizeof(result->lost));
	result->complete = !result->gave_up && !result->damage && !recording->first_error.code;
	tally = writer_tally(recording->writer);
	if (tally && !recording->options->sample_rate_bytes)
		result->peak_bytes = tally_totals(tally)->peak_bytes;
	writer_lost(recording->writer, recording->lost);
	result->events = writer_events(recording->writer);
	writer_time(recording->writer, result->duration_ns);
	result->bytes = writer_bytes(recording->writer);
	if (writer_close(recording->writer, result->complete, &recording->last_error) < 0) {
		result->cut = true;
		result->complete = false;
		recording_note(recording);
	}
	if (stat(result->output, &file) == 0) {
		if (S_ISREG(file.st_mode))
			result->bytes = (uint64_t)file.st_size;
	} else if (errno == ENOENT) {
		result->gone = true;
		result->complete = false;
		error_set(&recording->last_error, ERROR_FAILED,
			  "%s is gone: it was moved or removed while it was written",
			  result->output);
		recording_note(recording);
	}
}

static void recording_reap(struct recording *recording)
{
	int status;

	while (waitpid(recording->launch.pid, &status, 0) < 0 && errno == EINTR)
		;
}

/* Files that we open must not become the standard streams of a sonde that has none. */
static void recording_reserve_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int recording_run(const struct recording_options *options, struct recording_result *result,
		  struct error *err)
{
	struct recording recording = {.options = options, .result = result};
	int status;

	*result = (struct recording_result){.status = -1};
	recording_reserve_streams();
	status = launch_check(options->command[0], err);
	if (status < 0)
		return status;
	status = recording_open_session(&recording, err);
	if (status < 0)
		return status;
	recording.command = recording_join(options->command);
	census_init(&recording.census);
	signals_begin(&recording.signals);
	status = recording_launch(&recording, err);
	if (status == 0) {
		recording_loop(&recording);
		recording_finish(&recording);
		recording_reap(&recording);
		if (recording.first_error.code) {
			*err = recording.first_error;
			status = -err->code;
		}
	}
	signals_end(&recording.signals);
	census_deinit(&recording.census);
	session_close(&recording.session);
	free(recording.command);
	return status;
}
