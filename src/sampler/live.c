#include "sampler/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "sampler/live_books.h"

#define THREADS_MAX (1u << 22)
#define STATE_FLAGS \
	(SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | SAMPLE_WAITS_GIL | SAMPLE_GC | SAMPLE_UNKNOWN)
#define GAP_NS          1000000000ull /* longer than any round takes: nobody watched */
#define GAP_PERIODS     20u
#define ROUNDS_TO_LEAVE 2u /* without a thread, before it is gone */

static const char purpose[] = "samples";

/* Room for one more item behind `count`; new room is zero. */
static void *live_grow(void *items, uint32_t count, uint32_t *room, size_t item_bytes)
{
	uint32_t wanted = *room ? 2 * *room : 16;

	if (items && count < *room)
		return items;
	items = memory_check(reallocarray(items, wanted, item_bytes), purpose);
	memset((char *)items + *room * item_bytes, 0, (wanted - *room) * item_bytes);
	*room = wanted;
	return items;
}

static void *live_duplicate(const void *items, uint32_t count, size_t item_bytes)
{
	void *copy = memory_check(calloc((size_t)count + 1, item_bytes), purpose);

	if (count)
		memcpy(copy, items, count * item_bytes);
	return copy;
}

struct live *live_create(const struct live_options *options)
{
	struct live *live = memory_check(calloc(1, sizeof(*live)), purpose);

	live->options = *options;
	live->slot_ns = options->window_ns / WINDOW_SLOTS;
	if (!live->slot_ns)
		live->slot_ns = 1;
	map_init(&live->process_of);
	map_init(&live->thread_of);
	map_init(&live->cell_of);
	return live;
}

void live_destroy(struct live *live)
{
	if (!live)
		return;
	for (uint32_t i = 0; i < live->process_count; i++)
		free(live->processes[i].command);
	for (unsigned i = 0; i < WINDOW_SLOTS; i++) {
		free(live->slots[i].entries);
		free(live->slots[i].rounds);
	}
	free(live->processes);
	free(live->threads);
	free(live->cells);
	map_deinit(&live->process_of);
	map_deinit(&live->thread_of);
	map_deinit(&live->cell_of);
	free(live);
}

struct live *live_copy(const struct live *live)
{
	struct live *copy = live_create(&live->options);

	copy->process_count = live->process_count;
	copy->processes =
		live_duplicate(live->processes, live->process_count, sizeof(*live->processes));
	for (uint32_t i = 0; i < copy->process_count; i++) {
		if (copy->processes[i].command)
			copy->processes[i].command =
				memory_check(strdup(copy->processes[i].command), purpose);
	}
	copy->thread_count = live->thread_count;
	copy->threads = live_duplicate(live->threads, live->thread_count, sizeof(*live->threads));
	copy->cell_count = live->cell_count;
	copy->cells = live_duplicate(live->cells, live->cell_count, sizeof(*live->cells));
	copy->samples = live->samples;
	return copy;
}

static uint64_t thread_key(uint32_t process, pid_t tid)
{
	return ((uint64_t)process + 1) << 32 | (uint32_t)tid;
}

static void live_drop_thread(struct live *live, uint32_t number)
{
	struct live_thread *thread = &live->threads[number];
	uint64_t ignored;

	if (!thread->rest)
		map_take(&live->thread_of, thread_key(thread->process, thread->tid), &ignored);
	*thread = (struct live_thread){.next = live->free_thread};
	live->free_thread = number + 1;
}

void live_reset(struct live *live)
{
	map_deinit(&live->cell_of);
	map_init(&live->cell_of);
	live->cell_count = live->free_cell = 0;
	live->samples = 0;
	for (uint32_t i = 0; i < live->thread_count; i++) {
		struct live_thread *thread = &live->threads[i];

		thread->cells = thread->recent_cell = 0;
		thread->window = 0;
		if (thread->rest)
			live_drop_thread(live, i);
	}
	for (uint32_t i = 0; i < live->process_count; i++) {
		live->processes[i].rest = 0;
		memset(live->processes[i].rounds, 0, sizeof(live->processes[i].rounds));
	}
	for (unsigned i = 0; i < WINDOW_SLOTS; i++) {
		struct window_slot *slot = &live->slots[i];

		slot->count = 0;
		if (slot->rounds_room)
			memset(slot->rounds, 0, slot->rounds_room * sizeof(*slot->rounds));
	}
	/* No cell has an entry in it. */
	live->slot++;
}

