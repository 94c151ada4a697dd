#include "target/syscalls.h"

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

/*
 * By number, for the machine that this is built for: a target is of the same. To add a call: a
 * line; what an architecture does not have is inside #ifdef, what only newer kernels have is too.
 */
#define SYSCALLS_END 512

static const uint8_t waits[SYSCALLS_END] = {
	[SYS_futex] = WAIT_FUTEX,
#ifdef SYS_futex_waitv
	[SYS_futex_waitv] = WAIT_FUTEX,
#endif
	/* futex_wait, 6.7, and futex_wait_requeue: the same number everywhere */
	[455] = WAIT_FUTEX,
	[456] = WAIT_FUTEX,

	[SYS_pselect6] = WAIT_POLL,
	[SYS_ppoll] = WAIT_POLL,
	[SYS_epoll_pwait] = WAIT_POLL,
#ifdef SYS_epoll_pwait2
	[SYS_epoll_pwait2] = WAIT_POLL,
#endif
#ifdef SYS_poll
	[SYS_poll] = WAIT_POLL,
	[SYS_select] = WAIT_POLL,
	[SYS_epoll_wait] = WAIT_POLL,
	[SYS_epoll_wait_old] = WAIT_POLL,
#endif
#ifdef SYS_io_uring_enter
	[SYS_io_uring_enter] = WAIT_POLL,
#endif
	[SYS_io_getevents] = WAIT_POLL,
#ifdef SYS_io_pgetevents
	[SYS_io_pgetevents] = WAIT_POLL,
#endif

	[SYS_nanosleep] = WAIT_SLEEP,
	[SYS_clock_nanosleep] = WAIT_SLEEP,
	[SYS_rt_sigtimedwait] = WAIT_SLEEP,
	[SYS_rt_sigsuspend] = WAIT_SLEEP,
#ifdef SYS_pause
	[SYS_pause] = WAIT_SLEEP,
#endif

	[SYS_read] = WAIT_READ,
	[SYS_readv] = WAIT_READ,
	[SYS_pread64] = WAIT_READ,
	[SYS_preadv] = WAIT_READ,
	[SYS_preadv2] = WAIT_READ,
	[SYS_getrandom] = WAIT_READ,
	[SYS_mq_timedreceive] = WAIT_READ,
	[SYS_msgrcv] = WAIT_READ,
	[SYS_readahead] = WAIT_READ,

	[SYS_write] = WAIT_WRITE,
	[SYS_writev] = WAIT_WRITE,
	[SYS_pwrite64] = WAIT_WRITE,
	[SYS_pwritev] = WAIT_WRITE,
	[SYS_pwritev2] = WAIT_WRITE,
	[SYS_sendfile] = WAIT_WRITE,
	[SYS_splice] = WAIT_WRITE,
	[SYS_tee] = WAIT_WRITE,
	[SYS_vmsplice] = WAIT_WRITE,
	[SYS_copy_file_range] = WAIT_WRITE,
	[SYS_mq_timedsend] = WAIT_WRITE,
	[SYS_msgsnd] = WAIT_WRITE,

	[SYS_accept] = WAIT_NETWORK,
	[SYS_accept4] = WAIT_NETWORK,
	[SYS_connect] = WAIT_NETWORK,
	[SYS_recvfrom] = WAIT_NETWORK,
	[SYS_recvmsg] = WAIT_NETWORK,
	[SYS_recvmmsg] = WAIT_NETWORK,
	[SYS_sendto] = WAIT_NETWORK,
	[SYS_sendmsg] = WAIT_NETWORK,
	[SYS_sendmmsg] = WAIT_NETWORK,
	[SYS_shutdown] = WAIT_NETWORK,

	[SYS_wait4] = WAIT_CHILD,
	[SYS_waitid] = WAIT_CHILD,
	/* the parent of vfork and posix_spawn waits here */
	[SYS_clone] = WAIT_CHILD,
	[SYS_clone3] = WAIT_CHILD,
#ifdef SYS_vfork
	[SYS_vfork] = WAIT_CHILD,
#endif

	[SYS_openat] = WAIT_FILE,
#ifdef SYS_openat2
	[SYS_openat2] = WAIT_FILE,
#endif
	[SYS_close] = WAIT_FILE,
	[SYS_fstat] = WAIT_FILE,
	[SYS_newfstatat] = WAIT_FILE,
	[SYS_statx] = WAIT_FILE,
	[SYS_statfs] = WAIT_FILE,
	[SYS_fstatfs] = WAIT_FILE,
	[SYS_faccessat] = WAIT_FILE,
#ifdef SYS_faccessat2
	[SYS_faccessat2] = WAIT_FILE,
#endif
	[SYS_readlinkat] = WAIT_FILE,
	[SYS_getdents64] = WAIT_FILE,
	[SYS_renameat2] = WAIT_FILE,
	[SYS_unlinkat] = WAIT_FILE,
	[SYS_mkdirat] = WAIT_FILE,
	[SYS_linkat] = WAIT_FILE,
	[SYS_symlinkat] = WAIT_FILE,
	[SYS_fchmod] = WAIT_FILE,
	[SYS_fchmodat] = WAIT_FILE,
	[SYS_fchownat] = WAIT_FILE,
	[SYS_utimensat] = WAIT_FILE,
	[SYS_flock] = WAIT_FILE,
	[SYS_fcntl] = WAIT_FILE,
	[SYS_fsync] = WAIT_FILE,
	[SYS_fdatasync] = WAIT_FILE,
	[SYS_sync] = WAIT_FILE,
	[SYS_syncfs] = WAIT_FILE,
	[SYS_sync_file_range] = WAIT_FILE,
	[SYS_msync] = WAIT_FILE,
	[SYS_fallocate] = WAIT_FILE,
	[SYS_ftruncate] = WAIT_FILE,
	[SYS_truncate] = WAIT_FILE,
#ifdef SYS_renameat
	[SYS_renameat] = WAIT_FILE,
#endif
#ifdef SYS_open
	[SYS_open] = WAIT_FILE,
	[SYS_creat] = WAIT_FILE,
	[SYS_stat] = WAIT_FILE,
	[SYS_lstat] = WAIT_FILE,
	[SYS_access] = WAIT_FILE,
	[SYS_readlink] = WAIT_FILE,
	[SYS_getdents] = WAIT_FILE,
	[SYS_rename] = WAIT_FILE,
	[SYS_unlink] = WAIT_FILE,
	[SYS_mkdir] = WAIT_FILE,
	[SYS_rmdir] = WAIT_FILE,
	[SYS_link] = WAIT_FILE,
	[SYS_symlink] = WAIT_FILE,
	[SYS_chmod] = WAIT_FILE,
	[SYS_chown] = WAIT_FILE,
#endif
};

