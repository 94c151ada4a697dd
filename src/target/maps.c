#include "target/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buffer.h"
#include "target/maps_text.h"
#include "target/permission.h"
#include "target/proc.h"

/* 65,530 mappings are what a process may have by default, and each takes up to a path more. */
#define MAPS_TEXT_MAX (256u << 20)
#define MAPS_DELETED  " (deleted)"

/* A number and the character behind it; *at moves on. */
static bool parse_number(char **at, unsigned base, char after, uint64_t *out)
{
	uint64_t value = 0;
	char *text = *at;

	for (;; text++) {
		unsigned digit;

		if (*text >= '0' && *text <= '9')
			digit = (unsigned)(*text - '0');
		else if (base == 16 && *text >= 'a' && *text <= 'f')
			digit = (unsigned)(*text - 'a') + 10;
		else
			break;
		if (value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (text == *at || *text != after)
		return false;
	*at = text + 1;
	*out = value;
	return true;
}

/* A line feed in a name is written as \012. */
static void unescape(char *path)
{
	char *to = path;

	if (!strchr(path, '\\'))
		return;
	for (const char *from = path; *from; to++) {
		if (strncmp(from, "\\012", 4) == 0) {
			*to = '\n';
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

/* Takes " (deleted)" off. */
static bool take_deleted(char *path)
{
	size_t length = strlen(path), suffix = strlen(MAPS_DELETED);

	if (path[0] != '/' || length <= suffix || strcmp(path + length - suffix, MAPS_DELETED) != 0)
		return false;
	path[length - suffix] = 0;
	return true;
}

bool maps_parse_line(char *line, struct target_map *map)
{
	uint64_t major, minor;
	char *at = line;

	*map = (struct target_map){.path = ""};
	if (!parse_number(&at, 16, '-', &map->start) || !parse_number(&at, 16, ' ', &map->end) ||
	    map->end <= map->start || strnlen(at, 5) < 5 || at[4] != ' ')
		return false;
	map->readable = at[0] == 'r';
	map->writable = at[1] == 'w';
	map->executable = at[2] == 'x';
	map->is_private = at[3] == 'p';
	at += 5;
	if (!parse_number(&at, 16, ' ', &map->offset) || !parse_number(&at, 16, ':', &major) ||
	    !parse_number(&at, 16, ' ', &minor))
		return false;
	map->device = makedev((unsigned)major, (unsigned)minor);
	if (!parse_number(&at, 10, ' ', &map->inode)) {
		/* No name, and no space before it. */
		return parse_number(&at, 10, 0, &map->inode);
	}
	at += strspn(at, " ");
	map->deleted = take_deleted(at);
	unescape(at);
	map->path = at;
	return true;
}

void maps_parse(struct target_maps *maps)
{
	uint64_t before = 0;
	size_t room = 0;
	char *next;

	for (char *line = maps->texts; line && *line; line = next) {
		struct target_map map;

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		/* It is read in pieces, while the target may map and unmap. */
		if (!maps_parse_line(line, &map) || map.start < before)
			continue;
		before = map.end;
		if (maps->count == room) {
			room = room ? room * 2 : 64;
			maps->items = reallocarray(maps->items, room, sizeof(*maps->items));
			if (!maps->items)
				abort();
		}
		maps->items[maps->count++] = map;
	}
}

/* All of the file, terminated, to be freed; NULL with errno. */
static char *maps_read_text(const struct target *target)
{
	char name[PROC_NAME_MAX];
	int fd = proc_open(target, proc_memory_name(target, "maps", name));
	struct buffer text;
	ssize_t got = -1;

	if (fd < 0)
		return NULL;
	buffer_init(&text, MAPS_TEXT_MAX);
	while (buffer_reserve(&text, 65536) && (got = read(fd, text.data + text.used, 65536)) > 0)
		text.used += (size_t)got;
	close(fd);
	buffer_add_byte(&text, 0);
	if (got < 0 || text.failed) {
		if (text.failed)
			errno = ENOMEM;
		buffer_deinit(&text);
		return NULL;
	}
	return (char *)text.data;
}

int target_maps_read(const struct target *target, struct target_maps *maps, struct error *err)
{
	*maps = (struct target_maps){0};
	maps->texts = maps_read_text(target);
	if (!maps->texts) {
		int errnum = errno;

		if (!target_is_alive(target))
			return error_set(err, ERROR_NOT_FOUND, "process %d has ended",
					 (int)target->pid);
		if (errnum == EACCES || errnum == EPERM)
			return permission_error(target->pid, "read the memory of", err);
		return error_set_errno(err, ERROR_FAILED, errnum, "cannot read /proc/%d/maps",
				       (int)target->pid);
	}
	maps_parse(maps);
	if (!maps->count && !target_is_alive(target)) {
		target_maps_deinit(maps);
		return error_set(err, ERROR_NOT_FOUND, "process %d has ended", (int)target->pid);
	}
	return 0;
}

void target_maps_deinit(struct target_maps *maps)
{
	if (!maps)
		return;
	free(maps->items);
	free(maps->texts);
	*maps = (struct target_maps){0};
}

const struct target_map *target_maps_find(const struct target_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->count && maps->items[low].start <= address ? &maps->items[low] : NULL;
}

/*
 * Whether the descriptor is of the file that is mapped. stat(2) and maps may name the device of one
 * file differently (btrfs, overlayfs), so what differs is mapped here, to see how maps names it.
 */
static bool maps_is_file(int fd, const struct target_map *map)
{
	char line[4096 + 128];
	struct target_map own;
	bool same = false;
	struct stat stat;
	void *page;
	FILE *file;

	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
		return false;
	if (stat.st_dev == map->device && stat.st_ino == map->inode)
		return true;
	page = stat.st_size ? mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	if (page == MAP_FAILED)
		return false;
	file = fopen("/proc/self/maps", "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (maps_parse_line(line, &own) && own.start == (uintptr_t)page) {
			same = own.device == map->device && own.inode == map->inode;
			break;
		}
	}
	if (file)
		fclose(file);
	munmap(page, 1);
	return same;
}

static int maps_open_checked(const struct target *target, const char *name,
			     const struct target_map *map)
{
	/* A path of the target's may lead to anything, a FIFO too. */
	int fd = openat(target->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && !maps_is_file(fd, map)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int target_map_open(const struct target *target, const struct target_map *map)
{
	char name[64], buffer[PROC_NAME_MAX], path[PROC_NAME_MAX + 4096];
	int fd;

	if (!map->inode || map->path[0] != '/')
		return -1;
	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, map->start, map->end);
	fd = maps_open_checked(target, name, map);
	if (fd < 0)
		fd = maps_open_checked(target, proc_memory_name(target, "exe", buffer), map);
	if (fd < 0 && !map->deleted) {
		snprintf(path, sizeof(path), "%s%s", proc_memory_name(target, "root", buffer),
			 map->path);
		fd = maps_open_checked(target, path, map);
	}
	/* Of a process below another root in our mount namespace the kernel tells our path. */
	if (fd < 0 && !map->deleted)
		fd = maps_open_checked(target, map->path, map);
	return fd;
}
