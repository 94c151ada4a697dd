#include "target/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/proc.h"

/*
 *                 seize                interrupt, stop            detach
 *     untraced ----------> seized -----------------------> stopped ------> untraced
 *                             |                               |
 *                             | does not stop in time         | killed
 *                             v                               v
 *                           owed ---- stops, ends ----> untraced
 *
 * Invariants:
 *
 *   1. The kernel lets go of a thread when the thread that traces it ends, so nothing that sonde
 *      does not do can leave a thread stopped.
 *   2. A stop is looked at, never taken (WNOWAIT): the kernel would forget the signal that a thread
 *      stopped to receive, which is lost then if sonde is killed before it hands the signal on.
 *   3. The end of a traced thread is taken: a process does not end before its tracer knows.
 *   4. What is seized is let go of by pause_end, or is owed. What is owed is let go of by the first
 *      call of this file that finds it stopped or ended.
 *   5. A thread is not seized while it is in uninterruptible sleep. What is owed is therefore on a
 *      busy machine's run queue for longer than a pause waits, or fell asleep so between the look
 *      at it and the stop.
 *
 * The thread that the kernel knows as the tracer is the one that calls, so what is owed is kept per
 * thread.
 */

#define PAUSE_WAIT_NS  (5 * 1000 * 1000LL)
#define PAUSE_YIELD_NS (60 * 1000LL) /* most threads stop within this */
#define PAUSE_SLEEP_NS (50 * 1000LL)
#define PAUSE_OWED_MAX 64

/* PTRACE_EVENT_STOP, which libc's header and the kernel's have each, and not together. */
#define PAUSE_EVENT_STOP 128

enum pause_seen {
	SEEN_NOTHING,
	SEEN_STOP,
	SEEN_END,
	SEEN_OTHER, /* the number is of no thread that we trace */
};

static _Thread_local struct {
	pid_t tids[PAUSE_OWED_MAX];
	size_t count;
} owed;

static long long pause_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* /proc/TID/status; false if there is none. */
static bool pause_read_status(pid_t tid, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = proc_read_fd(fd, text, size);
	close(fd);
	return length > 0;
}

static bool pause_status_is(const char *status, const char *key, long number)
{
	const char *value = proc_status_value(status, key);

	return value && strtol(value, NULL, 10) == number;
}

/* The end of a program that sonde has started is for who started it. */
static void pause_take_end(pid_t tid)
{
	char status[8192];

	if (!pause_read_status(tid, status, sizeof(status)) ||
	    !pause_status_is(status, "PPid:", getpid()) || !pause_status_is(status, "Tgid:", tid))
		waitpid(tid, NULL, WNOHANG | __WALL);
}

/* Looks once. Of a stop, *code: the signal, and the event above it. */
static enum pause_seen pause_see(pid_t tid, int *code)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
		return SEEN_OTHER;
	if (info.si_pid != tid) {
		/* Another thread of sonde that waits for a child may have taken the stop. */
		if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) < 0)
			return SEEN_NOTHING;
		*code = info.si_code == (info.si_signo | PAUSE_EVENT_STOP << 8) ? info.si_code
										: info.si_signo;
		return SEEN_STOP;
	}
	if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
		*code = info.si_status;
		return SEEN_STOP;
	}
	pause_take_end(tid);
	return SEEN_END;
}

/* Looks until there is something to see, or for a few milliseconds. */
static enum pause_seen pause_wait(pid_t tid, int *code)
{
	const struct timespec nap = {.tv_nsec = PAUSE_SLEEP_NS};
	long long begun_ns = pause_now_ns(), waited_ns;
	enum pause_seen seen;