/* The kernel hands over no address below, and a number that is no address above. */
static bool is_address(uint64_t value)
{
	return value >= 1ull << 32;
}

/*
 * restart_syscall goes on with a call with a time-out that a stop has interrupted, and has the
 * registers of that one: futex(address, operation, value, time-out, ..),
 * clock_nanosleep(clock, flags, time, ..), nanosleep(time, rest), poll(array, count, time-out).
 */
static enum task_wait restarted_wait(const uint64_t arguments[6])
{
	if (is_address(arguments[0]) && arguments[1] < 0x200 && arguments[1] & FUTEX_PRIVATE_FLAG &&
	    is_address(arguments[3]))
		return WAIT_FUTEX;
	if (arguments[0] < 64 && is_address(arguments[2]))
		return WAIT_SLEEP;
	if (is_address(arguments[0]) && (is_address(arguments[1]) || !arguments[1]))
		return WAIT_SLEEP;
	return WAIT_POLL;
}

/* A poll of nothing is a sleep: time.sleep is one up to Python 3.10. */
static bool polls_nothing(const struct tasks_syscall *call)
{
	switch (call->number) {
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_pselect6:
		return call->arguments[0] == 0;
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
		return call->arguments[1] == 0;
	default:
		return false;
	}
}

enum task_wait syscalls_wait(const struct tasks_syscall *call)
{
	if (call->number < 0)
		return WAIT_KERNEL;
	if (call->number == SYS_restart_syscall)
		return restarted_wait(call->arguments);
	if (call->number >= SYSCALLS_END || waits[call->number] == WAIT_NONE)
		return WAIT_OTHER;
	return polls_nothing(call) ? WAIT_SLEEP : (enum task_wait)waits[call->number];
}
