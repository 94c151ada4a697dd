#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyabi/layout.h"
#include "wire/wire.h"

/*
 * The agent lives inside the target's malloc. It allocates only with mmap, takes no lock, never
 * prints, keeps errno, and does nothing at all while `state` is AGENT_OFF.
 *
 *   OFF    hooks go straight through. Also what a forked child sees: the page is wiped on fork.
 *   ARMED  waiting for the first line of the user's code
 *   ON     recording
 *
 *   OFF -> ARMED -> ON -> OFF, and OFF -> ON when recording begins at once
 */
enum agent_state {
	AGENT_OFF = 0,
	AGENT_ARMED = 1,
	AGENT_ON = 2,
};

/* What a hook is in the middle of on this thread; anything but IDLE keeps events out. */
enum agent_busy {
	BUSY_IDLE = 0,
	BUSY_EMITTING = 1, /* our own code: an event now comes from a signal handler and is lost */
	BUSY_CALLING = 2,  /* the C library's function: it does not call hooks, a handler may */
	BUSY_INSIDE = 3, /* another allocator, or Python's own: what it gets is its own business */
};

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD        __attribute__((noinline, cold))

#define AGENT_PAGE_BYTES WIRE_PAGE_BYTES

/* One page of its own, MADV_WIPEONFORK: a child of fork or clone reads OFF. */
struct agent_page {
	_Atomic uint32_t state;
	char padding[AGENT_PAGE_BYTES - 4];
};

extern struct agent_page agent_page;

/* Frames of one stack. Deeper ones keep the innermost, at least half as many. */
#define STACK_LEVEL_MAX 32768u
#define STACK_JOIN_SIZE 256u
#define CODE_CACHE_SIZE 256u

/* One frame of the stack that this thread recorded last. */
struct stack_level {
	uintptr_t frame;
	uintptr_t instr;
	uintptr_t code;
	uint32_t parent; /* node of the level below */
	uint32_t node;
};

/*
 * A thread's own state, found through TLS, one per wire thread slot and never unmapped: frees
 * arrive after TLS destructors.
 */
struct thread {
	/* ring */
	uint64_t *ring;
	uint64_t head;  /* words written */
	uint64_t limit; /* words that fit before the tail must be looked at again */
	struct wire_thread *shared;
	uint32_t slot;
	volatile uint32_t busy; /* enum agent_busy */
	const void *releasing;  /* by an allocator of Python's, which hands it down to others */
	uint64_t time;          /* last WIRE_TIME value written */
	int64_t sample_left_bytes;
	uint64_t random;

	/* stack */
	uint32_t depth;      /* levels [0, depth) are the last stack, outermost first */
	uint32_t high;       /* levels [0, high) may be looked at for a level seen before */
	uint32_t generation; /* of code objects, when the levels were recorded */
	uint32_t base;       /* the node below level 0 */
	struct stack_level *levels;
	uintptr_t *fresh;
	uint16_t join[STACK_JOIN_SIZE];
	struct {
		uintptr_t code;
		uint32_t id;
	} codes[CODE_CACHE_SIZE];
};

/* Everything about this process; written once before `state` leaves OFF, but for the atomics. */
struct agent {
	struct wire_session *session;
	struct wire_area *area;
	struct wire_node *nodes;
	uint32_t process;   /* slot in the session's table */
	volatile bool drop; /* do not wait for room */
	uint32_t calling;   /* BUSY_CALLING or BUSY_INSIDE: what the real allocator is */
	uint64_t sample_rate_bytes;

	/* Python, once found */
	_Atomic bool python;
	struct pyabi_layout layout;
	bool compare_code; /* equal instr does not imply the same code object */
	const char *runtime;
	void *(*this_thread_state)(void); /* PyGILState_GetThisThreadState */
	_Atomic bool up;                  /* the interpreter was seen running */
	void *const volatile *finalizing; /* stop once it is not NULL; never NULL itself */
	const void *code_type;
	uintptr_t stack_end;              /* of the first thread */
	_Atomic uint32_t code_generation; /* grows when a code object that we know dies */
};

extern struct agent agent;

extern __thread struct thread *agent_thread __attribute__((tls_model("initial-exec")));

/* boot.c */
/* The program has loaded something, which handle names: if it is or holds the first Python, what
 * waited for one goes on. */
void agent_look_for_python(void *handle);
/* ARMED -> ON. */
COLD void agent_start(void);
/* Ends recording for good: the user's code is over, or nobody listens. */
COLD void agent_stop(enum wire_stop why);

/* Around exec: notes that what comes now is not this program any more. False: nobody needs to know.
 */
COLD bool agent_replace(void);
/* It failed. */
COLD void agent_stay(void);

/* thread.c: this thread's state, registered at first use; NULL when there is no room (counted). */
COLD struct thread *thread_register(void);

static inline struct thread *thread_get(void)
{
	struct thread *t = agent_thread;

	return LIKELY(t) ? t : thread_register();
}

static inline bool agent_is_off(void)
{
	return atomic_load_explicit(&agent_page.state, memory_order_relaxed) == AGENT_OFF;
}
