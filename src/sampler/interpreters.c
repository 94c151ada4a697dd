#include "sampler/interpreters.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pyabi/field.h"

#define INTERPRETERS_MAX 1024u
#define STATES_MAX       65536u
#define GIL_BYTES        224u  /* struct _gil_runtime_state: two conditions, two mutexes */
#define THREAD_BYTES     2048u /* of the C library's struct of a thread */
#define TID_OFFSET_GLIBC 720u  /* where it mostly is */

static const char purpose[] = "thread states";

void interpreters_init(struct interpreters *interpreters, const struct target *target,
		       const struct target_runtime *runtime)
{
	*interpreters = (struct interpreters){.target = target, .runtime = runtime};
}

void interpreters_deinit(struct interpreters *interpreters)
{
	free(interpreters->items);
	free(interpreters->states);
	*interpreters = (struct interpreters){0};
}

static bool read_bytes(struct interpreters *interpreters, uint64_t address, void *out, size_t bytes)
{
	interpreters->reads++;
	return target_read(interpreters->target, address, out, bytes);
}

/* What one look reads of an interpreter. */
struct words {
	uint64_t head, next, holder;
	int32_t collects, locked;
};

static size_t add_place(struct iovec *local, struct iovec *remote, size_t count, uint64_t address,
			void *out, size_t bytes)
{
	local[count] = (struct iovec){out, bytes};
	remote[count] = (struct iovec){(void *)(uintptr_t)address, bytes};
	return count + 1;
}

/* Where it says whether it collects garbage; 0 where that is not known. */
static uint64_t find_collecting(const struct interpreters *interpreters,
				const struct interpreter *interp)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;

	if (layout->interp_gc_collecting != PYABI_NONE)
		return interp->address + layout->interp_gc_collecting;
	if (layout->runtime_gc_collecting != PYABI_NONE)
		return interpreters->runtime->address + layout->runtime_gc_collecting;
	return 0;
}

static size_t interpreter_places(const struct interpreters *interpreters,
				 const struct interpreter *interp, struct words *words,
				 struct iovec *local, struct iovec *remote, size_t count)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	uint64_t collecting = find_collecting(interpreters, interp);

	count = add_place(local, remote, count, interp->address + layout->interp_tstate_head,
			  &words->head, 8);
	count = add_place(local, remote, count, interp->address + layout->interp_next, &words->next,
			  8);
	if (collecting)
		count = add_place(local, remote, count, collecting, &words->collects, 4);
	if (interp->gil) {
		count = add_place(local, remote, count, interp->gil + layout->gil_last_holder,
				  &words->holder, 8);
		count = add_place(local, remote, count, interp->gil + layout->gil_locked,
				  &words->locked, 4);
	}
	return count;
}

/* Looks at `some` interpreters from the first on, in one read. */
static bool look_at_some(struct interpreters *interpreters, struct interpreter *items, size_t some,
			 uint64_t *head, bool *changed)
{
	struct words words[64] = {0};
	struct iovec local[1 + 64 * 5], remote[1 + 64 * 5];
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	size_t count = 0;
	ssize_t done;

	count = add_place(local, remote, count,
			  interpreters->runtime->address + layout->runtime_interpreters_head, head,
			  8);
	for (size_t i = 0; i < some; i++)
		count = interpreter_places(interpreters, &items[i], &words[i], local, remote,
					   count);
	interpreters->reads++;
	done = target_read_places(interpreters->target, local, remote, count);
	if (done < 1)
		return false;
	*changed |= (size_t)done < count;
	for (size_t i = 0; i < some; i++) {
		*changed |= words[i].head != items[i].head || words[i].next != items[i].next;
		items[i].collects = words[i].collects == 1;
		items[i].gil_holder = words[i].locked == 1 ? words[i].holder : 0;
	}
	return true;
}

enum interpreters_result interpreters_look(struct interpreters *interpreters)
{
	bool changed = false;
	uint64_t head = 0;
	size_t at = 0;

	do {
		size_t some = interpreters->count - at < 64 ? interpreters->count - at : 64;

		if (!look_at_some(interpreters, interpreters->items + at, some, &head, &changed))
			return INTERPRETERS_GONE;
		changed |= head != interpreters->head;
		at += some;
	} while (at < interpreters->count);
	return changed ? INTERPRETERS_CHANGED : INTERPRETERS_SAME;
}

/* Widens [*begin, *end) by a field, if that leaves it short enough. */
static bool span_field(uint32_t offset, uint32_t bytes, uint32_t *begin, uint32_t *end)
{
	uint32_t low = offset < *begin ? offset : *begin;
	uint32_t high = offset + bytes > *end ? offset + bytes : *end;

	if (offset == PYABI_NONE || high - low > INTERPRETERS_SPAN)
		return false;
	*begin = low;
	*end = high;
	return true;
}

