#pragma once

#include "agent/agent.h"

/*
 * Code objects. An id stands for what a code object says (name, file, line table), not for its
 * address: an address is forgotten when the object at it dies, and an object that says the same as
 * an earlier one gets the earlier id.
 */

/* The id of the live code object at `code`, defining it first if need be; 0 if there is no room. */
uint32_t code_define(struct thread *t, uintptr_t code);

/* To be called before the object's memory is released. */
void code_forget(uintptr_t code);

/* Whether the str at code + offset is `text`. */
bool code_text_is(uintptr_t code, uint32_t offset, const char *text);
/* Whether it begins with `text`. */
bool code_text_begins(uintptr_t code, uint32_t offset, const char *text);

static inline uint32_t code_id(struct thread *t, uintptr_t code)
{
	uint32_t place = (uint32_t)(code >> 4 ^ code >> 12) & (CODE_CACHE_SIZE - 1);

	if (LIKELY(t->codes[place].code == code))
		return t->codes[place].id;
	t->codes[place].id = code_define(t, code);
	t->codes[place].code = code;
	return t->codes[place].id;
}
