#include "target/tasks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "target/proc.h"
#include "target/syscalls.h"
#include "target/tasks_text.h"

/* Descriptors that the rest of sonde finds free, however many threads there are. */
#define TASKS_SPARE_DESCRIPTORS 128

/* A thread's files below /proc, wherever the process is known by the same number: /proc/TID leads
 * to a thread too, though it is not listed. */
static int task_open(pid_t tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)tid, (int)tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The soft limit, moved up to the hard one when it is in the way. Only then: a program that sonde
 * starts inherits it. */
static rlim_t tasks_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

/* A descriptor to keep, or -1: it is opened anew each time then. */
static int tasks_keep(const struct target *target, pid_t tid, const char *name)
{
	static rlim_t most;
	char path[PROC_NAME_MAX];
	struct rlimit limit;
	int fd;

	if (!most && getrlimit(RLIMIT_NOFILE, &limit) == 0)
		most = limit.rlim_cur;
	snprintf(path, sizeof(path), "task/%d/%s", (int)tid, name);
	fd = proc_open(target, path);
	if ((fd < 0 && errno == EMFILE) ||
	    (fd >= 0 && (rlim_t)fd + TASKS_SPARE_DESCRIPTORS >= most)) {
		most = tasks_descriptors();
		if (fd < 0)
			fd = proc_open(target, path);
	}
	if (fd >= 0 && (rlim_t)fd + TASKS_SPARE_DESCRIPTORS >= most) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Reads a small file, kept open or not. Its length, or -1 with errno. */
static ssize_t task_read(const struct task *task, int fd, const char *name, char *text, size_t size)
{
	ssize_t length;

	if (fd >= 0) {
		length = pread(fd, text, size - 1, 0);
	} else {
		fd = task_open(task->tid, name);
		if (fd < 0)
			return -1;
		length = read(fd, text, size - 1);
		close(fd);
	}
	if (length >= 0)
		text[length] = 0;
	return length;
}

static bool task_read_stat(const struct task *task, struct proc_stat *stat)
{
	char text[1024];

	return task_read(task, -1, "stat", text, sizeof(text)) > 0 && proc_parse_stat(text, stat);
}

/* From the letter of its state: what can be known where the system call cannot. */
static void task_look_at_state(struct task *task)
{
	struct proc_stat stat;

	if (!task_read_stat(task, &stat)) {
		task->state = TASK_GONE;
		return;
	}
	switch (stat.state) {
	case 'R':
		task->state = TASK_RUNNING;
		break;
	case 'T':
	case 't':
		task->state = TASK_STOPPED;
		break;
	case 'Z':
	case 'X':
		task->state = TASK_GONE;
		break;
	default:
		task->state = TASK_BLOCKED;
		task->wait = WAIT_OTHER;
	}
}

/* "0x" and digits; *text moves behind them. */
static uint64_t parse_hex(const char **text)
{
	const char *at = *text;
	uint64_t value = 0;

	for (at += at[0] == '0' && at[1] == 'x' ? 2 : 0;; at++) {
		if (*at >= '0' && *at <= '9')
			value = value << 4 | (uint64_t)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			value = value << 4 | (uint64_t)(*at - 'a' + 10);
		else
			break;
	}
	*text = at;
	return value;
}

/* "NUMBER ARGUMENT.. STACK_POINTER COUNTER", or without arguments where there is no call. */
bool tasks_parse_syscall(const char *text, struct tasks_syscall *call)
{
	bool negative = *text == '-';
	uint64_t words[8];
	size_t count = 0;

	*call = (struct tasks_syscall){0};
	text += negative;
	if (*text < '0' || *text > '9')
		return false;
	while (*text >= '0' && *text <= '9' && call->number < 100000)
		call->number = call->number * 10 + (*text++ - '0');
	if (negative)
		call->number = -call->number;
	while (*text == ' ' && count < 8) {
		text++;
		words[count++] = parse_hex(&text);
	}
	if (count < 2)
		return true;
	call->stack_pointer = words[count - 2];
	for (size_t i = 0; i < count - 2; i++)
		call->arguments[i] = words[i];
	return true;
}

void task_look(struct task *task)
{
	bool may_be_stopped = !task->looked || task->state == TASK_STOPPED;
	struct tasks_syscall call;
	char text[256];
	ssize_t length;

	task->looked = true;
	task->wait = WAIT_NONE;
	task->syscall_argument = 0;
	task->stack_pointer = 0;
	if (task->no_syscall) {
		task_look_at_state(task);
		return;
	}
	length = task_read(task, task->syscall_fd, "syscall", text, sizeof(text));
	if (length < 0) {
		int errnum = errno;

		task_look_at_state(task);
		task->no_syscall = task->state != TASK_GONE && errnum != ESRCH;
		return;
	}
	if (!tasks_parse_syscall(text, &call)) {
		/* "running"; nothing if it has just ended */
		task->state = length ? TASK_RUNNING : TASK_GONE;
		return;
	}
	task->state = TASK_BLOCKED;
	if (call.number < 0 || may_be_stopped)
		task_look_at_state(task);
	if (task->state != TASK_BLOCKED)
		return;
	task->wait = syscalls_wait(&call);
	task->syscall_argument = call.arguments[0];
	task->stack_pointer = call.stack_pointer;
}

/* What schedstat would say, from files that every kernel has. */
static void task_look_at_switches(struct task *task)
{
	struct proc_stat stat;
	char text[8192];

	if (task_read_stat(task, &stat))
		task->cpu_ns = stat.cpu_ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
	if (task_read(task, -1, "status", text, sizeof(text)) > 0) {
		const char *given = proc_status_value(text, "voluntary_ctxt_switches:");
		const char *taken = proc_status_value(text, "nonvoluntary_ctxt_switches:");

		task->switches = (given ? strtoull(given, NULL, 10) : 0) +
				 (taken ? strtoull(taken, NULL, 10) : 0);
	}
}

bool tasks_parse_schedstat(const char *text, uint64_t *cpu_ns, uint64_t *switches)
{
	uint64_t values[3] = {0};

	for (int i = 0; i < 3; i++) {
		if (*text < '0' || *text > '9')
			return false;
		while (*text >= '0' && *text <= '9')
			values[i] = values[i] * 10 + (uint64_t)(*text++ - '0');
		text += *text == ' ';
	}
	*cpu_ns = values[0];
	*switches = values[2];
	return true;
}

void task_look_at_schedule(struct task *task)
{
	char text[96];
	ssize_t length;

	if (!task->no_schedstat) {
		length = task_read(task, task->schedstat_fd, "schedstat", text, sizeof(text));
		/* A kernel that does not count has three zeroes here. */
		if (length > 0 && tasks_parse_schedstat(text, &task->cpu_ns, &task->switches) &&
		    task->switches)
			return;
		task->no_schedstat = length > 0 || errno == ENOENT || errno == EACCES;
	}
	task_look_at_switches(task);
}

void task_name(const struct target *target, pid_t tid, char name[16])
{
	char path[PROC_NAME_MAX], text[64];
	ssize_t length;

	snprintf(path, sizeof(path), "task/%d/comm", (int)tid);
	length = proc_read(target, path, text, sizeof(text));
	name[0] = 0;
	if (length <= 0)
		return;
	text[strcspn(text, "\n")] = 0;
	snprintf(name, 16, "%.15s", text);
}

const char *task_wait_name(unsigned wait)
{
	static const char *const names[WAIT_END] = {
		[WAIT_NONE] = "none",       [WAIT_FUTEX] = "futex",   [WAIT_POLL] = "poll",
		[WAIT_SLEEP] = "sleep",     [WAIT_READ] = "read",     [WAIT_WRITE] = "write",
		[WAIT_NETWORK] = "network", [WAIT_CHILD] = "child",   [WAIT_FILE] = "file",
		[WAIT_OTHER] = "other",     [WAIT_KERNEL] = "kernel",
	};

	return wait < WAIT_END ? names[wait] : "unknown";
}

void tasks_init(struct tasks *tasks)
{
	*tasks = (struct tasks){0};
}

static void task_deinit(struct task *task)
{
	if (task->syscall_fd >= 0)
		close(task->syscall_fd);
	if (task->schedstat_fd >= 0)
		close(task->schedstat_fd);
}

void tasks_deinit(struct tasks *tasks)
{
	if (!tasks)
		return;
	for (size_t i = 0; i < tasks->count; i++)
		task_deinit(&tasks->items[i]);
	free(tasks->items);
	*tasks = (struct tasks){0};
}

static struct task task_begin(const struct target *target, pid_t tid)
{
	struct task task = {.tid = tid, .inner_tid = tid};

	if (target->inner_pid != target->pid) {
		char path[PROC_NAME_MAX], text[8192];
		pid_t inner = 0;

		snprintf(path, sizeof(path), "task/%d/status", (int)tid);
		if (proc_read(target, path, text, sizeof(text)) > 0)
			inner = proc_parse_inner_pid(text);
		task.inner_tid = inner ? inner : tid;
	}
	task.syscall_fd = tasks_keep(target, tid, "syscall");
	task.schedstat_fd = tasks_keep(target, tid, "schedstat");
	return task;
}

static int compare_tids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

/* The tids in order, to be freed; NULL if the process is gone. */
static pid_t *tasks_read_tids(const struct target *target, size_t *count)
{
	int fd = openat(target->folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	pid_t *tids = NULL;
	size_t room = 0;

	*count = 0;
	if (!folder) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((entry = readdir(folder))) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		if (*count == room) {
			room = room ? room * 2 : 64;
			tids = reallocarray(tids, room, sizeof(*tids));
			if (!tids)
				abort();
		}
		tids[(*count)++] = (pid_t)tid;
	}
	closedir(folder);
	if (*count)
		qsort(tids, *count, sizeof(*tids), compare_tids);
	return tids;
}

bool tasks_list(const struct target *target, struct tasks *tasks)
{
	size_t count, old = 0;
	struct task *items;
	pid_t *tids;

	/* One that has ended still lists its first thread, until its parent has asked. */
	tids = target_is_alive(target) ? tasks_read_tids(target, &count) : NULL;
	if (!tids)
		return false;
	items = calloc(count, sizeof(*items));
	if (!items)
		abort();
	for (size_t i = 0; i < count; i++) {
		while (old < tasks->count && tasks->items[old].tid < tids[i])
			task_deinit(&tasks->items[old++]);
		/* One that was seen to be gone is another now that has its number. */
		if (old < tasks->count && tasks->items[old].tid == tids[i] &&
		    !(tasks->items[old].looked && tasks->items[old].state == TASK_GONE))
			items[i] = tasks->items[old++];
		else
			items[i] = task_begin(target, tids[i]);
	}
	while (old < tasks->count)
		task_deinit(&tasks->items[old++]);
	free(tasks->items);
	free(tids);
	tasks->items = items;
	tasks->count = tasks->room = count;
	return true;
}