size_t interpreters_words(const struct interpreters *interpreters, struct interpreters_words *words,
			  struct view_words *places)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	const struct interpreter *interp = interpreters->items;
	uint32_t begin = layout->interp_next, end = begin + 8;
	size_t count = 0;

	if (interpreters->count != 1 || !span_field(layout->interp_tstate_head, 8, &begin, &end))
		return 0;
	words->collects = 0;
	places[count++] = (struct view_words){interpreters->runtime->address +
						      layout->runtime_interpreters_head,
					      &words->first, sizeof(words->first)};
	if (!span_field(layout->interp_gc_collecting, 4, &begin, &end) &&
	    find_collecting(interpreters, interp))
		places[count++] = (struct view_words){find_collecting(interpreters, interp),
						      &words->collects, sizeof(words->collects)};
	words->begin = begin;
	words->bytes = end - begin;
	places[count++] = (struct view_words){interp->address + begin, words->span, words->bytes};
	return count;
}

enum interpreters_result interpreters_looked(struct interpreters *interpreters,
					     const struct interpreters_words *words,
					     uint64_t gil_holder)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	struct interpreter *interp = interpreters->items;
	uint32_t collecting = layout->interp_gc_collecting - words->begin;

	interp->collects = words->collects == 1;
	if (layout->interp_gc_collecting != PYABI_NONE && collecting < words->bytes)
		interp->collects = pyabi_int(words->span, collecting) == 1;
	interp->gil_holder = gil_holder;
	return words->first == interpreters->head &&
			       pyabi_word(words->span, layout->interp_tstate_head - words->begin) ==
				       interp->head &&
			       pyabi_word(words->span, layout->interp_next - words->begin) ==
				       interp->next
		       ? INTERPRETERS_SAME
		       : INTERPRETERS_CHANGED;
}

static uint64_t find_gil(struct interpreters *interpreters, uint64_t interp)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	uint64_t gil = 0;
	int32_t enabled = 1;

	if (layout->runtime_gil != PYABI_NONE)
		return interpreters->runtime->address + layout->runtime_gil;
	if (layout->interp_gil == PYABI_NONE ||
	    !read_bytes(interpreters, interp + layout->interp_gil, &gil, sizeof(gil)) || !gil)
		return 0;
	if (layout->gil_enabled != PYABI_NONE &&
	    (!read_bytes(interpreters, gil + layout->gil_enabled, &enabled, sizeof(enabled)) ||
	     !enabled))
		return 0;
	return gil;
}

static struct interpreter *add_interpreter(struct interpreters *interpreters)
{
	interpreters->items =
		memory_grow(interpreters->items, interpreters->count + 1, &interpreters->room,
			    sizeof(*interpreters->items), purpose);
	return &interpreters->items[interpreters->count++];
}

static void list_interpreters(struct interpreters *interpreters)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	uint64_t address = 0;

	interpreters->count = 0;
	if (!read_bytes(interpreters,
			interpreters->runtime->address + layout->runtime_interpreters_head,
			&address, sizeof(address)))
		address = 0;
	interpreters->head = address;
	while (address && interpreters->count < INTERPRETERS_MAX) {
		struct interpreter interp = {.address = address};

		if (!read_bytes(interpreters, address + layout->interp_next, &interp.next, 8) ||
		    !read_bytes(interpreters, address + layout->interp_tstate_head, &interp.head,
				8) ||
		    !read_bytes(interpreters, address + layout->interp_id, &interp.id, 8))
			return;
		interp.gil = find_gil(interpreters, address);
		if (layout->interp_code_object_generation != PYABI_NONE)
			interp.generation = address + layout->interp_code_object_generation;
		*add_interpreter(interpreters) = interp;
		address = interp.next;
	}
}

static void list_states(struct interpreters *interpreters, const struct interpreter *interp)
{
	const struct pyabi_layout *layout = &interpreters->runtime->layout;
	uint64_t address = interp->head;
	unsigned char copy[4096];

	while (address && interpreters->state_count < STATES_MAX) {
		struct thread_state *state;

		if (layout->tstate_size > sizeof(copy) ||
		    !read_bytes(interpreters, address, copy, layout->tstate_size) ||
		    pyabi_word(copy, layout->tstate_interp) != interp->address)
			return;
		interpreters->states = memory_grow(
			interpreters->states, interpreters->state_count + 1,
			&interpreters->state_room, sizeof(*interpreters->states), purpose);
		state = &interpreters->states[interpreters->state_count++];
		*state = (struct thread_state){
			.address = address,
			.interp = interp->address,
			.frame = pyabi_word(copy, layout->tstate_frame),
			.inner_tid = (pid_t)pyabi_word(copy, layout->tstate_native_thread_id),
			.pthread = pyabi_word(copy, layout->tstate_thread_id),
		};
		address = pyabi_word(copy, layout->tstate_next);
	}
}