	while ((seen = pause_see(tid, code)) == SEEN_NOTHING) {
		waited_ns = pause_now_ns() - begun_ns;
		if (waited_ns > PAUSE_WAIT_NS)
			break;
		if (waited_ns < PAUSE_YIELD_NS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	return seen;
}

static bool pause_is_group_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* What is handed on when a thread that stopped so is let go of. */
static int pause_signal_of(int code)
{
	return code >> 8 ? 0 : code;
}

static void pause_owe(pid_t tid)
{
	if (owed.count < PAUSE_OWED_MAX)
		owed.tids[owed.count++] = tid;
}

/* Whether it is seized already; it is owed no more then. */
static bool pause_take_owed(pid_t tid)
{
	for (size_t i = 0; i < owed.count; i++) {
		if (owed.tids[i] == tid) {
			owed.tids[i] = owed.tids[--owed.count];
			return true;
		}
	}
	return false;
}

/* The letter of the thread's state, 0 if there is no such thread. */
static char pause_state(pid_t tid)
{
	char path[64], text[1024];
	struct proc_stat stat;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)tid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = proc_read_fd(fd, text, sizeof(text));
	close(fd);
	return length > 0 && proc_parse_stat(text, &stat) ? stat.state : 0;
}

static bool pause_is_ours(pid_t tid)
{
	char status[8192];

	return pause_read_status(tid, status, sizeof(status)) &&
	       pause_status_is(status, "TracerPid:", (long)syscall(SYS_gettid));
}

/*
 * A thread other than the first that calls exec takes the number of its process over, and takes us
 * along: it is found by its tracer. 0: no such process.
 */
static pid_t pause_find_successor(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (folder && !found && (entry = readdir(folder))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		bool known = false;

		for (size_t i = 0; i < owed.count; i++)
			known = known || owed.tids[i] == pid;
		if (pid > 0 && !known && pause_is_ours(pid))
			found = pid;
	}
	if (folder)
		closedir(folder);
	return found;
}

/* The thread is not what it was: it is over for it, and what was seized is owed. */
static void pause_owe_successor(void)
{
	pid_t pid = pause_find_successor();

	if (pid)
		pause_owe(pid);
}

bool pause_settle(void)
{
	for (size_t i = 0; i < owed.count;) {
		pid_t tid = owed.tids[i];
		int code;
		enum pause_seen seen = pause_see(tid, &code);

		if (seen == SEEN_NOTHING ||
		    (seen == SEEN_STOP &&
		     ptrace(PTRACE_DETACH, tid, NULL, (long)pause_signal_of(code)) < 0)) {
			i++;
			continue;
		}
		owed.tids[i] = owed.tids[--owed.count];
		if (seen == SEEN_OTHER)
			pause_owe_successor();
	}
	return owed.count == 0;
}

/* Lets go of what is on its way to a stop or to its end, or owes it. */
static void pause_let_go(pid_t tid)
{
	int code;

	switch (pause_wait(tid, &code)) {
	case SEEN_END:
		return;
	case SEEN_OTHER:
		tid = pause_find_successor();
		if (!tid)
			return;
		pause_wait(tid, &code);
		break;
	case SEEN_STOP:
	case SEEN_NOTHING:
		break;
	}
	pause_owe(tid);
	pause_settle();
}

/* Makes it ours and asks it to stop. */
static enum pause_result pause_seize(pid_t tid)
{
	char state = pause_state(tid);

	if (state == 'D' || owed.count == PAUSE_OWED_MAX)
		return PAUSE_LATE;
	if (!state || state == 'Z' || state == 'X')
		return PAUSE_GONE;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		state = errno == ESRCH ? 0 : pause_state(tid);
		return !state || state == 'Z' || state == 'X' ? PAUSE_GONE : PAUSE_DENIED;
	}
	/* It fails only where the thread has ended. */
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return PAUSE_STOPPED;
}

enum pause_result pause_begin(pid_t tid, struct pause *pause)
{
	enum pause_result result;
	int code = 0;

	*pause = (struct pause){.tid = tid};
	if (!pause_take_owed(tid)) {
		pause_settle();
		result = pause_seize(tid);
		if (result != PAUSE_STOPPED)
			return result;
	}
	switch (pause_wait(tid, &code)) {
	case SEEN_NOTHING:
		pause_owe(tid);
		return PAUSE_LATE;
	case SEEN_END:
		return PAUSE_GONE;
	case SEEN_OTHER:
		pause_let_go(tid);
		return PAUSE_GONE;
	case SEEN_STOP:
		break;
	}
	pause->signal = pause_signal_of(code);
	pause->was_stopped = code >> 8 == PAUSE_EVENT_STOP && pause_is_group_stop(code & 0xff);
	return PAUSE_STOPPED;
}

void pause_end(struct pause *pause)
{
	if (!pause->tid)
		return;
	/* It was killed while it was stopped, and is on its way out. */
	if (ptrace(PTRACE_DETACH, pause->tid, NULL, (long)pause->signal) < 0)
		pause_let_go(pause->tid);
	pause->tid = 0;
}
