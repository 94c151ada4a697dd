#include "target/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "target/container.h"
#include "target/permission.h"
#include "target/proc.h"

#define TARGET_COMMAND_MAX 65536u

static int target_no_process(pid_t pid, struct error *err)
{
	if (access("/proc/self/stat", F_OK) != 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "cannot look at %d: /proc is not mounted here; do: mount -t proc "
				 "proc /proc",
				 (int)pid);
	/* A /proc that hides the processes of others hides them altogether. */
	if (kill(pid, 0) == 0 || errno == EPERM)
		return permission_error(pid, "look at", err);
	switch (container_find()) {
	case CONTAINER_DOCKER:
		return error_set(err, ERROR_NOT_FOUND,
				 "there is no process %d in this container; for those outside: "
				 "docker run --pid=host .. or --pid=container:NAME",
				 (int)pid);
	case CONTAINER_KUBERNETES:
		return error_set(err, ERROR_NOT_FOUND,
				 "there is no process %d in this container; for those of other "
				 "containers of the pod: shareProcessNamespace: true",
				 (int)pid);
	default:
		return error_set(err, ERROR_NOT_FOUND, "there is no process %d", (int)pid);
	}
}

/* The class of the executable: what cannot be looked at is taken to be of this machine's. */
static bool target_is_32_bit(const struct target *target)
{
	unsigned char ident[EI_NIDENT];
	char buffer[PROC_NAME_MAX];
	int fd = proc_open(target, proc_memory_name(target, "exe", buffer));
	bool is_32_bit;

	if (fd < 0)
		return false;
	is_32_bit = pread(fd, ident, sizeof(ident), 0) == sizeof(ident) &&
		    memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS32;
	close(fd);
	return is_32_bit;
}

static int target_identify(struct target *target, struct error *err)
{
	char status[8192];
	struct proc_stat stat;
	const char *group;
	pid_t leader;

	if (proc_read(target, "status", status, sizeof(status)) <= 0 ||
	    !proc_read_stat(target, "stat", &stat))
		return target_no_process(target->pid, err);
	group = proc_status_value(status, "Tgid:");
	leader = group ? (pid_t)strtol(group, NULL, 10) : target->pid;
	if (leader != target->pid)
		return error_set(err, ERROR_NOT_FOUND,
				 "%d is a thread of process %d; give that number", (int)target->pid,
				 (int)leader);
	if (proc_stat_is_over(&stat))
		return error_set(err, ERROR_NOT_FOUND, "process %d has ended", (int)target->pid);
	target->start_ticks = stat.start_ticks;
	target->inner_pid = proc_parse_inner_pid(status);
	if (!target->inner_pid)
		target->inner_pid = target->pid;
	if (target_is_32_bit(target))
		return error_set(err, ERROR_UNSUPPORTED,
				 "process %d is a 32-bit program, which sonde does not understand",
				 (int)target->pid);
	return 0;
}

int target_open(pid_t pid, struct target **out, struct error *err)
{
	struct target *target;
	char path[32];
	int status;

	*out = NULL;
	if (pid <= 0)
		return error_set(err, ERROR_NOT_FOUND, "there is no process %d", (int)pid);
	target = calloc(1, sizeof(*target));
	if (!target)
		abort();
	target->memory = calloc(1, sizeof(*target->memory));
	if (!target->memory)
		abort();
	*target->memory = (struct target_memory){.tid = pid, .fd = -1};
	target->pid = pid;
	target->pidfd = -1;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	target->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->folder < 0 && (errno == EMFILE || errno == ENFILE)) {
		status = error_set_errno(err, ERROR_FAILED, errno, "cannot open %s", path);
	} else if (target->folder < 0) {
		status = target_no_process(pid, err);
	} else {
		/* While the folder still tells of a process, both are of the same one. */
		target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		status = target_identify(target, err);
	}
	if (status < 0) {
		target_close(target);
		return status;
	}
	*out = target;
	return 0;
}

void target_close(struct target *target)
{
	if (!target)
		return;
	if (target->pidfd >= 0)
		close(target->pidfd);
	if (target->folder >= 0)
		close(target->folder);
	if (target->memory->fd >= 0)
		close(target->memory->fd);
	free(target->memory);
	free(target);
}