static bool is_task(const struct tasks *tasks, pid_t inner_tid)
{
	for (size_t i = 0; i < tasks->count; i++) {
		if (tasks->items[i].inner_tid == inner_tid)
			return true;
	}
	return false;
}

/* Finds where the C library keeps a thread's id, from one thread whose id can only be there. */
static void find_tid_offset(struct interpreters *interpreters, const struct tasks *tasks)
{
	unsigned char copy[THREAD_BYTES];

	for (size_t i = 0; i < interpreters->state_count && !interpreters->tid_offset; i++) {
		uint64_t pthread = interpreters->states[i].pthread;
		uint32_t bytes = THREAD_BYTES;

		/* The struct may end before the page does. */
		if (pthread && !read_bytes(interpreters, pthread, copy, bytes))
			bytes = (uint32_t)(4096 - pthread % 4096) < THREAD_BYTES
					? (uint32_t)(4096 - pthread % 4096)
					: THREAD_BYTES;
		if (!pthread || !read_bytes(interpreters, pthread, copy, bytes))
			continue;
		if (TID_OFFSET_GLIBC + 4 <= bytes &&
		    is_task(tasks, pyabi_int(copy, TID_OFFSET_GLIBC))) {
			interpreters->tid_offset = TID_OFFSET_GLIBC;
			return;
		}
		for (uint32_t at = 8; at + 4 <= bytes; at += 4) {
			if (is_task(tasks, pyabi_int(copy, at))) {
				interpreters->tid_offset = at;
				return;
			}
		}
	}
}

/* For Pythons, or thread states, that do not say the kernel's id of their thread. */
static void find_tids(struct interpreters *interpreters, const struct tasks *tasks)
{
	bool missing = false;

	for (size_t i = 0; i < interpreters->state_count; i++) {
		struct thread_state *state = &interpreters->states[i];

		/* After a fork it may be that of a thread of the parent. */
		if (state->inner_tid && !is_task(tasks, state->inner_tid))
			state->inner_tid = 0;
		missing |= !state->inner_tid;
	}
	if (missing && !interpreters->tid_offset)
		find_tid_offset(interpreters, tasks);
	if (!missing || !interpreters->tid_offset)
		return;
	for (size_t i = 0; i < interpreters->state_count; i++) {
		struct thread_state *state = &interpreters->states[i];
		int32_t tid;

		if (!state->inner_tid && state->pthread &&
		    read_bytes(interpreters, state->pthread + interpreters->tid_offset, &tid,
			       sizeof(tid)) &&
		    is_task(tasks, tid))
			state->inner_tid = tid;
	}
}

static int compare_states(const void *left, const void *right)
{
	const struct thread_state *a = left, *b = right;

	return (a->inner_tid > b->inner_tid) - (a->inner_tid < b->inner_tid);
}

void interpreters_list(struct interpreters *interpreters, const struct tasks *tasks)
{
	bool changed = false;
	uint64_t head;

	list_interpreters(interpreters);
	interpreters->state_count = 0;
	for (size_t i = 0; i < interpreters->count; i++)
		list_states(interpreters, &interpreters->items[i]);
	find_tids(interpreters, tasks);
	if (interpreters->state_count)
		qsort(interpreters->states, interpreters->state_count,
		      sizeof(*interpreters->states), compare_states);
	if (interpreters->count && interpreters->count <= 64)
		look_at_some(interpreters, interpreters->items, interpreters->count, &head,
			     &changed);
}

const struct interpreter *interpreters_find(const struct interpreters *interpreters,
					    uint64_t address)
{
	for (size_t i = 0; i < interpreters->count; i++) {
		if (interpreters->items[i].address == address)
			return &interpreters->items[i];
	}
	return NULL;
}

/* Of two states of one thread: the one that runs, else the one that has frames. */
static bool is_better(const struct interpreters *interpreters, const struct thread_state *state,
		      const struct thread_state *other)
{
	const struct interpreter *interp = interpreters_find(interpreters, state->interp);
	const struct interpreter *its = interpreters_find(interpreters, other->interp);

	if (interp && interp->gil_holder == state->address)
		return true;
	if (its && its->gil_holder == other->address)
		return false;
	return state->frame && !other->frame;
}

const struct thread_state *interpreters_state_of(const struct interpreters *interpreters,
						 const struct task *task)
{
	const struct thread_state *best = NULL;
	size_t low = 0, high = interpreters->state_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (interpreters->states[middle].inner_tid < task->inner_tid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < interpreters->state_count; low++) {
		const struct thread_state *state = &interpreters->states[low];

		if (state->inner_tid != task->inner_tid)
			break;
		if (!best || is_better(interpreters, state, best))
			best = state;
	}
	return best;
}

bool interpreter_owns_futex(const struct interpreter *interpreter, uint64_t address)
{
	return interpreter->gil && address >= interpreter->gil &&
	       address - interpreter->gil < GIL_BYTES;
}
