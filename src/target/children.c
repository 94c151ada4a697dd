#include "target/children.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_BYTES 65536u

/* The whole of a small file of /proc; -1 if it is not there. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t used = 0;

	if (fd < 0)
		return -1;
	while ((size_t)used < size - 1) {
		ssize_t got = read(fd, text + used, size - 1 - (size_t)used);

		if (got <= 0)
			break;
		used += got;
	}
	close(fd);
	text[used] = 0;
	return used;
}

/* The kernel's own list; false if it keeps none. */
static bool listed_children(pid_t pid, const struct tasks *tasks, pid_t *children, size_t max,
			    size_t *count)
{
	char *text = malloc(LIST_BYTES);
	bool listed = false;

	for (size_t i = 0; text && i < tasks->count; i++) {
		char path[64], *at = text, *end;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tasks->items[i].tid);
		if (read_file(path, text, LIST_BYTES) < 0)
			continue;
		listed = true;
		while (*count < max) {
			long child = strtol(at, &end, 10);

			if (end == at)
				break;
			children[(*count)++] = (pid_t)child;
			at = end;
		}
	}
	free(text);
	return listed;
}

static pid_t parent_of(const char *name)
{
	char path[300], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	if (read_file(path, text, sizeof(text)) < 0)
		return 0;
	/* pid (command) state parent: a command may hold anything. */
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static size_t searched_children(pid_t pid, pid_t *children, size_t max)
{
	DIR *all = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (all && count < max && (entry = readdir(all))) {
		if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == pid)
			children[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (all)
		closedir(all);
	return count;
}

size_t target_children(const struct target *target, const struct tasks *tasks, pid_t *children,
		       size_t max)
{
	pid_t pid = target_pid(target);
	size_t count = 0;

	if (listed_children(pid, tasks, children, max, &count))
		return count;
	return target_is_alive(target) ? searched_children(pid, children, max) : 0;
}
