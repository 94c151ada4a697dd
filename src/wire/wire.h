#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the agent (in the target) and the collector (in sonde) share: one sparse memory file, the
 * session. It holds a header, a table of processes, and one area per process image that loaded the
 * agent. Nothing in it is a pointer; every page that nobody touched costs nothing.
 *
 *   session  one recording; made by the collector, survives every target
 *   area     what one process image writes: header, threads, rings, nodes, codes, heap
 *   ring     one thread's stream of records, single producer, single consumer
 *   ticket   a run of records of one thread, ordered against the runs of other threads
 *   node     one Python frame at one instruction, on top of its parent node: a stack is a node id
 *   code     one code object; its definition (names, line table) lies in the heap
 *
 * Order. The area's `turn` word holds (sequence, thread slot). A thread that finds its own slot in
 * it goes on in its current ticket; any other takes the next sequence with a compare-and-swap and
 * says so in its ring. The word is looked at after a real allocation and before a real release.
 *
 *   1. If record a happened before record b in the program, ticket(a) <= ticket(b), and a comes
 *      first in the ring when the tickets are equal.
 *   2. A record that is not yet published is one whose hook has not returned: nothing that is
 *      published can depend on it.
 *   3. So a reader that notes every ring's head twice, and merges by ticket what the second look
 *      shows until it has consumed what the first look showed, sees every cause before its effect,
 *      and never waits for a thread.
 *   4. Nodes, codes and heap bytes are written before the first record that needs them is
 *      published, and never change after that.
 */

#define WIRE_MAGIC   0x31657269576e6f53ull /* "SonWire1" */
#define WIRE_VERSION 1u

#define WIRE_PAGE_BYTES 65536u /* the largest page of any kernel */

#define WIRE_PROCESS_MAX 256u
#define WIRE_THREAD_MAX  1024u
#define WIRE_RING_WORDS  65536u /* 512 KiB a thread, touched as used */
#define WIRE_NODE_MAX    (1u << 24)
#define WIRE_CODE_MAX    (1u << 20)
#define WIRE_HEAP_BYTES  (256u << 20)

/* Session environment variable: "<inherited fd>:<collector pid>:<collector fd>". */
#define WIRE_ENVIRONMENT "SONDE_AGENT_SESSION"

/* One record: 1 to 3 words. Bits 56..63 of the first hold the kind, bits 48..55 a detail (the
 * allocator, or 0), bits 0..47 the value: user-space addresses have no more on x86-64 and aarch64.
 * Unless said otherwise a record is one word. */
enum wire_kind {
	WIRE_PAD = 0,         /* never written */
	WIRE_TICKET = 1,      /* value: sequence; the records that follow belong to it */
	WIRE_TIME = 2,        /* value: session clock in ns / 1024; the records that follow are not
			       * older */
	WIRE_ALLOC = 3,       /* value: address, detail: allocator; word 1: size << 32 | node */
	WIRE_ALLOC_LARGE = 4, /* value: address, detail: allocator; word 1: node; word 2: size */
	WIRE_FREE = 5,        /* value: address */
	WIRE_REALLOC_BEGIN = 6,  /* value: address; before the real call. The block is undecided
				  * until this thread's next REALLOC_ or ALLOC record */
	WIRE_REALLOC_FAILED = 7, /* the block of REALLOC_BEGIN stays what it was */
	WIRE_REALLOC_FREED = 8,  /* realloc(p, 0) that released p. Success is an ALLOC with the
				  * same allocator, which releases the undecided block */
	WIRE_MAP = 9,            /* value: address, detail: allocator; word 1: node; word 2: length.
				  * Replaces whatever was mapped there */
	WIRE_UNMAP_BEGIN = 10,   /* value: address; word 1: length; before the real call */
	WIRE_UNMAP_END = 11,     /* detail: 1 if the range of UNMAP_BEGIN is gone, 0 if the call
				  * failed. mremap: UNMAP_BEGIN, UNMAP_END, then MAP if it succeeded */
	WIRE_THREAD_NAME = 12,   /* words 1 and 2: the name this thread gave itself, 16 bytes, zeros
				  * behind it */
};

