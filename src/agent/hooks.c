#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/emit.h"
#include "agent/hook.h"
#include "agent/real.h"

/* The functions that the agent puts in front of the C library's. Each records and passes on. */

HOOK void *malloc(size_t bytes)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.malloc(bytes);
	block = real.malloc(bytes);
	emit_alloc(t, WIRE_MALLOC, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *calloc(size_t count, size_t size)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.calloc(count, size);
	block = real.calloc(count, size);
	emit_alloc(t, WIRE_CALLOC, block, count * size);
	emit_leave(t);
	return block;
}

HOOK void free(void *block)
{
	struct thread *t;

	if (!block || UNLIKELY(real_is_boot_block(block)))
		return;
	t = emit_enter();
	if (!t) {
		emit_free_inside(block);
		real.free(block);
		return;
	}
	emit_free(t, block);
	real.free(block);
	emit_leave(t);
}

HOOK void cfree(void *block);
HOOK void cfree(void *block)
{
	free(block);
}

HOOK void free_sized(void *block, size_t size);
HOOK void free_sized(void *block, size_t size)
{
	(void)size;
	free(block);
}

HOOK void free_aligned_sized(void *block, size_t alignment, size_t size);
HOOK void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	free(block);
}

/* A block from before malloc was known moves out of the agent's own memory. */
static COLD void *realloc_boot_block(void *old, size_t bytes)
{
	size_t room = (size_t)(real_boot_memory + REAL_BOOT_BYTES - (char *)old);
	void *block = malloc(bytes);

	if (block)
		memcpy(block, old, bytes < room ? bytes : room);
	return block;
}

