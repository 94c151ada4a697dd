#include "agent/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/sys.h"

char real_boot_memory[REAL_BOOT_BYTES] __attribute__((aligned(16)));
static _Atomic size_t boot_used;
static _Atomic bool resolving;
static bool resolved;
bool real_is_passed_by;

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
BOOT(void *, dlsym, (void *h, const char *n), (h, n), NULL)
BOOT(int, execv, (const char *p, char *const *a), (p, a), -1)
BOOT(int, execve, (const char *p, char *const *a, char *const *e), (p, a, e), -1)
BOOT(int, fexecve, (int f, char *const *a, char *const *e), (f, a, e), -1)
BOOT(int, prlimit, (pid_t p, enum __rlimit_resource r, const struct rlimit *w, struct rlimit *o),
     (p, r, w, o), -1)
BOOT(int, setrlimit, (enum __rlimit_resource r, const struct rlimit *w), (r, w), -1)
BOOT(int, getrlimit, (enum __rlimit_resource r, struct rlimit *n), (r, n), -1)
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
	.dlsym = boot_dlsym,
	.execv = boot_execv,
	.execve = boot_execve,
	.fexecve = boot_fexecve,
	.prlimit = boot_prlimit,
	.setrlimit = boot_setrlimit,
	.getrlimit = boot_getrlimit,
	.prctl = boot_prctl,
	.pthread_setname_np = boot_pthread_setname_np,
};

/* Stores it unless there is none. */
static void real_take(void *pointer, void *found)
{
	if (found)
		memcpy(pointer, &found, sizeof(found));
}

/* The real dlsym, past our own: by the version of the C library that took it in, or by that of the
 * platform's first one. */
static void *real_find_dlsym(void)
{
	static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
	void *found = NULL;

	for (size_t i = 0; !found && i < sizeof(versions) / sizeof(*versions); i++)
		found = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
	return found;
}

/* Whether the program's calls of malloc end elsewhere than in the hook. An executable that is not
 * relocatable has an address of its own for a function that it takes from elsewhere: there its
 * symbol table has an address for a symbol that it does not define. */
static bool is_passed_by(void)
{
	void *first = real.dlsym(RTLD_DEFAULT, "malloc");
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!first || first == (void *)malloc)
		return false;
	return !dladdr1(first, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
	       symbol->st_shndx != SHN_UNDEF;
}

void real_resolve(void)
{
	struct real found = real;

	if (atomic_exchange(&resolving, true))
		return;
	real_take(&found.dlsym, real_find_dlsym());
	real_take(&found.malloc, found.dlsym(RTLD_NEXT, "malloc"));
	real_take(&found.calloc, found.dlsym(RTLD_NEXT, "calloc"));
	real_take(&found.realloc, found.dlsym(RTLD_NEXT, "realloc"));
	real_take(&found.reallocarray, found.dlsym(RTLD_NEXT, "reallocarray"));
	real_take(&found.free, found.dlsym(RTLD_NEXT, "free"));
	real_take(&found.posix_memalign, found.dlsym(RTLD_NEXT, "posix_memalign"));
	real_take(&found.aligned_alloc, found.dlsym(RTLD_NEXT, "aligned_alloc"));
	real_take(&found.memalign, found.dlsym(RTLD_NEXT, "memalign"));
	real_take(&found.valloc, found.dlsym(RTLD_NEXT, "valloc"));
	real_take(&found.pvalloc, found.dlsym(RTLD_NEXT, "pvalloc"));
	real_take(&found.mmap, found.dlsym(RTLD_NEXT, "mmap"));
	real_take(&found.munmap, found.dlsym(RTLD_NEXT, "munmap"));
	real_take(&found.mremap, found.dlsym(RTLD_NEXT, "mremap"));
	real_take(&found.brk, found.dlsym(RTLD_NEXT, "brk"));
	real_take(&found.sbrk, found.dlsym(RTLD_NEXT, "sbrk"));
	real_take(&found.dlopen, found.dlsym(RTLD_NEXT, "dlopen"));
	real_take(&found.execv, found.dlsym(RTLD_NEXT, "execv"));
	real_take(&found.execve, found.dlsym(RTLD_NEXT, "execve"));
	real_take(&found.fexecve, found.dlsym(RTLD_NEXT, "fexecve"));
	real_take(&found.prlimit, found.dlsym(RTLD_NEXT, "prlimit"));
	real_take(&found.setrlimit, found.dlsym(RTLD_NEXT, "setrlimit"));
	real_take(&found.getrlimit, found.dlsym(RTLD_NEXT, "getrlimit"));
	real_take(&found.prctl, found.dlsym(RTLD_NEXT, "prctl"));
	real_take(&found.pthread_setname_np, found.dlsym(RTLD_NEXT, "pthread_setname_np"));
	real = found;
	real_is_passed_by = is_passed_by();
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
