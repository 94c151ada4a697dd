#include "agent/domains.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "agent/emit.h"
#include "agent/real.h"

/* PyMemAllocatorEx and PyMemAllocatorDomain, Include/cpython/pymem.h: the same in 3.8 to 3.15. */
struct allocator {
	void *context;
	void *(*malloc)(void *, size_t);
	void *(*calloc)(void *, size_t, size_t);
	void *(*realloc)(void *, void *, size_t);
	void (*free)(void *, void *);
};

enum domain {
	DOMAIN_RAW,
	DOMAIN_MEM,
	DOMAIN_OBJ,
	DOMAIN_END,
};

static struct allocator inner[DOMAIN_END];
static void (*get_allocator)(enum domain, struct allocator *);
static void (*set_allocator)(enum domain, struct allocator *);

/* What Python's allocator takes from malloc or mmap meanwhile is inside this block. */
static inline struct thread *domain_enter(void)
{
	struct thread *t = agent_is_off() ? NULL : emit_enter();

	if (t)
		t->busy = BUSY_INSIDE;
	return t;
}

static inline void *domain_malloc(const struct allocator *a, size_t bytes)
{
	struct thread *t = domain_enter();
	void *block = a->malloc(a->context, bytes);

	if (t) {
		emit_alloc(t, WIRE_PYMALLOC_MALLOC, block, bytes);
		emit_leave(t);
	}
	return block;
}

static inline void *domain_calloc(const struct allocator *a, size_t count, size_t size)
{
	struct thread *t = domain_enter();
	void *block = a->calloc(a->context, count, size);

	if (t) {
		emit_alloc(t, WIRE_PYMALLOC_CALLOC, block, count * size);
		emit_leave(t);
	}
	return block;
}

static inline void *domain_realloc(const struct allocator *a, void *old, size_t bytes)
{
	struct thread *t = domain_enter();
	bool announced;
	void *block;

	if (!t)
		return a->realloc(a->context, old, bytes);
	announced = emit_realloc_begin(t, old);
	block = a->realloc(a->context, old, bytes);
	/* Python's realloc to 0 gives a block of size 0: without one it failed. */
	emit_realloc_end(t, announced, WIRE_PYMALLOC_REALLOC, old, block,
			 block || bytes ? bytes : 1);
	emit_leave(t);
	return block;
}

static inline void domain_free(const struct allocator *a, void *block)
{
	struct thread *t = block ? domain_enter() : NULL;

	if (!t) {
		a->free(a->context, block);
		return;
	}
	emit_free(t, block);
	t->releasing = block;
	a->free(a->context, block);
	t->releasing = NULL;
	emit_leave(t);
}

/* The context argument is not used: while set_allocator copies its five words, another thread may
 * see a new function with an old context. */
#define DOMAIN(name, which)                                                  \
	static void *name##_malloc(void *context, size_t bytes)              \
	{                                                                    \
		(void)context;                                               \
		return domain_malloc(&inner[which], bytes);                  \
	}                                                                    \
	static void *name##_calloc(void *context, size_t count, size_t size) \
	{                                                                    \
		(void)context;                                               \
		return domain_calloc(&inner[which], count, size);            \
	}                                                                    \
	static void *name##_realloc(void *context, void *old, size_t bytes)  \
	{                                                                    \
		(void)context;                                               \
		return domain_realloc(&inner[which], old, bytes);            \
	}                                                                    \
	static void name##_free(void *context, void *block)                  \
	{                                                                    \
		(void)context;                                               \
		domain_free(&inner[which], block);                           \
	}

DOMAIN(raw, DOMAIN_RAW)
DOMAIN(mem, DOMAIN_MEM)
DOMAIN(obj, DOMAIN_OBJ)

static const struct allocator outer[DOMAIN_END] = {
	[DOMAIN_RAW] = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free},
	[DOMAIN_MEM] = {NULL, mem_malloc, mem_calloc, mem_realloc, mem_free},
	[DOMAIN_OBJ] = {NULL, obj_malloc, obj_calloc, obj_realloc, obj_free},
};

bool domains_find(void *handle)
{
	void *get = real.dlsym(handle, "PyMem_GetAllocator");
	void *set = real.dlsym(handle, "PyMem_SetAllocator");

	memcpy(&get_allocator, &get, sizeof(get));
	memcpy(&set_allocator, &set, sizeof(set));
	return get && set;
}

void domains_wrap(void)
{
	for (int domain = 0; domain < DOMAIN_END; domain++) {
		struct allocator wrapped = outer[domain];

		get_allocator((enum domain)domain, &inner[domain]);
		wrapped.context = inner[domain].context;
		set_allocator((enum domain)domain, &wrapped);
	}
}
