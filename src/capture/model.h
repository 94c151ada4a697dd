#pragma once

#include <stdint.h>

/*
 * What a capture says, whatever its bytes look like. Ids are dense and begin at 1, 0 means none;
 * they hold for the whole capture.
 *
 *   frame    one place in code: function, file, line, kind
 *   stack    a frame on top of a parent stack; stack 0 is empty
 *   thread   belongs to a process
 *   slot     names a live block: given out at its allocation, used again after its release
 *
 * All times are in ns of CLOCK_MONOTONIC since the start of the session.
 */

typedef uint32_t frame_id;
typedef uint32_t stack_id;
typedef uint32_t thread_id;
typedef uint32_t process_id;
typedef uint32_t slot_id;

enum frame_kind {
	FRAME_PYTHON = 0,
	FRAME_NATIVE = 1,
	FRAME_KERNEL = 2,
	FRAME_MARKER = 3, /* not code: "<frames omitted>", "<stack unknown>" */
};

/* Who made a block. The numbers are stored in captures: append only. The first sixteen are those of
 * the wire. */
enum allocator {
	ALLOCATOR_NONE = 0,
	ALLOCATOR_MALLOC,
	ALLOCATOR_CALLOC,
	ALLOCATOR_REALLOC,
	ALLOCATOR_REALLOCARRAY,
	ALLOCATOR_POSIX_MEMALIGN,
	ALLOCATOR_ALIGNED_ALLOC,
	ALLOCATOR_MEMALIGN,
	ALLOCATOR_VALLOC,
	ALLOCATOR_PVALLOC,
	ALLOCATOR_MMAP,
	ALLOCATOR_MREMAP,
	ALLOCATOR_BRK,
	ALLOCATOR_SBRK,
	ALLOCATOR_PYMALLOC_MALLOC,
	ALLOCATOR_PYMALLOC_CALLOC,
	ALLOCATOR_PYMALLOC_REALLOC,
	ALLOCATOR_END,
};

/* "malloc", ..., "pymalloc_realloc"; "unknown" for numbers of a later version. */
const char *allocator_name(unsigned allocator);

enum lost_reason {
	LOST_FULL,      /* the target produced faster than sonde could take, for too long */
	LOST_REENTRANT, /* allocated by a signal handler inside a hook */
	LOST_STACK,     /* the event is there, its stack is not */
	LOST_SAMPLED,   /* a sampled block could not be followed */
	LOST_THREADS,   /* more threads at once than the session has room for */
	LOST_END,
};

const char *lost_reason_name(unsigned reason);

/* What a thread did at a sample. Stored in captures: append only. */
enum sample_flag {
	SAMPLE_RUNNING = 1u << 0, /* on a CPU, or waiting for one */
	SAMPLE_HOLDS_GIL = 1u << 1,
	SAMPLE_WAITS_GIL = 1u << 2,
	SAMPLE_GC = 1u << 3,      /* its interpreter is in a garbage collection that it runs */
	SAMPLE_PAUSED = 1u << 4,  /* read while the thread was stopped */
	SAMPLE_UNKNOWN = 1u << 5, /* the stack could not be read */
};

/* On what a blocked thread waited. Stored in captures: append only. The numbers are those of enum
 * task_wait (target/tasks.h). */
enum sample_wait {
	SAMPLE_WAIT_NONE = 0,
	SAMPLE_WAIT_FUTEX = 1, /* a lock, a condition */
	SAMPLE_WAIT_POLL = 2,  /* select, poll, epoll */
	SAMPLE_WAIT_SLEEP = 3, /* nanosleep and its kin */
	SAMPLE_WAIT_READ = 4,
	SAMPLE_WAIT_WRITE = 5,
	SAMPLE_WAIT_NETWORK = 6, /* accept, connect, recv, send */
	SAMPLE_WAIT_CHILD = 7,   /* wait for a process */
	SAMPLE_WAIT_FILE = 8,    /* open, stat, sync, .. */
	SAMPLE_WAIT_OTHER = 9,   /* another system call */
	SAMPLE_WAIT_KERNEL = 10, /* no system call: a page fault, say */
	SAMPLE_WAIT_END,
};

/* "none", "futex", "poll", ..; "unknown" for numbers of a later version. */
const char *sample_wait_name(unsigned wait);

/* One sample as the reader hands it out. */
struct sample_event {
	uint64_t time_ns; /* right to a 16th of the period */
	thread_id thread;
	stack_id stack; /* 0: no Python code, or SAMPLE_UNKNOWN */
	uint16_t flags; /* enum sample_flag */
	uint16_t wait;  /* enum sample_wait */
};

enum event_kind {
	EVENT_ALLOC = 1,
	EVENT_FREE = 2,
	EVENT_SHRINK = 3, /* part of a mapping went away; the slot stays */
};

/* One event as the reader hands it out. */
struct event {
	uint8_t kind;      /* enum event_kind */
	uint8_t allocator; /* ALLOC */
	uint16_t reserved;
	thread_id thread; /* who allocated (ALLOC) or released */
	slot_id slot;
	stack_id stack;   /* ALLOC */
	uint64_t bytes;   /* ALLOC: size requested; SHRINK: bytes that went away */
	uint64_t time_ns; /* right to a few milliseconds */
};