/* Our number of a process, by the sampler's; false: there were no news of it. */
static bool live_find_process(struct live *live, uint32_t sampled, uint32_t *process)
{
	uint64_t found;

	if (live->sampled != sampled + 1) {
		if (!map_find(&live->process_of, (uint64_t)sampled + 1, &found))
			return false;
		live->sampled = sampled + 1;
		live->process = (uint32_t)found;
	}
	*process = live->process;
	return true;
}

static struct live_process *live_new_process(struct live *live, uint32_t sampled)
{
	live->processes = live_grow(live->processes, live->process_count, &live->process_room,
				    sizeof(*live->processes));
	map_put(&live->process_of, (uint64_t)sampled + 1, live->process_count);
	return &live->processes[live->process_count++];
}

void live_news(struct live *live, const struct sampler_process *news)
{
	struct live_process *process;
	uint32_t number;

	if (live_find_process(live, news->process, &number))
		process = &live->processes[number];
	else if (news->ended)
		return;
	else
		process = live_new_process(live, news->process);
	if (news->ended) {
		process->ended = true;
		process->end_ns = news->time_ns;
		return;
	}
	process->pid = news->pid;
	process->parent_pid = news->parent_pid;
	process->begin_ns = news->time_ns;
	memcpy(process->python_version, news->python_version, sizeof(process->python_version));
	process->python_version[sizeof(process->python_version) - 1] = '\0';
	free(process->command);
	process->command = memory_check(strdup(news->command ? news->command : ""), purpose);
}

static uint32_t live_new_thread(struct live *live, uint32_t process, pid_t tid)
{
	uint32_t number = live->free_thread;

	if (number) {
		number--;
		live->free_thread = live->threads[number].next;
	} else {
		live->threads = live_grow(live->threads, live->thread_count, &live->thread_room,
					  sizeof(*live->threads));
		number = live->thread_count++;
	}
	live->threads[number] = (struct live_thread){
		.used = true,
		.process = process,
		.tid = tid,
		.serial = live->processes[process].serial,
	};
	return number;
}

/* Of the threads of a process that have ended. */
static uint32_t live_rest_of(struct live *live, uint32_t process)
{
	struct live_process *of = &live->processes[process];

	if (!of->rest) {
		of->rest = live_new_thread(live, process, 0) + 1;
		live->threads[of->rest - 1].rest = true;
	}
	return of->rest - 1;
}

static uint32_t live_thread_of(struct live *live, uint32_t process, pid_t tid)
{
	uint64_t key = thread_key(process, tid), number;

	if (map_find(&live->thread_of, key, &number))
		return (uint32_t)number;
	if (live->thread_count >= THREADS_MAX && !live->free_thread)
		return live_rest_of(live, process);
	number = live_new_thread(live, process, tid);
	map_put(&live->thread_of, key, number);
	return (uint32_t)number;
}

void live_name(struct live *live, const struct sampler_thread *news)
{
	struct live_thread *thread;
	uint32_t process, number;

	if (!live_find_process(live, news->process, &process))
		return;
	number = live_thread_of(live, process, news->tid);
	thread = &live->threads[number];
	if (thread->rest)
		return;
	memcpy(thread->name, news->name, sizeof(thread->name));
	thread->name[sizeof(thread->name) - 1] = '\0';
}

static struct live_rounds *live_slot_rounds(struct live *live, uint32_t process)
{
	struct window_slot *slot = &live->slots[live->slot % WINDOW_SLOTS];

	while (process >= slot->rounds_room)
		slot->rounds = live_grow(slot->rounds, slot->rounds_room, &slot->rounds_room,
					 sizeof(*slot->rounds));
	return &slot->rounds[process];
}

