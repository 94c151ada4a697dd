#include "capture/model.h"

static const char *const allocator_names[ALLOCATOR_END] = {
	[ALLOCATOR_NONE] = "unknown",
	[ALLOCATOR_MALLOC] = "malloc",
	[ALLOCATOR_CALLOC] = "calloc",
	[ALLOCATOR_REALLOC] = "realloc",
	[ALLOCATOR_REALLOCARRAY] = "reallocarray",
	[ALLOCATOR_POSIX_MEMALIGN] = "posix_memalign",
	[ALLOCATOR_ALIGNED_ALLOC] = "aligned_alloc",
	[ALLOCATOR_MEMALIGN] = "memalign",
	[ALLOCATOR_VALLOC] = "valloc",
	[ALLOCATOR_PVALLOC] = "pvalloc",
	[ALLOCATOR_MMAP] = "mmap",
	[ALLOCATOR_MREMAP] = "mremap",
	[ALLOCATOR_BRK] = "brk",
	[ALLOCATOR_SBRK] = "sbrk",
	[ALLOCATOR_PYMALLOC_MALLOC] = "pymalloc_malloc",
	[ALLOCATOR_PYMALLOC_CALLOC] = "pymalloc_calloc",
	[ALLOCATOR_PYMALLOC_REALLOC] = "pymalloc_realloc",
};

const char *allocator_name(unsigned allocator)
{
	return allocator < ALLOCATOR_END ? allocator_names[allocator] : "unknown";
}

static const char *const sample_wait_names[SAMPLE_WAIT_END] = {
	[SAMPLE_WAIT_NONE] = "none",       [SAMPLE_WAIT_FUTEX] = "futex",
	[SAMPLE_WAIT_POLL] = "poll",       [SAMPLE_WAIT_SLEEP] = "sleep",
	[SAMPLE_WAIT_READ] = "read",       [SAMPLE_WAIT_WRITE] = "write",
	[SAMPLE_WAIT_NETWORK] = "network", [SAMPLE_WAIT_CHILD] = "child",
	[SAMPLE_WAIT_FILE] = "file",       [SAMPLE_WAIT_OTHER] = "other",
	[SAMPLE_WAIT_KERNEL] = "kernel",
};

const char *sample_wait_name(unsigned wait)
{
	return wait < SAMPLE_WAIT_END ? sample_wait_names[wait] : "unknown";
}

static const char *const lost_reason_names[LOST_END] = {
	[LOST_FULL] = "buffer full",         [LOST_REENTRANT] = "signal handler",
	[LOST_STACK] = "stack unknown",      [LOST_SAMPLED] = "sampled block not followed",
	[LOST_THREADS] = "too many threads",
};

const char *lost_reason_name(unsigned reason)
{
	return reason < LOST_END ? lost_reason_names[reason] : "unknown";
}