#define WIRE_KIND_SHIFT   56
#define WIRE_DETAIL_SHIFT 48
#define WIRE_VALUE_MASK   ((1ull << WIRE_DETAIL_SHIFT) - 1)
#define WIRE_TIME_SHIFT   10

static inline uint64_t wire_word(enum wire_kind kind, unsigned detail, uint64_t value)
{
	return (uint64_t)kind << WIRE_KIND_SHIFT | (uint64_t)detail << WIRE_DETAIL_SHIFT |
	       (value & WIRE_VALUE_MASK);
}

static inline unsigned wire_record_words(enum wire_kind kind)
{
	switch (kind) {
	case WIRE_ALLOC:
	case WIRE_UNMAP_BEGIN:
		return 2;
	case WIRE_ALLOC_LARGE:
	case WIRE_MAP:
	case WIRE_THREAD_NAME:
		return 3;
	default:
		return 1;
	}
}

/* The C function, or Python allocator, that made a block. Stored in captures: append only. */
enum wire_allocator {
	WIRE_MALLOC = 1,
	WIRE_CALLOC,
	WIRE_REALLOC,
	WIRE_REALLOCARRAY,
	WIRE_POSIX_MEMALIGN,
	WIRE_ALIGNED_ALLOC,
	WIRE_MEMALIGN,
	WIRE_VALLOC,
	WIRE_PVALLOC,
	WIRE_MMAP,
	WIRE_MREMAP,
	WIRE_BRK,
	WIRE_SBRK,
	WIRE_PYMALLOC_MALLOC,
	WIRE_PYMALLOC_CALLOC,
	WIRE_PYMALLOC_REALLOC,
	WIRE_ALLOCATOR_END,
};

/* Why an event is missing; counted per thread, never silent. */
enum wire_lost {
	WIRE_LOST_FULL,      /* ring full: --drop, or the bounded wait ran out */
	WIRE_LOST_REENTRANT, /* a signal handler allocated inside a hook */
	WIRE_LOST_STACK, /* event kept, its stack is not: node or code table full, or unreadable */
	WIRE_LOST_SAMPLED, /* a sampled block had no room in the table of sampled blocks */
	WIRE_LOST_END,
};

/* Node ids with a meaning of their own. */
#define WIRE_NODE_EMPTY   0u /* no Python frames */
#define WIRE_NODE_UNKNOWN 1u /* the stack could not be recorded: reports show a marker frame */
#define WIRE_NODE_OMITTED 2u /* parent of the outermost frame kept when the cap was reached */
#define WIRE_NODE_FIRST   16u

/* Offsets and sizes of what an area holds. The strides are virtual; pages appear when touched. */
struct wire_node {
	uint32_t parent; /* node id */
	uint32_t code;   /* code id */
	uint32_t instr;  /* what the frame says of its position: f_lasti for a Python whose layout
			  * is PYABI_INSTR_INDEX, else the byte distance from the code object */
	uint32_t reserved;
};
_Static_assert(sizeof(struct wire_node) == 16, "wire_node");

/* A code object's definition, in the heap at `offset`: struct wire_code_text, then its bytes. */
struct wire_code {
	_Atomic uint32_t ready; /* 1 once offset is valid and the text is complete */
	uint32_t offset;        /* from the start of the heap, in units of 8 bytes; ~0: no room */
};
_Static_assert(sizeof(struct wire_code) == 8, "wire_code");

struct wire_code_text {
	uint32_t bytes; /* of this struct and all that follows it, padded to 8 */
	int32_t first_line;
	uint32_t name_bytes; /* qualified name where the Python has one */
	uint32_t file_bytes;
	uint32_t linetable_bytes;
	uint8_t name_kind; /* bytes per character: 1 (Latin-1 or ASCII), 2 or 4 */
	uint8_t file_kind;
	uint16_t flags; /* WIRE_CODE_CUT: a text was longer than allowed and is cut */
			/* name, file, line table, without terminators */
};
_Static_assert(sizeof(struct wire_code_text) == 24, "wire_code_text");
#define WIRE_CODE_CUT 1u

