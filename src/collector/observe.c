#include "collector/observe.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/maps.h"
#include "target/tasks.h"

/* glibc's arenas: heaps at multiples of this, accessible up to what is in use. */
#define OBSERVE_ARENA_BYTES (64ull << 20)
/* A thread's stack lies behind an inaccessible mapping of at most this size. */
#define OBSERVE_GUARD_BYTES (64ull << 10)

void observe_open(struct observe *observe, pid_t pid)
{
	struct error err;

	*observe = (struct observe){.pid = pid};
	observe->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* It may be gone, or hidden. */
	target_open(pid, &observe->target, &err);
}

void observe_close(struct observe *observe)
{
	if (!observe)
		return;
	if (observe->pidfd >= 0)
		close(observe->pidfd);
	observe->pidfd = -1;
	target_close(observe->target);
	observe->target = NULL;
}

bool observe_is_alive(const struct observe *observe)
{
	struct pollfd ended = {.fd = observe->pidfd, .events = POLLIN};

	/* Without /proc, or with one that hides, a pidfd still tells. */
	if (observe->pidfd >= 0)
		return poll(&ended, 1, 0) <= 0;
	return observe->target && target_is_alive(observe->target);
}

bool observe_thread_is_alive(const struct observe *observe, uint32_t tid)
{
	if (syscall(SYS_tgkill, observe->pid, tid, 0) == 0 || errno != ESRCH)
		return true;
	/* Where the process itself is not found under its number, numbers say nothing. */
	return syscall(SYS_tgkill, observe->pid, observe->pid, 0) < 0;
}

uint64_t observe_rss(const struct observe *observe)
{
	return observe->target ? target_rss_bytes(observe->target) : 0;
}

bool observe_thread_name(const struct observe *observe, uint32_t tid, char name[16])
{
	name[0] = 0;
	if (observe->target)
		task_name(observe->target, (pid_t)tid, name);
	return name[0];
}

char *observe_command(const struct observe *observe)
{
	return observe->target ? target_command(observe->target) : NULL;
}

char *observe_executable(const struct observe *observe)
{
	return observe->target ? target_executable(observe->target) : NULL;
}

uint64_t observe_age_ns(const struct observe *observe)
{
	return observe->target && target_is_alive(observe->target) ? target_age_ns(observe->target)
								   : 0;
}

int observe_maps(const struct observe *observe, const struct observe_part *part)
{
	struct target_maps maps;
	struct error err;
	bool found = false;

	if (!observe->target || target_maps_read(observe->target, &maps, &err) < 0)
		return observe_is_alive(observe) ? -1 : 0;
	for (size_t i = 0; i < maps.count && !found; i++) {
		const struct target_map *map = &maps.items[i];

		found = map->inode == part->inode && map->device == part->device &&
			map->offset - part->offset < part->bytes;
	}
	target_maps_deinit(&maps);
	return found;
}

/* Adds the mapping that ends here to the sums. */
void observe_smaps_end(struct observe_smaps *smaps)
{
	struct capture_memory *memory = smaps->memory;
	bool accessible = smaps->permissions[0] == 'r' || smaps->permissions[1] == 'w';
	bool private = smaps->permissions[3] == 'p';
	bool touches = smaps->before_end == smaps->start;
	bool is_arena = false;

	if (!smaps->any)
		return;
	if (smaps->inode) {
		if (smaps->inode == smaps->own_inode)
			memory->own_rss += smaps->rss;
	} else if (strncmp(smaps->name, "[stack", 6) == 0 || strstr(smaps->name, "pthread stack")) {
		memory->stacks_resident += smaps->rss;
	} else if (strcmp(smaps->name, "[heap]") == 0 || strstr(smaps->name, "malloc")) {
		is_arena = true;
	} else if (private && (!smaps->name[0] || strncmp(smaps->name, "[anon", 5) == 0)) {
		if (accessible && !smaps->name[0] && smaps->start % OBSERVE_ARENA_BYTES == 0 &&
		    smaps->size < OBSERVE_ARENA_BYTES)
			is_arena = true;
		else if (accessible && touches && smaps->before_is_guard &&
			 smaps->before_size <= OBSERVE_GUARD_BYTES)
			memory->stacks_resident += smaps->rss;
		else if (accessible || !(touches && smaps->before_is_arena))
			memory->untouched += smaps->size - smaps->rss - smaps->swap;
	}
	if (is_arena) {
		memory->heap_mapped += smaps->size;
		memory->heap_resident += smaps->rss;
	}
	smaps->before_end = smaps->end;
	smaps->before_size = smaps->size;
	smaps->before_is_guard = !accessible && !smaps->inode;
	smaps->before_is_arena = is_arena;
	smaps->any = false;
}

