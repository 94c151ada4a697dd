#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "target/proc.h"
#include "target/target.h"

/* How many of the places are whole when so many bytes were read. */
static ssize_t memory_whole(const struct iovec *remote, size_t count, size_t bytes)
{
	size_t whole = 0;

	while (whole < count && remote[whole].iov_len <= bytes)
		bytes -= remote[whole++].iov_len;
	return (ssize_t)whole;
}

static int memory_file(const struct target *target)
{
	char name[PROC_NAME_MAX];

	if (target->memory->fd < 0)
		target->memory->fd = proc_open(target, proc_memory_name(target, "mem", name));
	return target->memory->fd;
}

static void memory_forget_file(const struct target *target)
{
	if (target->memory->fd >= 0)
		close(target->memory->fd);
	target->memory->fd = -1;
}

/* Reads one place from the file. Its length, less, or -1 with errno. */
static ssize_t memory_read_file(const struct target *target, const struct iovec *local,
				const struct iovec *remote)
{
	ssize_t got = 0;

	for (int round = 0; round < 2 && got == 0 && remote->iov_len; round++) {
		if (memory_file(target) < 0)
			return -1;
		got = pread(target->memory->fd, local->iov_base, remote->iov_len,
			    (off_t)(uintptr_t)remote->iov_base);
		/* The file is of the memory that the process had before exec: it says nothing. */
		if (got == 0)
			memory_forget_file(target);
	}
	return got;
}

static ssize_t memory_read_places_by_file(const struct target *target, const struct iovec *local,
					  const struct iovec *remote, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ssize_t got = memory_read_file(target, &local[i], &remote[i]);

		if (got == (ssize_t)remote[i].iov_len)
			continue;
		if (i == 0 && got <= 0 && !target_is_alive(target)) {
			errno = ESRCH;
			return -1;
		}
		if (i == 0 && got < 0 && (errno == EPERM || errno == EACCES)) {
			errno = EPERM;
			return -1;
		}
		return (ssize_t)i;
	}
	return (ssize_t)count;
}

/* The first thread has no memory any more when it ended before the others. */
static bool memory_find_thread(const struct target *target)
{
	pid_t tid;

	if (!target_is_alive(target))
		return false;
	tid = proc_find_thread(target);
	if (!tid || tid == target->memory->tid)
		return false;
	target->memory->tid = tid;
	memory_forget_file(target);
	return true;
}

ssize_t target_read_places(const struct target *target, const struct iovec *local,
			   const struct iovec *remote, size_t count)
{
	struct target_memory *memory = target->memory;
	ssize_t got;

	if (count > TARGET_PLACES_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (memory->denied)
		return memory_read_places_by_file(target, local, remote, count);
	got = process_vm_readv(memory->tid, local, count, remote, count, 0);
	if (got < 0 && errno == ESRCH && memory_find_thread(target))
		got = process_vm_readv(memory->tid, local, count, remote, count, 0);
	if (got >= 0)
		return memory_whole(remote, count, (size_t)got);
	if (errno == EFAULT || errno == ENOMEM)
		return 0;
	if (errno == EPERM || errno == EACCES || errno == ENOSYS) {
		/* Maybe it is the call that is forbidden, not the memory. */
		got = memory_read_places_by_file(target, local, remote, count);
		memory->denied = got > 0;
		return got;
	}
	return -1;
}

bool target_read(const struct target *target, uint64_t address, void *out, size_t bytes)
{
	struct iovec local = {.iov_base = out, .iov_len = bytes};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = bytes};

	return target_read_places(target, &local, &remote, 1) == 1;
}

bool target_read_pointer(const struct target *target, uint64_t address, uint64_t *out)
{
	return target_read(target, address, out, sizeof(*out));
}
