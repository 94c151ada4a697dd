#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/reader.h"
#include "collector/recording.h"

static const char *target; /* the program of test_target.c */
static char folder[64];
static char output[128];

static struct recording_options options_of(const char **command)
{
	return (struct recording_options){
		.command = command,
		.command_line = command,
		.sonde_version = "test",
		.output = output,
		.replace = true,
	};
}

/* Records the target with these arguments; the capture is at `output`. */
static struct recording_result record(const char *what, const char *argument)
{
	const char *command[] = {target, what, argument, NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct error err = {0};
	int status = recording_run(&options, &result, &err);

	if (status < 0)
		print_message("%s\n", err.message);
	assert_int_equal(status, 0);
	assert_true(result.launched);
	assert_string_equal(result.output, output);
	return result;
}

/* What a capture says, summed up. */
struct contents {
	struct capture_reader *reader;
	uint64_t allocs, frees, live_bytes;
	struct event last;
};

static struct contents read_back(const char *path)
{
	static struct event events[1024];
	static uint64_t sizes[1 << 22];
	struct contents contents = {0};
	struct error err = {0};
	size_t count;

	assert_int_equal(reader_open(path, &contents.reader, &err), 0);
	while ((count = reader_events(contents.reader, events, 1024)) > 0) {
		for (size_t i = 0; i < count; i++) {
			const struct event *event = &events[i];

			assert_true(event->slot < 1 << 22);
			if (event->kind == EVENT_ALLOC) {
				contents.allocs++;
				sizes[event->slot] = event->bytes;
				contents.live_bytes += event->bytes;
			} else if (event->kind == EVENT_FREE) {
				contents.frees++;
				contents.live_bytes -= sizes[event->slot];
			}
			contents.last = *event;
		}
	}
	assert_null(reader_damage(contents.reader));
	return contents;
}

static uint64_t events_in(const char *path)
{
	struct contents contents = read_back(path);
	uint64_t events = reader_event_count(contents.reader);

	assert_int_equal(events, contents.allocs + contents.frees);
	reader_close(contents.reader);
	return events;
}

static void test_simple(void **state)
{
	struct recording_result result = record("simple", NULL);
	struct contents contents = read_back(output);
	const struct capture_process_info *process;
	const struct capture_frame *frame;
	stack_id parent;
	frame_id id;

	(void)state;
	assert_true(WIFEXITED(result.status));
	assert_int_equal(recording_exit_status(result.status), 3);
	assert_true(result.complete && result.loaded);
	assert_int_equal(result.processes, 1);
	assert_int_equal(result.events, 1500);
	assert_int_equal(result.damage, 0);
	assert_true(result.bytes > 0);

	assert_true(reader_complete(contents.reader));
	assert_int_equal(contents.allocs, 1000);
	assert_int_equal(contents.frees, 500);
	assert_int_equal(contents.live_bytes, 50000);
	assert_int_equal(reader_process_count(contents.reader), 1);
	process = reader_process(contents.reader, 1);
	assert_non_null(strstr(process->start.command, "simple"));
	assert_string_equal(process->start.python_version, "3.12.1");
	assert_string_equal(process->start.python_allocator, "pymalloc");
	assert_int_equal(process->exit_status, result.status);
	assert_int_equal(reader_thread_count(contents.reader), 1);
	assert_int_equal(reader_thread(contents.reader, 1)->tid, process->start.pid);

	/* Block number 1,000 was the last that was allocated and stayed. */
	assert_int_equal(reader_stack_count(contents.reader), 1);
	reader_stack(contents.reader, 1, &parent, &id);
	frame = reader_frame(contents.reader, id);
	assert_int_equal(parent, 0);
	assert_string_equal(frame->function, "main");
	assert_string_equal(frame->file, "main.py");
	assert_int_equal(frame->line, 7);
	reader_close(contents.reader);
}

static void test_early(void **state)
{
	struct recording_result result = record("early", NULL);
	struct contents contents = read_back(output);

	(void)state;
	assert_int_equal(result.events, 30);
	assert_string_equal(reader_process(contents.reader, 1)->start.python_version, "3.12.1");
	assert_string_equal(reader_process(contents.reader, 1)->start.python_allocator, "pymalloc");
	/* Waiting did not make the events younger: 30 naps of 1 ms, before 20 ms more. */
	assert_true(reader_duration_ns(contents.reader) - contents.last.time_ns >= 15000000);
	reader_close(contents.reader);
}

static void test_aggregate(void **state)
{
	const char *command[] = {target, "simple", NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	const struct tally_row *rows;
	struct contents contents;
	struct error err = {0};

	(void)state;
	options.mode = CAPTURE_AGGREGATE;
	options.temporary_threshold = 1;
	assert_int_equal(recording_run(&options, &result, &err), 0);
	assert_int_equal(result.peak_bytes, 100000);
	contents = read_back(output);
	assert_int_equal(contents.allocs, 0);
	assert_int_equal(reader_rows(contents.reader, &rows), 1);
	assert_int_equal(rows[0].total.count, 1000);
	assert_int_equal(rows[0].live.bytes, 50000);
	assert_int_equal(rows[0].peak.bytes, 100000);
	reader_close(contents.reader);

	/* The sums of a sample are nobody's peak. */
	options.sample_rate_bytes = 1;
	assert_int_equal(recording_run(&options, &result, &err), 0);
	assert_int_equal(result.peak_bytes, 0);
}

/* SIGKILL of the target loses nothing that it had done. */
static void test_target_killed(void **state)
{
	struct recording_result result = record("kill", NULL);
	struct contents contents = read_back(output);

	(void)state;
	assert_true(WIFSIGNALED(result.status));
	assert_int_equal(recording_exit_status(result.status), 128 + SIGKILL);
	assert_true(result.complete);
	assert_true(reader_complete(contents.reader));
	assert_int_equal(contents.allocs, 1000);
	assert_int_equal(contents.frees, 500);
	assert_int_equal(reader_process(contents.reader, 1)->exit_status, SIGKILL);
	reader_close(contents.reader);
}

/* A process that runs another program is two images, and the status is the last one's. */
static void test_exec(void **state)
{
	struct recording_result result = record("exec", "1");
	struct contents contents = read_back(output);

	(void)state;
	assert_int_equal(recording_exit_status(result.status), 3);
	assert_int_equal(result.processes, 2);
	assert_int_equal(contents.allocs, 1010);
	assert_int_equal(reader_process_count(contents.reader), 2);
	assert_int_equal(reader_process(contents.reader, 1)->start.pid,
			 reader_process(contents.reader, 2)->start.pid);
	assert_int_equal(reader_process(contents.reader, 1)->exit_status, -1);
	assert_int_equal(reader_process(contents.reader, 2)->exit_status, 3 << 8);
	reader_close(contents.reader);
}

/* Images come and go faster than sonde looks; places are given out again all the time. */
static void test_exec_chains(void **state)
{
	struct recording_result result = record("crowd", "8");
	struct contents contents = read_back(output);

	(void)state;
	assert_true(result.complete);
	assert_false(result.refused);
	assert_int_equal(result.damage, 0);
	assert_int_equal(result.processes, 8 * 31);
	assert_int_equal(contents.allocs, 8 * (30 * 10 + 1000));
	assert_int_equal(contents.frees, 8 * 500);
	reader_close(contents.reader);
}

/* The recording lasts as long as anyone records; the status is the target's. */
static void test_child_lives_on(void **state)
{
	struct recording_result result = record("fork", NULL);
	struct contents contents = read_back(output);

	(void)state;
	assert_int_equal(recording_exit_status(result.status), 3);
	assert_int_equal(result.processes, 2);
	assert_true(result.complete);
	assert_int_equal(contents.allocs, 1050);
	reader_close(contents.reader);
}

static unsigned waited_for;

static void wait_said(unsigned processes)
{
	waited_for += processes;
}

/* sonde waits for what the target left behind, says so, and can be told not to. */
static void test_told_to_end(void **state)
{
	const char *command[] = {target, "leave", NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct error err = {0};

	(void)state;
	options.waiting = wait_said;
	alarm(20);
	assert_int_equal(recording_run(&options, &result, &err), 0);
	alarm(0);
	assert_int_equal(recording_exit_status(result.status), 4);
	assert_int_equal(waited_for, 1);
	assert_int_equal(result.left, 1);
	assert_int_equal(result.processes, 1);
	assert_true(result.complete && !result.gave_up);
	assert_int_equal(events_in(output), 1);
}

static void test_many_threads(void **state)
{
	struct recording_result result = record("threads", "4000");
	struct contents contents = read_back(output);
	bool named = false;

	(void)state;
	assert_int_equal(result.lost[LOST_THREADS], 0);
	assert_int_equal(contents.allocs, 40010);
	assert_int_equal(contents.live_bytes, 0);
	for (uint32_t i = 1; i <= reader_thread_count(contents.reader); i++)
		named |= strcmp(reader_thread(contents.reader, i)->name, "worker") == 0;
	assert_true(named);
	reader_close(contents.reader);
}

static void test_agent_outcomes(void **state)
{
	struct recording_result result = record("nothing", NULL);

	(void)state;
	assert_int_equal(recording_exit_status(result.status), 42);
	assert_false(result.loaded);
	assert_int_equal(result.processes, 0);

	result = record("armed", NULL);
	assert_true(result.loaded);
	assert_int_equal(result.processes, 0);
	assert_true(result.complete);

	result = record("done", NULL);
	assert_int_equal(result.processes, 1);
	assert_true(result.complete && !result.gave_up);

	result = record("gave-up", NULL);
	assert_true(result.gave_up && !result.complete);
	assert_int_equal(result.events, 1);
}

/* A process whose maps nobody may read (but root) is recorded to its end all the same. */
static void test_undumpable(void **state)
{
	struct recording_result result = record("undumpable", NULL);

	(void)state;
	assert_int_equal(result.events, 100);
	assert_true(result.complete);
}

static void test_hostile_target(void **state)
{
	struct recording_result result;

	(void)state;
	alarm(60);
	result = record("hostile", NULL);
	alarm(0);
	assert_int_equal(recording_exit_status(result.status), 0);
	assert_true(result.damage > 0);
	assert_false(result.complete);
}

static void test_rss_and_memory(void **state)
{
	struct recording_result result = record("sleep", "400");
	struct contents contents = read_back(output);
	const struct capture_rss *samples;

	(void)state;
	assert_true(reader_rss(contents.reader, &samples) > 0);
	assert_true(samples[0].bytes > 100000);
	assert_true(result.peak_rss_bytes >= samples[0].bytes);
	assert_true(reader_process(contents.reader, 1)->memory.rss > 100000);
	assert_true(reader_process(contents.reader, 1)->memory.own_rss > 0);
	assert_true(reader_duration_ns(contents.reader) >= 400000000);
	reader_close(contents.reader);
}

/* Before the target has run: an error, no target, no file. */
static void test_cannot_run(void **state)
{
	const char *missing[] = {"no-such-program-anywhere", NULL};
	const char *folder_as_program[] = {folder, NULL};
	const char *broken[] = {output, NULL};
	char capture[160];
	struct recording_options options;
	struct recording_result result;
	struct error err = {0};
	struct stat file;

	(void)state;
	snprintf(capture, sizeof(capture), "%s/none.sonde", folder);
	options = options_of(missing);
	options.output = capture;
	assert_int_equal(recording_run(&options, &result, &err), -ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "no-such-program-anywhere"));
	options.command = folder_as_program;
	assert_int_equal(recording_run(&options, &result, &err), -ERROR_NOT_EXECUTABLE);
	assert_int_equal(stat(capture, &file), -1);

	/* Executable by its mode, but no program: only exec can tell. */
	unlink(output);
	assert_int_equal(symlink("/proc/self/mem", output), 0);
	options.command = broken;
	assert_true(recording_run(&options, &result, &err) < 0);
	assert_false(result.launched);
	assert_int_equal(stat(capture, &file), -1);
	unlink(output);
}

static void test_interpreter_is_missing(void **state)
{
	char script[160], capture[160];
	const char *command[] = {script, NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct error err = {0};
	struct stat file;
	int fd;

	(void)state;
	snprintf(script, sizeof(script), "%s/script", folder);
	snprintf(capture, sizeof(capture), "%s/none.sonde", folder);
	fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(write(fd, "#!/nowhere/python\n", 18) == 18);
	close(fd);
	options.output = capture;
	assert_int_equal(recording_run(&options, &result, &err), -ERROR_NOT_FOUND);
	assert_false(result.launched);
	assert_int_equal(stat(capture, &file), -1);
	unlink(script);
}

static void test_cannot_write(void **state)
{
	char trace[160], capture[160];
	const char *command[] = {target, "status", trace, NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct error err = {0};
	struct stat file;

	(void)state;
	snprintf(trace, sizeof(trace), "%s/trace", folder);
	snprintf(capture, sizeof(capture), "%s/nowhere/x.sonde", folder);
	options.output = capture;
	assert_true(recording_run(&options, &result, &err) < 0);
	assert_false(result.launched);
	assert_int_equal(stat(trace, &file), -1);
	/* Nor where a file is that must stay. */
	options.output = output;
	options.replace = false;
	record("simple", NULL);
	assert_true(recording_run(&options, &result, &err) < 0);
	assert_false(result.launched);
	assert_int_equal(stat(trace, &file), -1);
	assert_int_equal(events_in(output), 1500);
}

static char *output_for(pid_t pid, void *data)
{
	char *path;

	assert_true(pid > 0);
	return asprintf(&path, "%s/%d.sonde", (const char *)data, (int)pid) < 0 ? NULL : path;
}

static void test_output_for_pid(void **state)
{
	const char *command[] = {target, "simple", NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct contents contents;
	struct error err = {0};
	char expected[160];

	(void)state;
	options.output = NULL;
	options.output_for = output_for;
	options.output_data = folder;
	assert_int_equal(recording_run(&options, &result, &err), 0);
	contents = read_back(result.output);
	snprintf(expected, sizeof(expected), "%s/%u.sonde", folder,
		 reader_process(contents.reader, 1)->start.pid);
	assert_string_equal(result.output, expected);
	reader_close(contents.reader);
	unlink(result.output);
}

/* The disk is full in the middle: the target runs to its end, the file reads up to its last
 * chunk. */
static void test_disk_full(void **state)
{
	const char *command[] = {target, "random", "300000", NULL};
	struct recording_options options = options_of(command);
	struct rlimit before, limit;
	struct recording_result result;
	struct contents contents;
	struct error err = {0};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 600000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_true(recording_run(&options, &result, &err) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(result.launched);
	assert_true(result.cut && !result.complete);
	assert_int_equal(recording_exit_status(result.status), 5);
	assert_true(err.message[0] != 0);

	contents = read_back(output);
	assert_true(contents.allocs > 1000);
	assert_true(contents.allocs < 300000);
	assert_false(reader_complete(contents.reader));
	reader_close(contents.reader);
}

static void test_capture_is_removed(void **state)
{
	const char *command[] = {"/bin/rm", output, NULL};
	struct recording_options options = options_of(command);
	struct recording_result result;
	struct error err = {0};

	(void)state;
	assert_true(recording_run(&options, &result, &err) < 0);
	assert_true(result.launched && result.gone);
	assert_false(result.complete);
	assert_int_equal(recording_exit_status(result.status), 0);
	assert_non_null(strstr(err.message, "is gone"));
}

/* Runs a recording in a process of its own. */
static pid_t record_apart(const char *what, const char *argument)
{
	pid_t pid = fork();

	if (pid == 0) {
		const char *command[] = {target, what, argument, NULL};
		struct recording_options options = options_of(command);
		struct recording_result result;
		struct error err = {0};

		if (recording_run(&options, &result, &err) < 0)
			_exit(err.code);
		_exit(recording_exit_status(result.status));
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static bool runs(pid_t pid, const char *what)
{
	char path[64], text[4096] = "";
	FILE *file;
	size_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "r");
	if (file) {
		bytes = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	return memmem(text, bytes, what, strlen(what)) != NULL;
}

static bool child_runs(pid_t pid, const char *what)
{
	char path[64];
	int child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%d", &child) != 1)
		child = 0;
	fclose(file);
	return child && runs(child, what);
}

/* Until the program that a recording has started is itself. */
static void wait_for_target(pid_t pid, const char *what)
{
	for (int i = 0; i < 3000 && !child_runs(pid, what); i++)
		usleep(10000);
	usleep(300000);
}

static void test_forwards_signals(void **state)
{
	pid_t pid = record_apart("signal", NULL);
	int status;

	(void)state;
	wait_for_target(pid, "signal");
	kill(pid, SIGTERM);
	status = wait_for(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(events_in(output), 2);
}

/* SIGKILL of sonde: the file reads up to some moment before, and the target runs on. */
static void test_sonde_killed(void **state)
{
	pid_t pid = record_apart("forever", NULL);
	struct contents contents;
	pid_t survivor;

	(void)state;
	usleep(1200000);
	kill(pid, SIGKILL);
	wait_for(pid);
	contents = read_back(output);
	survivor = (pid_t)reader_process(contents.reader, 1)->start.pid;
	assert_int_equal(kill(survivor, 0), 0);
	kill(survivor, SIGKILL);
	assert_false(reader_complete(contents.reader));
	assert_true(contents.allocs > 1000);
	/* Not older than the sealing interval and what one round may take. */
	assert_true(contents.last.time_ns > 600000000);
	reader_close(contents.reader);
}

/* memfd_create answers EPERM from here on, as under a strict seccomp profile. */
static void deny_memory_files(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(0);
}

static void limit_address_space(void)
{
	struct rlimit limit = {.rlim_cur = 256u << 20, .rlim_max = 256u << 20};

	setrlimit(RLIMIT_AS, &limit);
}

static void limit_file_size(void)
{
	struct rlimit limit = {.rlim_cur = 1u << 20, .rlim_max = 1u << 20};

	setrlimit(RLIMIT_FSIZE, &limit);
}

/* What recording says under a restriction, 0 if the way out is not named. */
static int refusal(void (*restrict_me)(void), const char *way_out)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const char *command[] = {target, "simple", NULL};
		struct recording_options options = options_of(command);
		struct recording_result result;
		struct error err = {0};

		restrict_me();
		if (recording_run(&options, &result, &err) == 0 || result.launched ||
		    !strstr(err.message, way_out))
			_exit(0);
		_exit(err.code);
	}
	status = wait_for(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_denied(void **state)
{
	struct stat file;

	(void)state;
	unlink(output);
	assert_int_equal(refusal(deny_memory_files, "seccomp"), ERROR_UNSUPPORTED);
	assert_int_equal(refusal(limit_file_size, "ulimit -f"), ERROR_UNSUPPORTED);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_int_equal(refusal(limit_address_space, "ulimit -v"), ERROR_UNSUPPORTED);
#else
	(void)limit_address_space; /* a sanitizer's shadow is larger than any limit */
#endif
	assert_int_equal(stat(output, &file), -1);
}

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	assert_true(length > 0);
	text[length] = 0;
	close(fd);
	unlink(path);
}

/* The target is as if sonde were not there: mask, dispositions, descriptors, environment. */
static void test_transparent(void **state)
{
	char trace[160], plain[4096], recorded[4096];
	char *fd_line;
	pid_t pid;

	(void)state;
	snprintf(trace, sizeof(trace), "%s/trace", folder);
	setenv("TEST_VALUE", "a b=c", 1);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		execl(target, target, "status", trace, NULL);
		_exit(1);
	}
	assert_int_equal(wait_for(pid), 0);
	read_text(trace, plain, sizeof(plain));
	record("status", trace);
	read_text(trace, recorded, sizeof(recorded));
	signal(SIGUSR2, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_string_equal(recorded, plain);
	fd_line = strstr(plain, "next fd");
	assert_non_null(fd_line);
}

/* A caller that ignores its children still gets the target's status. */
static void test_ignored_children(void **state)
{
	struct recording_result result;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	result = record("nothing", NULL);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(recording_exit_status(result.status), 42);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_aggregate),
		cmocka_unit_test(test_target_killed),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_chains),
		cmocka_unit_test(test_child_lives_on),
		cmocka_unit_test(test_told_to_end),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_agent_outcomes),
		cmocka_unit_test(test_undumpable),
		cmocka_unit_test(test_hostile_target),
		cmocka_unit_test(test_rss_and_memory),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_interpreter_is_missing),
		cmocka_unit_test(test_cannot_write),
		cmocka_unit_test(test_output_for_pid),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_capture_is_removed),
		cmocka_unit_test(test_forwards_signals),
		cmocka_unit_test(test_sonde_killed),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_transparent),
		cmocka_unit_test(test_ignored_children),
	};
	int failed;

	if (argc < 2)
		return 77;
	target = argv[1];
	snprintf(folder, sizeof(folder), "/tmp/sonde-test-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(output, sizeof(output), "%s/capture.sonde", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(output);
	rmdir(folder);
	return failed;
}