static void rounds_add(struct live_rounds *rounds, const struct live_rounds *more)
{
	rounds->rounds += more->rounds;
	rounds->intervals += more->intervals;
	rounds->watched_ns += more->watched_ns;
}

static void live_round(struct live *live, uint32_t number, uint64_t time_ns)
{
	struct live_process *process = &live->processes[number];
	uint64_t gap_ns = GAP_PERIODS * live->options.period_ns;
	struct live_rounds more = {.rounds = 1};

	if (gap_ns < GAP_NS)
		gap_ns = GAP_NS;
	if (process->serial && process->rounds[LIVE_ALL].rounds && time_ns > process->last_ns &&
	    time_ns - process->last_ns <= gap_ns) {
		more.intervals = 1;
		more.watched_ns = time_ns - process->last_ns;
	}
	process->last_ns = time_ns;
	process->serial++;
	rounds_add(&process->rounds[LIVE_ALL], &more);
	rounds_add(&process->rounds[LIVE_WINDOW], &more);
	rounds_add(live_slot_rounds(live, number), &more);
}

static uint64_t cell_key(uint32_t thread, uint32_t stack, unsigned flags, unsigned wait)
{
	unsigned state = (flags & 15u) | (flags & SAMPLE_UNKNOWN ? 16u : 0);

	return ((uint64_t)thread + 1) << 41 | (uint64_t)stack << 9 | state << 4 | wait;
}

_Static_assert(SAMPLE_WAIT_END <= 16, "a wait has four bits in the key of a cell");
_Static_assert((STATE_FLAGS & ~SAMPLE_UNKNOWN) == 15, "and the other flags the lowest four");

static uint32_t live_cell_of(struct live *live, uint32_t thread, uint32_t stack, uint16_t flags,
			     uint16_t wait)
{
	uint64_t key = cell_key(thread, stack, flags, wait), found;
	uint32_t number = live->free_cell;

	if (map_find(&live->cell_of, key, &found))
		return (uint32_t)found;
	if (number) {
		number--;
		live->free_cell = live->cells[number].next;
	} else {
		live->cells = live_grow(live->cells, live->cell_count, &live->cell_room,
					sizeof(*live->cells));
		number = live->cell_count++;
	}
	live->cells[number] = (struct live_cell){
		.thread = thread,
		.stack = stack,
		.flags = flags,
		.wait = wait,
		.next = live->threads[thread].cells,
		.slot = live->slot - 1,
	};
	live->threads[thread].cells = number + 1;
	map_put(&live->cell_of, key, number);
	return number;
}

/* The slot holds the cell from now on. */
static void live_enter(struct live *live, uint32_t number)
{
	struct window_slot *slot = &live->slots[live->slot % WINDOW_SLOTS];
	struct live_cell *cell = &live->cells[number];

	slot->entries = live_grow(slot->entries, slot->count, &slot->room, sizeof(*slot->entries));
	slot->entries[slot->count] = (struct window_entry){.cell = number};
	cell->slot = live->slot;
	cell->entry = slot->count++;
}

static bool cell_is(const struct live_cell *cell, uint32_t stack, uint16_t flags, uint16_t wait)
{
	return cell->stack == stack && cell->flags == flags && cell->wait == wait;
}

static void live_count(struct live *live, uint32_t thread, const struct sample *sample)
{
	struct live_thread *of = &live->threads[thread];
	uint16_t flags = sample->flags & STATE_FLAGS;
	uint16_t wait = sample->wait < SAMPLE_WAIT_END ? sample->wait : SAMPLE_WAIT_OTHER;
	uint32_t number = of->recent_cell;
	struct live_cell *cell;

	if (!number || !cell_is(&live->cells[number - 1], sample->stack, flags, wait)) {
		number = live_cell_of(live, thread, sample->stack, flags, wait) + 1;
		of->recent_cell = number;
	}
	cell = &live->cells[number - 1];
	if (cell->slot != live->slot)
		live_enter(live, number - 1);
	live->slots[live->slot % WINDOW_SLOTS].entries[cell->entry].count++;
	cell->counts[LIVE_WINDOW]++;
	cell->counts[LIVE_ALL]++;
	of->window++;
	of->last = *sample;
	live->samples++;
}

