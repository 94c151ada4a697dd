#include "collector/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SESSION_NAME "sonde"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int session_create_file(struct error *err)
{
	int fd = memfd_create(SESSION_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	/* Kernels before 6.3 do not know the last flag. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(SESSION_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(
			err, ERROR_UNSUPPORTED, errno,
			"cannot make the shared memory that the program records into "
			"(memfd_create); a container's seccomp profile must allow it");
	return fd;
}

/* A limit on the size of files (ulimit -f) holds for memory files too, though ours takes no such
 * room. The soft limit is lifted for this one call. */
static int session_size_file(int fd, uint64_t bytes)
{
	struct rlimit limit, lifted;
	int status, errnum;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		return -1;
	lifted = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < bytes) {
		errno = EFBIG;
		return -1;
	}
	setrlimit(RLIMIT_FSIZE, &lifted);
	status = ftruncate(fd, (off_t)bytes);
	errnum = errno;
	setrlimit(RLIMIT_FSIZE, &limit);
	errno = errnum;
	return status;
}

static int session_prepare_file(int fd, struct error *err)
{
	uint64_t bytes = wire_area_offset(WIRE_PROCESS_MAX);

	if (fchmod(fd, 0600) < 0)
		return error_set_errno(err, ERROR_UNSUPPORTED, errno,
				       "cannot protect the shared memory");
	if (session_size_file(fd, bytes) < 0)
		return error_set_errno(err, ERROR_UNSUPPORTED, errno,
				       "cannot size the shared memory to %llu GiB (none of which "
				       "is taken before it is used)%s",
				       (unsigned long long)(bytes >> 30),
				       errno == EFBIG ? "; raise the file size limit, ulimit -f"
						      : "");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return error_set_errno(err, ERROR_UNSUPPORTED, errno,
				       "cannot seal the size of the shared memory");
	return 0;
}

static void session_fill(struct session *session, const struct session_options *options)
{
	struct wire_session *shared = session->shared;

	shared->magic = WIRE_MAGIC;
	shared->version = WIRE_VERSION;
	shared->flags = options->flags;
	atomic_store(&shared->collector_pid, (uint32_t)getpid());
	shared->start = options->start;
	shared->sample_rate_bytes = options->sample_rate_bytes;
	/* Where it cannot be read the text stays empty. */
	if (readlink("/proc/self/ns/pid", shared->pid_namespace,
		     sizeof(shared->pid_namespace) - 1) < 0)
		shared->pid_namespace[0] = 0;
}

int session_open(struct session *session, const struct session_options *options, struct error *err)
{
	struct wire_area *area;
	void *shared;
	int status;

	*session = (struct session){.fd = -1};
	status = session_create_file(err);
	if (status < 0)
		return status;
	session->fd = status;
	status = session_prepare_file(session->fd, err);
	if (status < 0)
		goto fail;
	shared = mmap(NULL, WIRE_SESSION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, session->fd, 0);
	if (shared == MAP_FAILED) {
		status = error_set_errno(err, ERROR_UNSUPPORTED, errno,
					 "cannot map the shared memory");
		goto fail;
	}
	/* What cannot be mapped here will not be mapped in the target either. */
	session->shared = shared;
	area = session_map_area(session, 0);
	if (!area) {
		status = error_set_errno(err, ERROR_UNSUPPORTED, errno,
					 "cannot map the shared memory of a process (%llu MiB of "
					 "address space); raise the limit on it, ulimit -v",
					 (unsigned long long)(WIRE_AREA_BYTES >> 20));
		goto fail;
	}
	session_unmap_area(area);
	session->start_ns = clock_ns(CLOCK_MONOTONIC);
	session->wall_time_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	session_fill(session, options);
	return 0;
fail:
	session_close(session);
	return status;
}

void session_dismiss(struct session *session)
{
	/* Whoever inherited the session and loads an agent later shall not join it. */
	session->shared->magic = 0;
	atomic_store(&session->shared->collector_pid, 0);
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->shared) {
		session_dismiss(session);
		munmap(session->shared, WIRE_SESSION_BYTES);
	}
	if (session->fd >= 0)
		close(session->fd);
	*session = (struct session){.fd = -1};
}

void session_environment(const struct session *session, int inherited_fd,
			 char value[SESSION_ENVIRONMENT_BYTES])
{
	snprintf(value, SESSION_ENVIRONMENT_BYTES, "%d:%d:%d", inherited_fd, (int)getpid(),
		 session->fd);
}

uint64_t session_now_ns(const struct session *session)
{
	return clock_ns(CLOCK_MONOTONIC) - session->start_ns;
}

uint64_t session_publish_clock(struct session *session)
{
	uint64_t now_ns = session_now_ns(session);

	atomic_store_explicit(&session->shared->clock_ns, now_ns, memory_order_relaxed);
	return now_ns;
}

void session_sleep(struct session *session, uint64_t timeout_ns, bool (*is_busy)(void *data),
		   void *data)
{
	struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
				   .tv_nsec = (long)(timeout_ns % 1000000000u)};
	_Atomic uint32_t *asleep = &session->shared->asleep;

	/* An agent that does not see this yet is found busy; else the sleep is short anyway. */
	atomic_exchange(asleep, 1);
	if (!is_busy(data))
		syscall(SYS_futex, asleep, FUTEX_WAIT, 1, &timeout, NULL, 0);
	atomic_store(asleep, 0);
}

struct wire_area *session_map_area(const struct session *session, unsigned process)
{
	void *area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			  session->fd, (off_t)wire_area_offset(process));

	return area == MAP_FAILED ? NULL : area;
}

void session_unmap_area(struct wire_area *area)
{
	if (area)
		munmap(area, WIRE_AREA_BYTES);
}

void session_reset_area(struct session *session, unsigned process)
{
	fallocate(session->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)wire_area_offset(process), (off_t)WIRE_AREA_BYTES);
	atomic_store(&session->shared->process[process].pid, 0);
	atomic_store(&session->shared->process[process].state, WIRE_PROCESS_FREE);
}

void session_empty_ring(struct wire_area *area, unsigned thread)
{
	madvise(wire_ring(area, thread), WIRE_RING_WORDS * sizeof(uint64_t), MADV_REMOVE);
}
