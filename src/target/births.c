#include "target/births.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/proc.h"

void births_init(struct births *births)
{
	*births = (struct births){.loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC)};
}

void births_deinit(struct births *births)
{
	if (births->loadavg >= 0)
		close(births->loadavg);
	births->loadavg = -1;
}

/* "0.20 0.18 0.12 1/80 11206": the last number; 0 if it is not there. */
static pid_t read_last(const struct births *births)
{
	char text[128];
	ssize_t length =
		births->loadavg < 0 ? -1 : pread(births->loadavg, text, sizeof(text) - 1, 0);
	const char *space;

	if (length <= 0)
		return 0;
	text[length] = 0;
	space = strrchr(text, ' ');
	return space ? (pid_t)strtol(space, NULL, 10) : 0;
}

static long number_of(const char *text, const char *key)
{
	const char *value = proc_status_value(text, key);

	return value ? strtol(value, NULL, 10) : 0;
}

/* False if there is no such process, or thread, in /proc. A thread has the pid 0. */
static bool read_birth(pid_t pid, struct birth *birth)
{
	char path[64], text[4096];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = proc_read_fd(fd, text, sizeof(text));
	close(fd);
	if (length <= 0)
		return false;
	*birth = (struct birth){0};
	if (number_of(text, "Tgid:") != pid)
		return true;
	birth->pid = pid;
	birth->parent = (pid_t)number_of(text, "PPid:");
	return true;
}

static size_t add_birth(struct birth *list, size_t count, const struct birth *birth)
{
	if (!birth->pid)
		return count;
	list[count] = *birth;
	return count + 1;
}

/* Those that had a pid, but were not there at the last look. */
static size_t look_for_late(struct births *births, struct birth *list)
{
	struct birth birth;
	size_t count = 0;

	for (size_t i = 0; i < births->late_count; i++) {
		if (read_birth(births->late[i], &birth))
			count = add_birth(list, count, &birth);
	}
	births->late_count = 0;
	return count;
}

ssize_t births_look(struct births *births, struct birth list[BIRTHS_MAX])
{
	pid_t last = read_last(births), from = births->last;
	size_t count;

	births->last = last;
	if (!last || !from || (last == from && !births->late_count))
		return 0;
	/* Pids begin anew behind the greatest one. */
	if (last < from || (size_t)(last - from) + births->late_count > BIRTHS_MAX) {
		births->late_count = 0;
		return -1;
	}
	count = look_for_late(births, list);
	for (pid_t pid = from + 1; pid <= last; pid++) {
		struct birth birth;

		if (read_birth(pid, &birth))
			count = add_birth(list, count, &birth);
		else
			births->late[births->late_count++] = pid;
	}
	return (ssize_t)count;
}