static void observe_smaps_begin(struct observe_smaps *smaps, const char *line, uint64_t start,
				uint64_t end)
{
	const char *name;
	int at = 0;

	observe_smaps_end(smaps);
	smaps->start = start;
	smaps->end = end;
	smaps->size = end - start;
	smaps->rss = smaps->swap = smaps->inode = 0;
	smaps->name[0] = smaps->permissions[0] = 0;
	smaps->any = sscanf(line, "%*x-%*x %4s %*x %*x:%*x %" SCNu64 " %n", smaps->permissions,
			    &smaps->inode, &at) >= 2;
	if (!smaps->any || !at)
		return;
	name = line + at;
	snprintf(smaps->name, sizeof(smaps->name), "%.*s", (int)strcspn(name, "\n"), name);
}

void observe_smaps_line(struct observe_smaps *smaps, const char *line)
{
	uint64_t start, end;

	if (strncmp(line, "Rss:", 4) == 0) {
		uint64_t bytes = strtoull(line + 4, NULL, 10) << 10;

		/* Pages that are mapped in parts may be counted as whole ones. */
		smaps->rss = bytes < smaps->size ? bytes : smaps->size;
	} else if (strncmp(line, "Swap:", 5) == 0) {
		uint64_t bytes = strtoull(line + 5, NULL, 10) << 10;
		uint64_t left = smaps->size - smaps->rss;

		smaps->swap = bytes < left ? bytes : left;
	} else if ((line[0] < 'A' || line[0] > 'Z') &&
		   sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2 && end > start) {
		observe_smaps_begin(smaps, line, start, end);
	}
}

static void observe_status(const struct observe *observe, struct capture_memory *memory)
{
	static const struct {
		const char *key;
		size_t offset;
	} fields[] = {
		{"VmRSS:", offsetof(struct capture_memory, rss)},
		{"VmHWM:", offsetof(struct capture_memory, peak_rss)},
		{"RssAnon:", offsetof(struct capture_memory, anonymous)},
		{"RssFile:", offsetof(struct capture_memory, file)},
		{"RssShmem:", offsetof(struct capture_memory, shared_memory)},
		{"VmSwap:", offsetof(struct capture_memory, swap)},
	};
	int fd = target_open_file(observe->target, "status");
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[256];

	if (!file && fd >= 0)
		close(fd);
	while (file && fgets(line, sizeof(line), file)) {
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			size_t length = strlen(fields[i].key);
			uint64_t kilobytes;

			if (strncmp(line, fields[i].key, length) == 0 &&
			    sscanf(line + length, "%" SCNu64, &kilobytes) == 1)
				*(uint64_t *)((char *)memory + fields[i].offset) = kilobytes << 10;
		}
	}
	if (file)
		fclose(file);
}

bool observe_memory(const struct observe *observe, uint64_t own_inode,
		    struct capture_memory *memory)
{
	struct observe_smaps smaps = {.memory = memory, .own_inode = own_inode};
	char line[4096 + 128];
	FILE *file;
	int fd;

	*memory = (struct capture_memory){0};
	if (!observe->target)
		return false;
	observe_status(observe, memory);
	fd = target_open_file(observe->target, "smaps");
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return memory->rss != 0;
	}
	while (fgets(line, sizeof(line), file))
		observe_smaps_line(&smaps, line);
	observe_smaps_end(&smaps);
	fclose(file);
	return memory->rss != 0;
}
