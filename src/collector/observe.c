#include "collector/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define OBSERVE_COMMAND_MAX 65536u

/* glibc's arenas: heaps at multiples of this, accessible up to what is in use. */
#define OBSERVE_ARENA_BYTES (64ull << 20)
/* A thread's stack lies behind an inaccessible mapping of at most this size. */
#define OBSERVE_GUARD_BYTES (64ull << 10)

static int observe_open_file(pid_t pid, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void observe_open(struct observe *observe, pid_t pid)
{
	*observe = (struct observe){.pid = pid};
	observe->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	observe->statm = observe_open_file(pid, "statm");
	observe->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
}

void observe_close(struct observe *observe)
{
	if (!observe)
		return;
	if (observe->pidfd >= 0)
		close(observe->pidfd);
	if (observe->statm >= 0)
		close(observe->statm);
	observe->pidfd = observe->statm = -1;
}

/* Reads all that fits; the text is terminated. Returns its length, or -1. */
static ssize_t observe_read(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got = 0;

	while (used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = 0;
	return got < 0 && !used ? -1 : (ssize_t)used;
}

static ssize_t observe_read_file(pid_t pid, const char *name, char *text, size_t size)
{
	int fd = observe_open_file(pid, name);
	ssize_t length;

	text[0] = 0;
	if (fd < 0)
		return -1;
	length = observe_read(fd, text, size);
	close(fd);
	return length;
}

/* Without pidfd: a process is over when it is not there, or a zombie with no other thread. */
static bool observe_stat_is_alive(pid_t pid)
{
	char text[1024];
	const char *rest;
	long threads = 0;
	char state;

	if (observe_read_file(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld",
		   &state, &threads) != 2)
		return true;
	return !(state == 'Z' || state == 'X') || threads > 1;
}

bool observe_is_alive(const struct observe *observe)
{
	struct pollfd ended = {.fd = observe->pidfd, .events = POLLIN};

	if (observe->pidfd < 0)
		return observe_stat_is_alive(observe->pid);
	return poll(&ended, 1, 0) <= 0;
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
	char text[128];
	ssize_t length;
	uint64_t pages;

	if (observe->statm < 0)
		return 0;
	length = pread(observe->statm, text, sizeof(text) - 1, 0);
	if (length <= 0)
		return 0;
	text[length] = 0;
	if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * observe->page_size;
}

bool observe_thread_name(const struct observe *observe, uint32_t tid, char name[16])
{
	char file[64], text[64];
	ssize_t length;

	snprintf(file, sizeof(file), "task/%u/comm", tid);
	length = observe_read_file(observe->pid, file, text, sizeof(text));
	name[0] = 0;
	if (length <= 0)
		return false;
	text[strcspn(text, "\n")] = 0;
	snprintf(name, 16, "%.15s", text);
	return true;
}

char *observe_command(const struct observe *observe)
{
	char *text = malloc(OBSERVE_COMMAND_MAX);
	ssize_t length;

	if (!text)
		return NULL;
	length = observe_read_file(observe->pid, "cmdline", text, OBSERVE_COMMAND_MAX);
	if (length <= 0) {
		free(text);
		return NULL;
	}
	while (length && !text[length - 1])
		length--;
	for (ssize_t i = 0; i < length; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	text[length] = 0;
	return text;
}

char *observe_executable(const struct observe *observe)
{
	static const char deleted[] = " (deleted)";
	char link[64], path[4096];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)observe->pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	path[length] = 0;
	if ((size_t)length > strlen(deleted) &&
	    strcmp(path + length - strlen(deleted), deleted) == 0)
		path[length - (ssize_t)strlen(deleted)] = 0;
	return strdup(path);
}

uint64_t observe_age_ns(const struct observe *observe)
{
	char text[1024];
	const char *rest;
	unsigned long long start;
	struct timespec now;
	double age;

	if (observe_read_file(observe->pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	rest = strrchr(text, ')');
	/* Field 22, in ticks since the machine was started. */
	if (!rest || sscanf(rest,
			    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &start) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
	      (double)start / (double)sysconf(_SC_CLK_TCK);
	return age > 0 ? (uint64_t)(age * 1e9) : 0;
}

static bool observe_is_part(const char *line, const struct observe_part *part)
{
	uint64_t offset, inode;
	unsigned major, minor;

	return sscanf(line, "%*x-%*x %*s %" SCNx64 " %x:%x %" SCNu64, &offset, &major, &minor,
		      &inode) == 4 &&
	       inode == part->inode && makedev(major, minor) == part->device &&
	       offset - part->offset < part->bytes;
}

int observe_maps(const struct observe *observe, const struct observe_part *part)
{
	int fd = observe_open_file(observe->pid, "maps");
	char line[4096 + 128];
	bool found = false, any = false;
	FILE *maps;

	maps = fd < 0 ? NULL : fdopen(fd, "r");
	if (!maps) {
		if (fd >= 0)
			close(fd);
		return observe_is_alive(observe) ? -1 : 0;
	}
	while (!found && fgets(line, sizeof(line), maps)) {
		found = observe_is_part(line, part);
		any = true;
	}
	fclose(maps);
	/* A process whose first thread has ended before the others shows none. */
	if (!any && observe_is_alive(observe))
		return -1;
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
		{"\nVmRSS:", offsetof(struct capture_memory, rss)},
		{"\nVmHWM:", offsetof(struct capture_memory, peak_rss)},
		{"\nRssAnon:", offsetof(struct capture_memory, anonymous)},
		{"\nRssFile:", offsetof(struct capture_memory, file)},
		{"\nRssShmem:", offsetof(struct capture_memory, shared_memory)},
		{"\nVmSwap:", offsetof(struct capture_memory, swap)},
	};
	char text[8192];

	if (observe_read_file(observe->pid, "status", text, sizeof(text)) <= 0)
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *at = strstr(text, fields[i].key);
		uint64_t kilobytes;

		if (at && sscanf(at + strlen(fields[i].key), "%" SCNu64, &kilobytes) == 1)
			*(uint64_t *)((char *)memory + fields[i].offset) = kilobytes << 10;
	}
}

bool observe_memory(const struct observe *observe, uint64_t own_inode,
		    struct capture_memory *memory)
{
	struct observe_smaps smaps = {.memory = memory, .own_inode = own_inode};
	char line[4096 + 128];
	FILE *file;
	int fd;

	*memory = (struct capture_memory){0};
	observe_status(observe, memory);
	fd = observe_open_file(observe->pid, "smaps");
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