pid_t target_pid(const struct target *target)
{
	return target->pid;
}

pid_t target_inner_pid(const struct target *target)
{
	return target->inner_pid;
}

uint64_t target_start_ticks(const struct target *target)
{
	return target->start_ticks;
}

bool target_is_alive(const struct target *target)
{
	struct pollfd ended = {.fd = target->pidfd, .events = POLLIN};
	struct proc_stat stat;

	if (target->pidfd >= 0)
		return poll(&ended, 1, 0) <= 0;
	return proc_read_stat(target, "stat", &stat) && !proc_stat_is_over(&stat);
}

pid_t target_parent(const struct target *target)
{
	struct proc_stat stat;

	return proc_read_stat(target, "stat", &stat) ? stat.parent : 0;
}

uint64_t target_image(const struct target *target)
{
	char name[PROC_NAME_MAX], vector[4096];
	ssize_t length =
		proc_read(target, proc_memory_name(target, "auxv", name), vector, sizeof(vector));
	uint64_t hash = 14695981039346656037ull;

	/* Addresses of the program, the dynamic linker, the vdso and the first stack. */
	for (ssize_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)vector[i]) * 1099511628211ull;
	return length > 0 ? hash : 0;
}

uint64_t target_age_ns(const struct target *target)
{
	struct timespec now;
	double age;

	clock_gettime(CLOCK_BOOTTIME, &now);
	age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
	      (double)target->start_ticks / (double)sysconf(_SC_CLK_TCK);
	return age > 0 ? (uint64_t)(age * 1e9) : 0;
}

uint64_t target_rss_bytes(const struct target *target)
{
	const char *name = "statm";
	char buffer[PROC_NAME_MAX], text[128];
	uint64_t pages = 0;

	for (int round = 0; round < 2 && !pages; round++) {
		const char *resident;

		/* One whose first thread has ended has none under its own number. */
		if (round)
			name = proc_memory_name(target, name, buffer);
		if (proc_read(target, name, text, sizeof(text)) <= 0)
			return 0;
		resident = strchr(text, ' ');
		pages = resident ? strtoull(resident, NULL, 10) : 0;
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int target_open_file(const struct target *target, const char *name)
{
	char buffer[PROC_NAME_MAX];

	return proc_open(target, proc_memory_name(target, name, buffer));
}

/* Words that each end with a zero, which the last one has as well; NULL: there are none. */
static char *read_command(const struct target *target, size_t *length)
{
	char *text = malloc(TARGET_COMMAND_MAX + 1);
	char name[PROC_NAME_MAX];
	ssize_t got;

	if (!text)
		return NULL;
	got = proc_read(target, proc_memory_name(target, "cmdline", name), text,
			TARGET_COMMAND_MAX);
	if (got <= 0) {
		free(text);
		return NULL;
	}
	while (got && !text[got - 1])
		got--;
	text[got] = 0;
	*length = (size_t)got;
	return text;
}

char *target_command(const struct target *target)
{
	size_t length = 0;
	char *text = read_command(target, &length);

	for (size_t i = 0; i < length; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	return text;
}

char **target_argv(const struct target *target)
{
	size_t length = 0, count = 1;
	char *text = read_command(target, &length);
	char **words, *word;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i++)
		count += !text[i];
	words = malloc((count + 1) * sizeof(*words) + length + 1);
	if (words) {
		word = memcpy(words + count + 1, text, length + 1);
		for (size_t i = 0; i < count; i++) {
			words[i] = word;
			word += strlen(word) + 1;
		}
		words[count] = NULL;
	}
	free(text);
	return words;
}

char *target_executable(const struct target *target)
{
	static const char deleted[] = " (deleted)";
	char name[PROC_NAME_MAX], path[4096];
	ssize_t length;

	length = readlinkat(target->folder, proc_memory_name(target, "exe", name), path,
			    sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	path[length] = 0;
	if ((size_t)length > strlen(deleted) &&
	    strcmp(path + length - strlen(deleted), deleted) == 0)
		path[length - (ssize_t)strlen(deleted)] = 0;
	return strdup(path);
}
