#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/*
 * The functions behind the hooks: those of the next object in the search order, so another
 * preloaded allocator keeps working. Every pointer is valid from the first instruction on: each
 * begins as a function that resolves them all.
 */
struct real {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*reallocarray)(void *, size_t, size_t);
	void (*free)(void *);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, void *);
	int (*brk)(void *);
	void *(*sbrk)(intptr_t);
	void *(*dlopen)(const char *, int);
	void *(*dlsym)(void *, const char *);
	int (*execv)(const char *, char *const *);
	int (*execve)(const char *, char *const *, char *const *);
	int (*fexecve)(int, char *const *, char *const *);
	int (*prlimit)(pid_t, enum __rlimit_resource, const struct rlimit *, struct rlimit *);
	int (*setrlimit)(enum __rlimit_resource, const struct rlimit *);
	int (*getrlimit)(enum __rlimit_resource, struct rlimit *);
	int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
	int (*pthread_setname_np)(pthread_t, const char *);
};

extern struct real real;

/* Whether the program has a malloc of its own, which goes before the hook. Whatever else of the
 * heap is not its own belongs together with that one all the same, and no event tells the whole. */
extern bool real_is_passed_by;

/* Resolves everything now; once, early. */
void real_resolve(void);

/* Whether malloc is the C library's own, which never calls hooks from inside. */
int real_is_libc(void);

/* Blocks that were given out while malloc itself was being looked up are never released. */
#define REAL_BOOT_BYTES 16384u
extern char real_boot_memory[REAL_BOOT_BYTES];

static inline int real_is_boot_block(const void *block)
{
	return (uintptr_t)block - (uintptr_t)real_boot_memory < REAL_BOOT_BYTES;
}
