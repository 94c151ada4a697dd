#include "agent/emit.h"

#include <string.h>

void emit_nested(struct thread *t)
{
	if (t->busy != BUSY_INSIDE)
		ring_count_lost(t, WIRE_LOST_REENTRANT);
}

void emit_free_inside(const void *block)
{
	struct thread *t = agent_is_off() ? NULL : agent_thread;

	if (t && t->busy == BUSY_INSIDE && block != t->releasing)
		emit_free(t, block);
}

void emit_thread_name(struct thread *t, const char *name)
{
	uint64_t words[2] = {0};
	size_t length = strnlen(name, 15);

	memcpy(words, name, length);
	t->busy = BUSY_EMITTING;
	if (!ring_room(t))
		return;
	ring_begin(t);
	ring_put(t, wire_word(WIRE_THREAD_NAME, 0, 0));
	ring_put(t, words[0]);
	ring_put(t, words[1]);
	ring_publish(t);
}
