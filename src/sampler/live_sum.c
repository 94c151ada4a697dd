#include "sampler/live_books.h"

#include <stddef.h>

uint32_t live_processes(const struct live *live)
{
	return live->process_count;
}

const struct live_process *live_process(const struct live *live, uint32_t process)
{
	return process < live->process_count ? &live->processes[process] : NULL;
}

uint32_t live_threads(const struct live *live)
{
	return live->thread_count;
}

const struct live_thread *live_thread(const struct live *live, uint32_t thread)
{
	if (thread >= live->thread_count || !live->threads[thread].used)
		return NULL;
	return &live->threads[thread];
}

uint32_t live_cells(const struct live *live)
{
	return live->cell_count;
}

const struct live_cell *live_cell(const struct live *live, uint32_t cell)
{
	return &live->cells[cell];
}

bool live_metric_counts(enum live_metric metric, unsigned flags)
{
	switch (metric) {
	case LIVE_CPU:
		return flags & SAMPLE_RUNNING;
	case LIVE_GIL:
		return flags & SAMPLE_HOLDS_GIL;
	default:
		return true;
	}
}

double live_sample_ns(const struct live *live, uint32_t process, enum live_span span)
{
	const struct live_rounds *rounds = &live->processes[process].rounds[span];

	if (!rounds->intervals)
		return (double)live->options.period_ns;
	return (double)rounds->watched_ns / (double)rounds->intervals;
}

double live_watched_ns(const struct live *live, enum live_span span)
{
	double longest = 0;

	for (uint32_t i = 0; i < live->process_count; i++) {
		double watched = (double)live->processes[i].rounds[span].rounds *
				 live_sample_ns(live, i, span);

		if (watched > longest)
			longest = watched;
	}
	return longest;
}

double live_rate_hz(const struct live *live, enum live_span span)
{
	const struct live_rounds *longest = NULL;

	for (uint32_t i = 0; i < live->process_count; i++) {
		const struct live_rounds *rounds = &live->processes[i].rounds[span];

		if (!longest || rounds->intervals > longest->intervals)
			longest = rounds;
	}
	if (!longest || !longest->watched_ns)
		return 0;
	return (double)longest->intervals * 1e9 / (double)longest->watched_ns;
}

uint64_t live_samples(const struct live *live)
{
	return live->samples;
}

static void states_add(struct live_states *states, const struct live_cell *cell, uint64_t count)
{
	states->samples += count;
	if (cell->flags & SAMPLE_HOLDS_GIL)
		states->holds_gil += count;
	if (cell->flags & SAMPLE_GC)
		states->gc += count;
	if (cell->flags & SAMPLE_UNKNOWN)
		states->unknown += count;
	if (cell->flags & SAMPLE_RUNNING)
		states->running += count;
	else if (cell->flags & SAMPLE_WAITS_GIL)
		states->waits_gil += count;
	else
		states->blocked[cell->wait] += count;
}

static void thread_add(const struct live *live, uint32_t thread, enum live_span span,
		       struct live_states *states)
{
	for (uint32_t at = live->threads[thread].cells; at; at = live->cells[at - 1].next)
		states_add(states, &live->cells[at - 1], live->cells[at - 1].counts[span]);
}

void live_thread_states(const struct live *live, uint32_t thread, enum live_span span,
			struct live_states *states)
{
	*states = (struct live_states){0};
	thread_add(live, thread, span, states);
}

void live_process_states(const struct live *live, uint32_t process, enum live_span span,
			 struct live_states *states)
{
	*states = (struct live_states){0};
	for (uint32_t i = 0; i < live->thread_count; i++) {
		if (live->threads[i].used && live->threads[i].process == process)
			thread_add(live, i, span, states);
	}
}

bool live_thread_is_there(const struct live *live, uint32_t thread)
{
	const struct live_thread *of = &live->threads[thread];
	const struct live_process *process = &live->processes[of->process];

	/* A round may be half told. */
	return of->used && !of->rest && of->last.time_ns && !process->ended &&
	       process->serial - of->serial <= 1;
}

struct live_now live_now(const struct live *live)
{
	struct live_now now = {0};

	for (uint32_t i = 0; i < live->thread_count; i++) {
		unsigned flags = live->threads[i].last.flags;

		if (!live_thread_is_there(live, i))
			continue;
		now.threads++;
		if (flags & SAMPLE_RUNNING)
			now.running++;
		else if (flags & SAMPLE_WAITS_GIL)
			now.waits_gil++;
		else
			now.blocked++;
	}
	return now;
}

const char *live_state_text(const struct sample *sample)
{
	unsigned flags = sample->flags;

	if (!(flags & SAMPLE_RUNNING)) {
		if (flags & SAMPLE_WAITS_GIL)
			return "waits for GIL";
		if (sample->wait == SAMPLE_WAIT_NONE)
			return "blocked";
		return sample_wait_name(sample->wait);
	}
	if (flags & SAMPLE_GC)
		return "collects garbage";
	return flags & SAMPLE_HOLDS_GIL ? "runs, has GIL" : "runs";
}
