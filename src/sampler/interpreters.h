#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/view.h"
#include "target/runtime.h"
#include "target/tasks.h"

/* The interpreters of a process and their thread states. */
struct interpreter {
	uint64_t address;
	int64_t id;
	uint64_t gil;        /* address of its GIL's state; 0: none, or switched off */
	uint64_t gil_holder; /* thread state, 0: nobody */
	uint64_t generation; /* address of its code generation; 0: this Python has none */
	uint64_t head;       /* first thread state */
	uint64_t next;
	bool collects; /* garbage */
};

struct thread_state {
	uint64_t address, interp;
	uint64_t frame;
	pid_t inner_tid; /* 0: not known */
	uint64_t pthread;
};

struct interpreters {
	const struct target *target;
	const struct target_runtime *runtime;
	struct interpreter *items;
	size_t count, room;
	struct thread_state *states;
	size_t state_count, state_room;
	uint64_t head;
	uint32_t tid_offset; /* in the C library's struct of a thread; 0: not known yet */
	uint64_t reads;
};

void interpreters_init(struct interpreters *interpreters, const struct target *target,
		       const struct target_runtime *runtime);
void interpreters_deinit(struct interpreters *interpreters);

enum interpreters_result {
	INTERPRETERS_SAME,
	INTERPRETERS_CHANGED, /* there may be others: list them */
	INTERPRETERS_GONE,    /* the memory cannot be read any more */
};

/* One read: who holds the GIL, who collects garbage, whether the lists have other heads. */
enum interpreters_result interpreters_look(struct interpreters *interpreters);

/*
 * The same, for a process with one interpreter, along with a reading of a stack, which says who
 * holds the GIL: `places` are to be read first, and then interpreters_looked says what
 * they mean. Returns how many; 0: look alone.
 */
#define INTERPRETERS_WORDS_MAX 3u
#define INTERPRETERS_SPAN      1024u

struct interpreters_words {
	uint64_t first;
	uint32_t begin, bytes; /* of the interpreter: where its words are */
	unsigned char span[INTERPRETERS_SPAN];
	int32_t collects; /* where that is not one of them */
};

size_t interpreters_words(const struct interpreters *interpreters, struct interpreters_words *words,
			  struct view_words *places);
enum interpreters_result interpreters_looked(struct interpreters *interpreters,
					     const struct interpreters_words *words,
					     uint64_t gil_holder);

/* Follows the lists. tasks: for Pythons that do not know the kernel's ids of their threads. */
void interpreters_list(struct interpreters *interpreters, const struct tasks *tasks);

const struct interpreter *interpreters_find(const struct interpreters *interpreters,
					    uint64_t address);

/* The thread state that a native thread runs, or ran last; NULL if Python does not know it. */
const struct thread_state *interpreters_state_of(const struct interpreters *interpreters,
						 const struct task *task);

/* Whether this address is what threads that wait for the GIL wait on. */
bool interpreter_owns_futex(const struct interpreter *interpreter, uint64_t address);
