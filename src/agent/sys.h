#pragma once

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

/* System calls without libc around them: no errno, no cancellation point, no hook of our own. */

#if defined(__x86_64__)

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "to add an architecture: sys_call here"
#endif

/* All return the negative errno on failure. */

static inline long sys_futex_wait(const _Atomic uint32_t *word, uint32_t value,
				  const struct timespec *timeout)
{
	return sys_call(SYS_futex, (long)word, FUTEX_WAIT, value, (long)timeout, 0, 0);
}

static inline long sys_futex_wake(const _Atomic uint32_t *word)
{
	return sys_call(SYS_futex, (long)word, FUTEX_WAKE, 1, 0, 0, 0);
}

static inline long sys_mmap(void *address, size_t bytes, int protection, int flags, int fd,
			    int64_t offset)
{
	return sys_call(SYS_mmap, (long)address, (long)bytes, protection, flags, fd, (long)offset);
}

static inline long sys_munmap(void *address, size_t bytes)
{
	return sys_call(SYS_munmap, (long)address, (long)bytes, 0, 0, 0, 0);
}

static inline long sys_madvise(void *address, size_t bytes, int advice)
{
	return sys_call(SYS_madvise, (long)address, (long)bytes, advice, 0, 0, 0);
}

static inline long sys_gettid(void)
{
	return sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static inline long sys_getpid(void)
{
	return sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline long sys_getppid(void)
{
	return sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static inline long sys_kill(long pid, int signal)
{
	return sys_call(SYS_kill, pid, signal, 0, 0, 0, 0);
}

static inline long sys_open(const char *path, int flags)
{
	return sys_call(SYS_openat, -100 /* AT_FDCWD */, (long)path, flags, 0, 0, 0);
}

static inline long sys_readlink(const char *path, char *text, size_t bytes)
{
	return sys_call(SYS_readlinkat, -100 /* AT_FDCWD */, (long)path, (long)text, (long)bytes, 0,
			0);
}

static inline long sys_pread(int fd, void *buffer, size_t bytes, int64_t offset)
{
	return sys_call(SYS_pread64, fd, (long)buffer, (long)bytes, (long)offset, 0, 0);
}

static inline long sys_close(int fd)
{
	return sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline void sys_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}
