#include "analysis/course.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/builder.h"
#include "analysis/compare.h"
#include "analysis/timesheet.h"

enum {
	GAP_PERIODS = 10,
	SHOWN_FLAGS = SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | SAMPLE_WAITS_GIL | SAMPLE_GC,
};

struct course *course_create(uint64_t period_ns)
{
	struct course *course = array_create(1, sizeof(*course));

	course->period_ns = period_ns > 0 ? period_ns : 1;
	course->gap_ns =
		period_ns < UINT64_MAX / GAP_PERIODS ? course->period_ns * GAP_PERIODS : UINT64_MAX;
	return course;
}

void course_destroy(struct course *course)
{
	if (course == NULL)
		return;
	for (size_t t = 0; t < course->thread_count; t++)
		free(course->threads[t].runs);
	for (size_t p = 0; p < course->process_count; p++)
		free(course->processes[p].rounds_ns);
	free(course->threads);
	free(course->processes);
	free(course);
}

static struct course_process *find_process(struct course *course, process_id process)
{
	while (course->process_count <= process) {
		course->processes = array_grow(course->processes, course->process_count,
					       &course->process_room, sizeof(*course->processes));
		course->processes[course->process_count++] = (struct course_process){0};
	}
	return &course->processes[process];
}

/* While samples are added, threads stand at their ids. */
static struct course_thread *find_thread(struct course *course, thread_id thread)
{
	while (course->thread_count <= thread) {
		course->threads = array_grow(course->threads, course->thread_count,
					     &course->thread_room, sizeof(*course->threads));
		course->threads[course->thread_count] = (struct course_thread){
			.thread = (thread_id)course->thread_count,
		};
		course->thread_count++;
	}
	return &course->threads[thread];
}

static void note_round(struct course *course, struct course_process *process, uint64_t time_ns)
{
	uint64_t last_ns = process->count > 0 ? process->rounds_ns[process->count - 1] : 0;

	if (process->count > 0 && time_ns <= last_ns)
		return;
	process->gap = process->count > 0 && time_ns - last_ns > course->gap_ns;
	process->rounds_ns = array_grow(process->rounds_ns, process->count, &process->room,
					sizeof(*process->rounds_ns));
	process->rounds_ns[process->count++] = time_ns;
}

static bool goes_on(const struct course_run *run, const struct course_run *more)
{
	return run->round + run->samples == more->round && run->stack == more->stack &&
	       run->flags == more->flags && run->wait == more->wait &&
	       run->samples <= UINT32_MAX - more->samples;
}

void course_add(struct course *course, const struct sample_event *sample, process_id process,
		bool counted)
{
	struct course_process *here = find_process(course, process);
	struct course_thread *thread;
	struct course_run run = {
		.samples = 1,
		.stack = sample->flags & SAMPLE_UNKNOWN ? TIMESHEET_STACK_UNKNOWN : sample->stack,
		.flags = sample->flags & SHOWN_FLAGS,
		.wait = sample->wait,
	};
	struct course_run *last;

	note_round(course, here, sample->time_ns);
	if (!counted)
		return;
	run.round = here->count - 1;
	thread = find_thread(course, sample->thread);
	thread->process = process;
	last = thread->count > 0 ? &thread->runs[thread->count - 1] : NULL;
	if (last != NULL && last->round + last->samples > run.round)
		return;
	if (last != NULL && !here->gap && goes_on(last, &run)) {
		last->samples++;
		return;
	}
	thread->runs =
		array_grow(thread->runs, thread->count, &thread->room, sizeof(*thread->runs));
	thread->runs[thread->count++] = run;
}

static bool follows_gap(const struct course *course, const struct course_process *process,
			size_t round)
{
	return round > 0 &&
	       process->rounds_ns[round] - process->rounds_ns[round - 1] > course->gap_ns;
}

/* Stacks of the capture may become one in the profile: runs grow together again. */
static void place_thread(const struct course *course, struct course_thread *thread,
			 struct builder *builder)
{
	const struct course_process *process = &course->processes[thread->process];
	size_t count = 0;

	for (size_t i = 0; i < thread->count; i++) {
		struct course_run run = thread->runs[i];

		if (!builder_place(builder, run.stack, thread->thread, &run.stack))
			continue;
		if (count > 0 && goes_on(&thread->runs[count - 1], &run) &&
		    !follows_gap(course, process, run.round))
			thread->runs[count - 1].samples += run.samples;
		else
			thread->runs[count++] = run;
	}
	thread->count = count;
}

static int compare_threads(const void *left, const void *right)
{
	const struct course_thread *a = left, *b = right;

	COMPARE(a->process, b->process);
	COMPARE(a->thread, b->thread);
	return 0;
}

void course_place(struct course *course, struct builder *builder)
{
	size_t count = 0;

	for (size_t t = 0; t < course->thread_count; t++) {
		struct course_thread *thread = &course->threads[t];

		if (thread->count > 0)
			place_thread(course, thread, builder);
		if (thread->count > 0)
			course->threads[count++] = *thread;
		else
			free(thread->runs);
	}
	course->thread_count = count;
	if (count > 0)
		qsort(course->threads, count, sizeof(*course->threads), compare_threads);
}

uint64_t course_begin_ns(const struct course *course, const struct course_thread *thread,
			 const struct course_run *run)
{
	return course->processes[thread->process].rounds_ns[run->round];
}

uint64_t course_end_ns(const struct course *course, const struct course_thread *thread,
		       const struct course_run *run)
{
	const struct course_process *process = &course->processes[thread->process];
	size_t next = run->round + run->samples;
	uint64_t last_ns = process->rounds_ns[next - 1];

	if (next < process->count && !follows_gap(course, process, next))
		return process->rounds_ns[next];
	return last_ns < UINT64_MAX - course->period_ns ? last_ns + course->period_ns : UINT64_MAX;
}