HOOK void *realloc(void *old, size_t bytes)
{
	struct thread *t;
	bool announced;
	void *block;

	if (UNLIKELY(real_is_boot_block(old)))
		return realloc_boot_block(old, bytes);
	t = emit_enter();
	if (!t)
		return real.realloc(old, bytes);
	announced = emit_realloc_begin(t, old);
	block = real.realloc(old, bytes);
	emit_realloc_end(t, announced, WIRE_REALLOC, old, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *reallocarray(void *old, size_t count, size_t size)
{
	struct thread *t;
	size_t bytes;
	bool announced;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (UNLIKELY(real_is_passed_by))
		return real.reallocarray(old, count, size);
	if (UNLIKELY(real_is_boot_block(old)))
		return realloc_boot_block(old, bytes);
	t = emit_enter();
	if (!t)
		return real.realloc(old, bytes);
	announced = emit_realloc_begin(t, old);
	block = real.realloc(old, bytes);
	emit_realloc_end(t, announced, WIRE_REALLOCARRAY, old, block, bytes);
	emit_leave(t);
	return block;
}

HOOK int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	struct thread *t = emit_enter();
	int status;

	if (!t)
		return real.posix_memalign(block, alignment, bytes);
	status = real.posix_memalign(block, alignment, bytes);
	if (status == 0)
		emit_alloc(t, WIRE_POSIX_MEMALIGN, *block, bytes);
	emit_leave(t);
	return status;
}

HOOK void *aligned_alloc(size_t alignment, size_t bytes)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.aligned_alloc(alignment, bytes);
	block = real.aligned_alloc(alignment, bytes);
	emit_alloc(t, WIRE_ALIGNED_ALLOC, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *memalign(size_t alignment, size_t bytes)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.memalign(alignment, bytes);
	block = real.memalign(alignment, bytes);
	emit_alloc(t, WIRE_MEMALIGN, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *valloc(size_t bytes)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.valloc(bytes);
	block = real.valloc(bytes);
	emit_alloc(t, WIRE_VALLOC, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *pvalloc(size_t bytes)
{
	struct thread *t = emit_enter();
	void *block;

	if (!t)
		return real.pvalloc(bytes);
	block = real.pvalloc(bytes);
	emit_alloc(t, WIRE_PVALLOC, block, bytes);
	emit_leave(t);
	return block;
}

HOOK void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	struct thread *t = emit_enter();
	void *memory;

	if (!t)
		return real.mmap(address, bytes, protection, flags, fd, offset);
	memory = real.mmap(address, bytes, protection, flags, fd, offset);
	if (memory != MAP_FAILED)
		emit_map(t, false, WIRE_MMAP, memory, bytes);
	emit_leave(t);
	return memory;
}

#undef mmap64
HOOK void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));

HOOK int munmap(void *address, size_t bytes)
{
	struct thread *t = emit_enter();
	bool announced;
	int status;

	if (!t)
		return real.munmap(address, bytes);
	announced = emit_unmap_begin(t, address, bytes);
	status = real.munmap(address, bytes);
	emit_unmap_end(t, announced, status == 0);
	emit_leave(t);
	return status;
}

HOOK void *mremap(void *old, size_t old_bytes, size_t bytes, int flags, ...)
{
	/* With no old size a shared mapping is mapped once more; the old one stays. */
	bool moves = old_bytes && !(flags & MREMAP_DONTUNMAP);
	struct thread *t = emit_enter();
	bool announced = false;
	void *target;
	void *memory;
	va_list arguments;

	va_start(arguments, flags);
	target = va_arg(arguments, void *);
	va_end(arguments);
	if (!t)
		return real.mremap(old, old_bytes, bytes, flags, target);
	if (moves)
		announced = emit_unmap_begin(t, old, old_bytes);
	memory = real.mremap(old, old_bytes, bytes, flags, target);
	emit_unmap_end(t, announced, memory != MAP_FAILED);
	if (memory != MAP_FAILED)
		emit_map(t, announced, WIRE_MREMAP, memory, bytes);
	emit_leave(t);
	return memory;
}

HOOK int brk(void *target)
{
	struct thread *t = emit_enter();
	char *before;
	bool announced = false;
	int status;

	if (!t)
		return real.brk(target);
	before = real.sbrk(0);
	if ((char *)target < before)
		announced = emit_unmap_begin(t, target, (size_t)(before - (char *)target));
	status = real.brk(target);
	emit_unmap_end(t, announced, status == 0);
	if (status == 0 && (char *)target > before)
		emit_map(t, false, WIRE_BRK, before, (size_t)((char *)target - before));
	emit_leave(t);
	return status;
}

HOOK void *sbrk(intptr_t bytes)
{
	struct thread *t = bytes ? emit_enter() : NULL;
	bool announced = false;
	char *before;

	if (!t)
		return real.sbrk(bytes);
	if (bytes < 0)
		announced = emit_unmap_begin(t, (char *)real.sbrk(0) + bytes, (size_t)-bytes);
	before = real.sbrk(bytes);
	emit_unmap_end(t, announced, before != (char *)-1);
	if (bytes > 0 && before != (char *)-1)
		emit_map(t, false, WIRE_SBRK, before, (size_t)bytes);
	emit_leave(t);
	return before;
}

static void hook_named(const char *name)
{
	struct thread *t = agent_is_off() ? NULL : emit_enter();

	if (!t)
		return;
	emit_thread_name(t, name);
	emit_leave(t);
}

HOOK int pthread_setname_np(pthread_t thread, const char *name)
{
	int status = real.pthread_setname_np(thread, name);

	if (status == 0 && pthread_equal(thread, pthread_self()))
		hook_named(name);
	return status;
}

HOOK int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list arguments;
	int status;

	va_start(arguments, option);
	for (int i = 0; i < 4; i++)
		argument[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	status = real.prctl(option, argument[0], argument[1], argument[2], argument[3]);
	if (option == PR_SET_NAME && status == 0)
		hook_named((const char *)argument[0]);
	return status;
}

HOOK int execve(const char *path, char *const *arguments, char *const *environment)
{
	bool told = agent_replace();
	int status = real.execve(path, arguments, environment);

	if (told)
		agent_stay();
	return status;
}

HOOK int execv(const char *path, char *const *arguments)
{
	bool told = agent_replace();
	int status = real.execv(path, arguments);

	if (told)
		agent_stay();
	return status;
}

HOOK int fexecve(int fd, char *const *arguments, char *const *environment)
{
	bool told = agent_replace();
	int status = real.fexecve(fd, arguments, environment);

	if (told)
		agent_stay();
	return status;
}

/* The hook of a name that someone looks up; *function is the C library's own. NULL: not hooked. */
static COLD void *hook_of(const char *name, void **function)
{
	static const struct {
		const char *name;
		void *hook;
		const void *function;
	} hooks[] = {
		{"malloc", malloc, &real.malloc},
		{"calloc", calloc, &real.calloc},
		{"realloc", realloc, &real.realloc},
		{"reallocarray", reallocarray, &real.reallocarray},
		{"free", free, &real.free},
		{"posix_memalign", posix_memalign, &real.posix_memalign},
		{"aligned_alloc", aligned_alloc, &real.aligned_alloc},
		{"memalign", memalign, &real.memalign},
		{"valloc", valloc, &real.valloc},
		{"pvalloc", pvalloc, &real.pvalloc},
		{"mmap", mmap, &real.mmap},
		{"munmap", munmap, &real.munmap},
		{"mremap", mremap, &real.mremap},
		{"brk", brk, &real.brk},
		{"sbrk", sbrk, &real.sbrk},
		{"mmap64", mmap64, &real.mmap},
	};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		if (strcmp(name, hooks[i].name) == 0) {
			memcpy(function, hooks[i].function, sizeof(*function));
			return hooks[i].hook;
		}
	}
	return NULL;
}

