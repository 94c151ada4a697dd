#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/chunks.h"
#include "sampler/codes.h"
#include "sampler/view.h"
#include "target/runtime.h"

/*
 * The Python stack of one thread, read while it runs. See stack.c for what makes a reading good.
 */
struct stack_frame {
	uint64_t address; /* of the frame */
	uint64_t code;    /* of its code object, untagged */
	uint64_t instr;   /* as it stands */
	int32_t tlbc_index;
	int32_t stack_top; /* 3.11 to 3.13: -1 while its own code runs */
	bool has_called;   /* 3.13+: a Python function, since it was pushed */
	uint8_t owner;
	bool is_entry;   /* 3.11: called from C */
	uint32_t place;  /* as struct trace_node has it */
	uint32_t number; /* of its code in the tree; 0: it has none */
	uint32_t node;   /* of it and all below it */
};

struct stack {
	uint64_t tstate;
	/* What the thread state said at the last reading. */
	uint64_t interp, native_id, thread_id, next;
	bool holds_gil;
	uint64_t gil_holder; /* 0: nobody, or there is none */
	bool has_along;      /* the last reading took them */

	/* Innermost first; good after STACK_GOOD. Frames without code of their own are left out by
	 * giving them the node of the frame below. */
	struct stack_frame *frames;
	size_t count, room;

	/* Private. */
	struct view view;
	uint64_t cframe; /* where it was last */
	uint64_t generation;
	unsigned char *copy;      /* of the thread state */
	struct stack_frame *last; /* the good reading before, outermost first */
	size_t last_count, last_room;
	uint64_t last_leaf;
	struct code **codes; /* of frames */
	size_t codes_room;
	uint64_t *doubtful; /* addresses of code objects that are to be checked */
	size_t doubtful_room;
	/* Those of the innermost frames of the last reading. */
	uint64_t foreseen[CODES_FORESEEN_MAX];
	size_t foreseen_count;
	struct chunks chunks;
};

enum stack_result {
	STACK_GOOD,
	STACK_CHANGED,   /* it changed while it was read */
	STACK_ELSEWHERE, /* it is not where it was last: the next reading knows where */
	STACK_GONE,      /* there is no such thread state any more */
	STACK_LOST,      /* the process is gone */
};

struct stack_target {
	const struct target *target;
	const struct target_runtime *runtime;
	struct codes *codes;
	struct trace_tree *tree;
	uint64_t gil;        /* address of the GIL's state of its interpreter, 0: none */
	uint64_t generation; /* address of the code generation, 0: this Python has none */
	/* What else is to be read in the same system call, behind the frames. */
	const struct view_words *along;
	size_t along_count;
};

#define STACK_ALONG_MAX 3u

void stack_init(struct stack *stack, uint64_t tstate);
void stack_deinit(struct stack *stack);

/* is_still: the thread does not run meanwhile. *node is its stack in the tree. */
enum stack_result stack_read(struct stack *stack, const struct stack_target *from, bool is_still,
			     uint32_t *node);
