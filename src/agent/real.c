#include "agent/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/sys.h"

char real_boot_memory[REAL_BOOT_BYTES] __attribute__((aligned(16)));
static _Atomic size_t boot_used;
static _Atomic bool resolving;
static bool resolved;

/* Memory for dlsym, should it ask while malloc is not known yet. Always zeros. */
static void *boot_allocate(size_t bytes)
{
	size_t offset = atomic_fetch_add(&boot_used, (bytes + 15) & ~(size_t)15);

	return offset + bytes <= REAL_BOOT_BYTES ? real_boot_memory + offset : NULL;
}

static bool boot_resolves(void)
{
	if (!resolved && !atomic_load(&resolving))
		real_resolve();
	return resolved;
}

static void *boot_malloc(size_t bytes)
{
	return boot_resolves() ? real.malloc(bytes) : boot_allocate(bytes);
}

static void *boot_calloc(size_t count, size_t bytes)
{
	return boot_resolves() ? real.calloc(count, bytes) : boot_allocate(count * bytes);
}

static void *boot_realloc(void *block, size_t bytes)
{
	void *bigger;

	if (boot_resolves())
		return real.realloc(block, bytes);
	/* Later in the same memory, so no longer than what follows the old block. */
	bigger = boot_allocate(bytes);
	if (bigger && block)
		memmove(bigger, block, bytes);
	return bigger;
}

static void boot_free(void *block)
{
	if (boot_resolves())
		real.free(block);
}

#define BOOT(type, name, parameters, arguments, failure)                                 \
	static type boot_##name parameters                                               \
	{                                                                                \
		return boot_resolves() && real.name != boot_##name ? real.name arguments \
								   : failure;            \
	}

BOOT(void *, reallocarray, (void *p, size_t n, size_t s), (p, n, s), NULL)
BOOT(int, posix_memalign, (void **p, size_t a, size_t s), (p, a, s), ENOMEM)
BOOT(void *, aligned_alloc, (size_t a, size_t s), (a, s), NULL)
BOOT(void *, memalign, (size_t a, size_t s), (a, s), NULL)
BOOT(void *, valloc, (size_t s), (s), NULL)
BOOT(void *, pvalloc, (size_t s), (s), NULL)
BOOT(int, munmap, (void *p, size_t s), (p, s), (int)sys_munmap(p, s))
BOOT(void *, mremap, (void *p, size_t o, size_t n, int f, void *q), (p, o, n, f, q), MAP_FAILED)
BOOT(int, brk, (void *p), (p), -1)
BOOT(void *, sbrk, (intptr_t n), (n), (void *)-1)
BOOT(void *, dlopen, (const char *f, int m), (f, m), NULL)
BOOT(int, prctl, (int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d),
     (o, a, b, c, d), -1)
BOOT(int, pthread_setname_np, (pthread_t t, const char *n), (t, n), ENOSYS)

static void *boot_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (boot_resolves())
		return real.mmap(address, bytes, protection, flags, fd, offset);
	return (void *)sys_mmap(address, bytes, protection, flags, fd, offset);
}

struct real real = {
	.malloc = boot_malloc,
	.calloc = boot_calloc,
	.realloc = boot_realloc,
	.reallocarray = boot_reallocarray,
	.free = boot_free,
	.posix_memalign = boot_posix_memalign,
	.aligned_alloc = boot_aligned_alloc,
	.memalign = boot_memalign,
	.valloc = boot_valloc,
	.pvalloc = boot_pvalloc,
	.mmap = boot_mmap,
	.munmap = boot_munmap,
	.mremap = boot_mremap,
	.brk = boot_brk,
	.sbrk = boot_sbrk,
	.dlopen = boot_dlopen,
	.prctl = boot_prctl,
	.pthread_setname_np = boot_pthread_setname_np,
};

/* Leaves the pointer as it is when the function does not exist here. */
static void real_find(void *pointer, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found)
		memcpy(pointer, &found, sizeof(found));
}

void real_resolve(void)
{
	struct real found = real;

	if (atomic_exchange(&resolving, true))
		return;
	real_find(&found.malloc, "malloc");
	real_find(&found.calloc, "calloc");
	real_find(&found.realloc, "realloc");
	real_find(&found.reallocarray, "reallocarray");
	real_find(&found.free, "free");
	real_find(&found.posix_memalign, "posix_memalign");
	real_find(&found.aligned_alloc, "aligned_alloc");
	real_find(&found.memalign, "memalign");
	real_find(&found.valloc, "valloc");
	real_find(&found.pvalloc, "pvalloc");
	real_find(&found.mmap, "mmap");
	real_find(&found.munmap, "munmap");
	real_find(&found.mremap, "mremap");
	real_find(&found.brk, "brk");
	real_find(&found.sbrk, "sbrk");
	real_find(&found.dlopen, "dlopen");
	real_find(&found.prctl, "prctl");
	real_find(&found.pthread_setname_np, "pthread_setname_np");
	real = found;
	resolved = true;
	atomic_store(&resolving, false);
}

int real_is_libc(void)
{
	Dl_info ours, theirs;

	/* The C library's allocator lies in the object that also has a function nobody replaces. */
	return dladdr((void *)(uintptr_t)real.malloc, &ours) &&
	       dladdr(dlsym(RTLD_NEXT, "gnu_get_libc_version"), &theirs) &&
	       ours.dli_fbase == theirs.dli_fbase;
}