static COLD void *hook_dlsym_in(void *handle, const char *name)
{
	void *found = real.dlsym(handle, name);
	void *function = NULL;
	void *hook = found ? hook_of(name, &function) : NULL;

	return hook && found == function ? hook : found;
}

/* What a search for Python takes from malloc is not the program's. */
static COLD void hook_loaded(void *handle)
{
	struct thread *t = agent_is_off() ? NULL : emit_enter();

	if (t)
		t->busy = BUSY_INSIDE;
	agent_look_for_python(handle);
	if (t)
		emit_leave(t);
}

static void *volatile looked_in; /* the handle that was searched for a Python last */

static bool is_new_handle(void *handle)
{
	if (atomic_load_explicit(&agent.python, memory_order_relaxed) || handle == looked_in)
		return false;
	looked_in = handle;
	return true;
}

/* Who asks a certain library for malloc gets the hook, if what is there is what the hook stands in
 * front of. A search for the next one behind the caller must find that: the caller may be an
 * allocator itself. And as with dlopen, such a search depends on who calls. */
HOOK void *dlsym(void *restrict handle, const char *restrict name)
{
	if (handle != RTLD_DEFAULT && handle != RTLD_NEXT) {
		/* Also a library that Python came with, as that of a plugin. */
		if (UNLIKELY(is_new_handle(handle)))
			hook_loaded(handle);
		return hook_dlsym_in(handle, name);
	}
	return real.dlsym(handle, name);
}

/* A Python that is loaded by its path is looked at at once, any other when something is looked up
 * in what was loaded: the call must be a jump, since the loader searches on behalf of the function
 * that it would return to. */
static COLD void *hook_dlopen_python(const char *file, int mode)
{
	void *handle = real.dlopen(file, mode);

	if (handle)
		hook_loaded(handle);
	return handle;
}

HOOK void *dlopen(const char *file, int mode)
{
	if (UNLIKELY(file && file[0] == '/' && strstr(file, "/libpython")))
		return hook_dlopen_python(file, mode);
	looked_in = NULL;
	return real.dlopen(file, mode);
}
