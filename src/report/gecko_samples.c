#include "report/gecko.h"

/*
 * Samples that counted have their stack. Where a thread's samples did not count for a while, one
 * without a stack stands at the begin and at the end of that time, so that nothing is drawn there.
 */
enum {
	PHASE_INTERVAL = 1,
};

/* What one sample of a thread says. */
struct moment {
	uint64_t time_ns, cpu_ns;
	stack_id stack;
	bool has_stack;
};

enum column {
	COLUMN_STACK,
	COLUMN_TIME,
	COLUMN_CPU,
	COLUMN_COUNT, /* writes nothing */
};

static void write_moment(struct gecko *gecko, enum column column, const struct moment *moment)
{
	struct json *json = &gecko->json;

	if (column == COLUMN_TIME)
		gecko_write_ms(moment->time_ns, json);
	else if (column == COLUMN_CPU)
		json_uint(json, moment->cpu_ns);
	else if (column == COLUMN_STACK && moment->has_stack)
		json_uint(json, gecko_tables_stack(gecko, moment->stack));
	else if (column == COLUMN_STACK)
		json_null(json);
}

/* From `from` to `to`, not included, the thread's samples did not count. Returns how many moments
 * that takes. */
static size_t write_hole(struct gecko *gecko, enum column column,
			 const struct course_process *process, size_t from, size_t to)
{
	size_t count = to <= from ? 0 : to - from == 1 ? 1 : 2;

	if (count > 0)
		write_moment(gecko, column, &(struct moment){.time_ns = process->rounds_ns[from]});
	if (count > 1)
		write_moment(gecko, column,
			     &(struct moment){.time_ns = process->rounds_ns[to - 1]});
	return count;
}

/* The CPU time since the round before is all of it, or nothing. */
static size_t write_column(struct gecko *gecko, enum column column)
{
	const struct course_thread *thread = gecko->thread;
	const struct course_process *process = &gecko->course->processes[thread->process];
	size_t count = 0, next = thread->runs[0].round;

	for (size_t i = 0; i < thread->count; i++) {
		const struct course_run *run = &thread->runs[i];

		count += write_hole(gecko, column, process, next, run->round);
		next = run->round + run->samples;
		count += run->samples;
		for (size_t round = run->round; column != COLUMN_COUNT && round < next; round++) {
			struct moment moment = {
				.time_ns = process->rounds_ns[round],
				.stack = run->stack,
				.has_stack = true,
			};

			if (run->flags & SAMPLE_RUNNING && round > 0)
				moment.cpu_ns = moment.time_ns - process->rounds_ns[round - 1];
			write_moment(gecko, column, &moment);
		}
	}
	return count + write_hole(gecko, column, process, next, process->count);
}

static void write_samples(struct gecko *gecko)
{
	static const char *const names[] = {
		[COLUMN_STACK] = "stack",
		[COLUMN_TIME] = "time",
		[COLUMN_CPU] = "threadCPUDelta",
	};
	struct json *json = &gecko->json;

	json_line(json);
	json_key(json, "samples");
	json_begin_object(json);
	for (enum column column = COLUMN_STACK; column < COLUMN_COUNT; column++) {
		json_key(json, names[column]);
		json_begin_array(json);
		write_column(gecko, column);
		json_end_array(json);
	}
	json_key(json, "weight");
	json_null(json);
	json_key_string(json, "weightType", "samples");
	json_key_uint(json, "length", write_column(gecko, COLUMN_COUNT));
	json_end_object(json);
}

/* How long, from a run on, all runs that follow each other have the flag; *next is the one behind.
 */
static uint64_t flag_end_ns(const struct gecko *gecko, size_t run, unsigned flag, size_t *next)
{
	const struct course_thread *thread = gecko->thread;
	uint64_t end_ns;

	do
		end_ns = course_end_ns(gecko->course, thread, &thread->runs[run++]);
	while (run < thread->count && thread->runs[run].flags & flag &&
	       course_begin_ns(gecko->course, thread, &thread->runs[run]) <= end_ns);
	*next = run;
	return end_ns;
}

static const struct mark {
	unsigned flag;
	enum gecko_category category;
	const char *name;
} marks[] = {
	{SAMPLE_WAITS_GIL, GECKO_GIL, "Waiting for the GIL"},
	{SAMPLE_GC, GECKO_GC, "Garbage collection"},
};

enum mark_column {
	MARK_NAME,
	MARK_START,
	MARK_END,
	MARK_PHASE,
	MARK_CATEGORY,
	MARK_DATA,
	MARK_COUNT, /* writes nothing */
};

static void write_mark(struct gecko *gecko, enum mark_column column, const struct mark *mark,
		       uint64_t begin_ns, uint64_t end_ns)
{
	switch (column) {
	case MARK_NAME:
		json_uint(&gecko->json, gecko_string(gecko, mark->name));
		break;
	case MARK_START:
		gecko_write_ms(begin_ns, &gecko->json);
		break;
	case MARK_END:
		gecko_write_ms(end_ns, &gecko->json);
		break;
	case MARK_PHASE:
		json_uint(&gecko->json, PHASE_INTERVAL);
		break;
	case MARK_CATEGORY:
		json_uint(&gecko->json, mark->category);
		break;
	case MARK_DATA:
		json_null(&gecko->json);
		break;
	case MARK_COUNT:
		break;
	}
}

static size_t write_mark_column(struct gecko *gecko, enum mark_column column)
{
	const struct course_thread *thread = gecko->thread;
	size_t count = 0;

	for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
		for (size_t i = 0; i < thread->count;) {
			uint64_t begin_ns =
				course_begin_ns(gecko->course, thread, &thread->runs[i]);

			if (!(thread->runs[i].flags & marks[m].flag)) {
				i++;
				continue;
			}
			write_mark(gecko, column, &marks[m], begin_ns,
				   flag_end_ns(gecko, i, marks[m].flag, &i));
			count++;
		}
	}
	return count;
}

static void write_marks(struct gecko *gecko)
{
	static const char *const names[] = {
		[MARK_NAME] = "name",   [MARK_START] = "startTime",   [MARK_END] = "endTime",
		[MARK_PHASE] = "phase", [MARK_CATEGORY] = "category", [MARK_DATA] = "data",
	};
	struct json *json = &gecko->json;

	json_line(json);
	json_key(json, "markers");
	json_begin_object(json);
	for (enum mark_column column = MARK_NAME; column < MARK_COUNT; column++) {
		json_key(json, names[column]);
		json_begin_array(json);
		write_mark_column(gecko, column);
		json_end_array(json);
	}
	json_key_uint(json, "length", write_mark_column(gecko, MARK_COUNT));
	json_end_object(json);
}

void gecko_samples_write(struct gecko *gecko)
{
	write_samples(gecko);
	write_marks(gecko);
}