enum wire_thread_state {
	WIRE_THREAD_FREE = 0,
	WIRE_THREAD_USED = 1, /* set by the thread, cleared by the collector once the thread is gone
			       * and its ring is empty */
};

struct wire_thread {
	/* written by the thread */
	_Alignas(64) _Atomic uint64_t head; /* words ever published; never reset */
	_Atomic uint32_t state;
	_Atomic uint32_t tid; /* in the target's PID namespace */
	_Atomic uint64_t lost[WIRE_LOST_END];
	/* written by the collector */
	_Alignas(64) _Atomic uint64_t tail; /* words ever consumed */
};
_Static_assert(sizeof(struct wire_thread) == 128, "wire_thread");

enum wire_process_state {
	WIRE_PROCESS_FREE = 0,
	WIRE_PROCESS_CLAIMED = 1, /* by an agent, with compare-and-swap; area being filled in */
	WIRE_PROCESS_READY = 2,   /* area header valid; recording from now on */
	WIRE_PROCESS_DONE = 3,    /* the agent stopped by itself: user code ended, or the collector
				   * was gone for too long */
};

/* Head of an area. `turn`: sequence << 16 | thread slot. */
struct wire_area {
	_Alignas(64) _Atomic uint64_t turn;
	_Alignas(64) _Atomic uint32_t node_count; /* ids handed out, from WIRE_NODE_FIRST */
	_Atomic uint32_t code_count;              /* ids handed out, from 1 */
	_Atomic uint64_t heap_bytes;              /* handed out */
	_Atomic uint64_t lost_threads;            /* events of threads that got no slot */
	_Atomic uint32_t thread_high;             /* slots ever used: none at or above */
	uint32_t pid;                             /* in the target's own PID namespace */
	uint32_t parent_pid;
	uint32_t python_version;   /* PY_VERSION_HEX, 0 while none was found */
	_Atomic uint32_t stopped;  /* enum wire_stop */
	uint32_t python_flags;     /* WIRE_PYTHON_* */
	uint32_t own_malloc;       /* 1: the program's malloc is its own and cannot be seen */
	uint64_t start_time_ns;    /* session clock when recording began */
	char python_allocator[32]; /* "pymalloc", "malloc", "mimalloc", .. + "_debug" */
	/* What pyabi_line needs of the agent's struct pyabi_layout: linetable, features and
	 * code_bytecode. Set before the first node that has a code object. */
	uint32_t layout_linetable;
	uint32_t layout_features;
	uint32_t layout_code_bytecode;
};

#define WIRE_PYTHON_FREE_THREADED     1u
#define WIRE_PYTHON_DEBUG             2u
#define WIRE_PYTHON_ALLOCATORS_TRACED 4u

enum wire_stop {
	WIRE_STOP_NONE = 0,
	WIRE_STOP_FINISHED = 1,  /* the user's code had ended */
	WIRE_STOP_COLLECTOR = 2, /* the collector was gone */
	WIRE_STOP_REPLACED = 3,  /* it runs another program in its place, or is about to try */
};

#define WIRE_AREA_THREADS WIRE_PAGE_BYTES
#define WIRE_AREA_CODES   (WIRE_AREA_THREADS + WIRE_THREAD_MAX * (uint64_t)sizeof(struct wire_thread))
#define WIRE_AREA_NODES   (WIRE_AREA_CODES + WIRE_CODE_MAX * (uint64_t)sizeof(struct wire_code))
#define WIRE_AREA_HEAP    (WIRE_AREA_NODES + WIRE_NODE_MAX * (uint64_t)sizeof(struct wire_node))
#define WIRE_AREA_RINGS   (WIRE_AREA_HEAP + WIRE_HEAP_BYTES)
#define WIRE_AREA_BYTES   (WIRE_AREA_RINGS + WIRE_THREAD_MAX * (uint64_t)WIRE_RING_WORDS * 8)
_Static_assert(sizeof(struct wire_area) <= WIRE_AREA_THREADS, "wire_area");
_Static_assert(WIRE_AREA_BYTES % WIRE_PAGE_BYTES == 0, "areas are page aligned");
_Static_assert(WIRE_AREA_HEAP % WIRE_PAGE_BYTES == 0 && WIRE_AREA_RINGS % WIRE_PAGE_BYTES == 0,
	       "heap and rings are given back page by page");