static void live_add_one(struct live *live, const struct sample *sample)
{
	uint32_t thread = live->guess, process;

	if (!live_find_process(live, sample->process, &process))
		return;
	live_advance(live, sample->time_ns);
	if (live->processes[process].last_ns != sample->time_ns || !live->processes[process].serial)
		live_round(live, process, sample->time_ns);
	/* Rounds go through the threads in the same order. */
	if (thread >= live->thread_count || live->threads[thread].tid != sample->tid ||
	    live->threads[thread].process != process || !live->threads[thread].used) {
		thread = live_thread_of(live, process, sample->tid);
		if (live->before < live->thread_count)
			live->threads[live->before].next = thread;
	}
	live->threads[thread].serial = live->processes[process].serial;
	live_count(live, thread, sample);
	live->before = thread;
	live->guess = live->threads[thread].next;
}

void live_add(struct live *live, const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		live_add_one(live, &samples[i]);
}

static void live_expire(struct live *live)
{
	struct window_slot *slot = &live->slots[live->slot % WINDOW_SLOTS];

	for (uint32_t i = 0; i < slot->count; i++) {
		struct live_cell *cell = &live->cells[slot->entries[i].cell];

		cell->counts[LIVE_WINDOW] -= slot->entries[i].count;
		live->threads[cell->thread].window -= slot->entries[i].count;
	}
	slot->count = 0;
	for (uint32_t i = 0; i < slot->rounds_room; i++) {
		struct live_rounds *gone = &slot->rounds[i];
		struct live_rounds *rounds;

		if (!gone->rounds)
			continue;
		rounds = &live->processes[i].rounds[LIVE_WINDOW];
		rounds->rounds -= gone->rounds;
		rounds->intervals -= gone->intervals;
		rounds->watched_ns -= gone->watched_ns;
		*gone = (struct live_rounds){0};
	}
}

/* Hands a thread's cells, none of which is in the window, to the rest of its process. */
static void live_retire(struct live *live, uint32_t number)
{
	uint32_t rest = live_rest_of(live, live->threads[number].process);
	uint32_t at = live->threads[number].cells;
	uint64_t ignored;

	while (at) {
		struct live_cell cell = live->cells[at - 1];
		uint32_t to = live_cell_of(live, rest, cell.stack, cell.flags, cell.wait);

		live->cells[to].counts[LIVE_ALL] += cell.counts[LIVE_ALL];
		map_take(&live->cell_of, cell_key(number, cell.stack, cell.flags, cell.wait),
			 &ignored);
		live->cells[at - 1] = (struct live_cell){.next = live->free_cell};
		live->free_cell = at;
		at = cell.next;
	}
	live_drop_thread(live, number);
}

static bool live_has_left(const struct live *live, const struct live_thread *thread)
{
	const struct live_process *process = &live->processes[thread->process];

	if (!thread->used || thread->rest || thread->window)
		return false;
	return process->ended || process->serial - thread->serial >= ROUNDS_TO_LEAVE;
}

void live_advance(struct live *live, uint64_t now_ns)
{
	uint64_t steps;

	if (!live->slot_end_ns)
		live->slot_end_ns = now_ns + live->slot_ns;
	if (now_ns < live->slot_end_ns)
		return;
	steps = (now_ns - live->slot_end_ns) / live->slot_ns + 1;
	live->slot_end_ns += steps * live->slot_ns;
	if (steps > WINDOW_SLOTS)
		steps = WINDOW_SLOTS;
	for (; steps; steps--) {
		live->slot++;
		live_expire(live);
	}
	for (uint32_t i = 0; i < live->thread_count; i++) {
		if (live_has_left(live, &live->threads[i]))
			live_retire(live, i);
	}
}
