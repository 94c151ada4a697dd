#pragma once

#include <stddef.h>
#include <stdint.h>

#include "analysis/course.h"
#include "base/intern.h"
#include "report/json.h"

/* The parts of a processed profile of the Firefox Profiler (report/gecko.c), thread by thread. */

/* The first one is for what has none; its colour has to be grey. */
enum gecko_category {
	GECKO_OTHER,
	GECKO_PYTHON,
	GECKO_NATIVE,
	GECKO_KERNEL,
	GECKO_GIL,
	GECKO_GC,
	GECKO_CATEGORIES,
};

/* Some of many things that are numbered, in the order in which they came up. */
struct gecko_selection {
	uint32_t *number; /* [thing]: its place in `things` + 1; 0: not selected */
	uint32_t *things;
	size_t count, room;
};

struct gecko {
	const struct profile *profile;
	const struct course *course;
	const struct course_thread *thread; /* at hand */
	struct json json;
	struct intern *strings;
	frame_id *functions;                            /* [frame]: the first of its function */
	struct gecko_selection stacks, frames, callees; /* of the thread; callees are functions */
};

/* The place of a text among the shared strings. */
uint64_t gecko_string(struct gecko *gecko, const char *text);
/* Times are in ms. */
void gecko_write_ms(uint64_t ns, struct json *json);

void gecko_tables_init(struct gecko *gecko);
void gecko_tables_deinit(struct gecko *gecko);
/* Selects the stacks of the thread at hand, and what they are made of. */
void gecko_tables_select(struct gecko *gecko);
/* Where the stack of a run stands in the thread's table. */
uint32_t gecko_tables_stack(const struct gecko *gecko, stack_id stack);
/* The keys "stackTable", "frameTable" and "funcTable". */
void gecko_tables_write(struct gecko *gecko);

/* The keys "samples" and "markers". */
void gecko_samples_write(struct gecko *gecko);