/* What starts recording. */
enum wire_start {
	WIRE_START_AT_ONCE = 0, /* when the agent is loaded */
	WIRE_START_SCRIPT = 1,  /* outermost frame is <module> of a file, or runpy's (a folder or
				 * zip as script) */
	WIRE_START_MODULE = 2,  /* outermost frame is runpy's _run_module_as_main */
	WIRE_START_COMMAND = 3, /* outermost frame is <module> of <string> */
	WIRE_START_STDIN = 4,   /* outermost frame is <module> of <stdin> */
};

#define WIRE_SESSION_PYTHON_ALLOCATORS 1u /* trace PyMem_* too */
#define WIRE_SESSION_DROP              2u /* ring full: drop and count instead of waiting */
#define WIRE_SESSION_STOP_AT_END       4u /* stop when the interpreter begins to tear down */
#define WIRE_SESSION_SINGLE            8u /* the first process that starts is the only one */

struct wire_session {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	_Atomic uint32_t collector_pid; /* 0: it wants no more */
	uint32_t start;                 /* enum wire_start */
	uint64_t sample_rate_bytes;  /* 0: every event. Mappings and brk are never sampled: always
					all */
	_Atomic uint32_t single_pid; /* WIRE_SESSION_SINGLE: the process that started, set once */
	_Atomic uint32_t denied;     /* processes that could not map an area */
	_Atomic uint32_t foreign;    /* processes that could not take part: see pid_namespace */
	_Atomic uint32_t refused_python; /* PY_VERSION_HEX of the first that pyabi does not know */
	/* The collector's, as /proc says it; "" if that is not known. Who has another one has
	 * numbers for itself and its threads that mean nothing to the collector. */
	char pid_namespace[32];
	/* written by the collector every few milliseconds: CLOCK_MONOTONIC minus the session's
	 * start */
	_Alignas(64) _Atomic uint64_t clock_ns;
	/* 1 while the collector sleeps: an agent with a ring half full wakes it by this futex */
	_Alignas(64) _Atomic uint32_t asleep;
	_Atomic uint32_t refused; /* processes that found no free place in the table */
	_Alignas(64) struct {
		_Atomic uint32_t state; /* enum wire_process_state */
		_Atomic uint32_t pid;
	} process[WIRE_PROCESS_MAX];
};

#define WIRE_SESSION_BYTES WIRE_PAGE_BYTES
_Static_assert(sizeof(struct wire_session) <= WIRE_SESSION_BYTES, "wire_session");

static inline uint64_t wire_area_offset(unsigned process)
{
	return WIRE_SESSION_BYTES + process * WIRE_AREA_BYTES;
}

static inline struct wire_thread *wire_threads(struct wire_area *area)
{
	return (struct wire_thread *)((char *)area + WIRE_AREA_THREADS);
}

static inline struct wire_code *wire_codes(struct wire_area *area)
{
	return (struct wire_code *)((char *)area + WIRE_AREA_CODES);
}

static inline struct wire_node *wire_nodes(struct wire_area *area)
{
	return (struct wire_node *)((char *)area + WIRE_AREA_NODES);
}

static inline char *wire_heap(struct wire_area *area)
{
	return (char *)area + WIRE_AREA_HEAP;
}

static inline uint64_t *wire_ring(struct wire_area *area, unsigned thread)
{
	return (uint64_t *)((char *)area + WIRE_AREA_RINGS) + (uint64_t)thread * WIRE_RING_WORDS;
}
