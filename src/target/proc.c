#include "target/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int proc_open(const struct target *target, const char *name)
{
	return openat(target->folder, name, O_RDONLY | O_CLOEXEC);
}

ssize_t proc_read_fd(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got = 0;

	while (used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = 0;
	return got < 0 && !used ? -1 : (ssize_t)used;
}

ssize_t proc_read(const struct target *target, const char *name, char *text, size_t size)
{
	int fd = proc_open(target, name);
	ssize_t length;

	text[0] = 0;
	if (fd < 0)
		return -1;
	length = proc_read_fd(fd, text, size);
	close(fd);
	return length;
}

/* Fields of stat that are numbers, counted as proc(5) does: from 1, the name being 2. */
enum {
	STAT_PARENT = 4,
	STAT_USER = 14,
	STAT_SYSTEM = 15,
	STAT_THREADS = 20,
	STAT_START = 22,
};

bool proc_parse_stat(const char *text, struct proc_stat *stat)
{
	/* The name may hold anything, parentheses too. */
	const char *at = strrchr(text, ')');
	char *end;

	*stat = (struct proc_stat){0};
	if (!at || at[1] != ' ' || !at[2])
		return false;
	stat->state = at[2];
	at += 3;
	for (int field = STAT_PARENT; field <= STAT_START; field++) {
		uint64_t value = strtoull(at, &end, 10);

		if (end == at)
			return false;
		at = end;
		if (field == STAT_PARENT)
			stat->parent = (pid_t)value;
		else if (field == STAT_USER || field == STAT_SYSTEM)
			stat->cpu_ticks += value;
		else if (field == STAT_THREADS)
			stat->threads = value;
		else if (field == STAT_START)
			stat->start_ticks = value;
	}
	return true;
}

bool proc_read_stat(const struct target *target, const char *name, struct proc_stat *stat)
{
	char text[1024];

	*stat = (struct proc_stat){0};
	return proc_read(target, name, text, sizeof(text)) > 0 && proc_parse_stat(text, stat);
}

bool proc_stat_is_over(const struct proc_stat *stat)
{
	return (stat->state == 'Z' || stat->state == 'X') && stat->threads <= 1;
}

const char *proc_status_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, length) == 0)
			return at + length + strspn(at + length, " \t");
	}
	return NULL;
}

pid_t proc_parse_inner_pid(const char *status)
{
	const char *at = proc_status_value(status, "NSpid:");
	long pid = 0;

	while (at && *at && *at != '\n') {
		char *end;
		long value = strtol(at, &end, 10);

		if (end == at)
			break;
		pid = value;
		at = end + strspn(end, " \t");
	}
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

pid_t proc_find_thread(const struct target *target)
{
	int fd = openat(target->folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	pid_t found = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!found && (entry = readdir(folder))) {
		long tid = strtol(entry->d_name, NULL, 10);
		char name[PROC_NAME_MAX];
		struct proc_stat stat;

		if (tid <= 0)
			continue;
		snprintf(name, sizeof(name), "task/%ld/stat", tid);
		if (proc_read_stat(target, name, &stat) && stat.state != 'Z' && stat.state != 'X')
			found = (pid_t)tid;
	}
	closedir(folder);
	return found;
}

const char *proc_memory_name(const struct target *target, const char *name,
			     char buffer[PROC_NAME_MAX])
{
	struct proc_stat stat;
	pid_t tid;

	if (!proc_read_stat(target, "stat", &stat) || (stat.state != 'Z' && stat.state != 'X'))
		return name;
	tid = proc_find_thread(target);
	if (!tid)
		return name;
	snprintf(buffer, PROC_NAME_MAX, "task/%d/%s", (int)tid, name);
	return buffer;
}
