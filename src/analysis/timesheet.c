#include "analysis/timesheet.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/rowindex.h"

/* The row of a thread's last sample: most threads do at most samples what they did before. */
struct last {
	stack_id stack;
	uint16_t flags, wait;
	uint32_t row; /* number + 1; 0: none */
};

struct timesheet {
	struct rowindex index;
	struct timesheet_row *rows;
	size_t row_room;
	struct last *lasts; /* by thread */
	size_t last_count, last_room;
	struct timesheet_process *processes;
	size_t process_count, process_room;
	uint64_t rounds, first_ns, time_ns;
};

struct timesheet *timesheet_create(void)
{
	struct timesheet *timesheet = array_create(1, sizeof(*timesheet));

	rowindex_init(&timesheet->index);
	return timesheet;
}

void timesheet_destroy(struct timesheet *timesheet)
{
	if (timesheet == NULL)
		return;
	rowindex_deinit(&timesheet->index);
	free(timesheet->rows);
	free(timesheet->lasts);
	free(timesheet->processes);
	free(timesheet);
}

static struct last *find_last(struct timesheet *timesheet, thread_id thread)
{
	while (timesheet->last_count <= thread) {
		timesheet->lasts = array_grow(timesheet->lasts, timesheet->last_count,
					      &timesheet->last_room, sizeof(*timesheet->lasts));
		timesheet->lasts[timesheet->last_count++] = (struct last){0};
	}
	return &timesheet->lasts[thread];
}

static struct timesheet_process *find_process(struct timesheet *timesheet, process_id process)
{
	while (timesheet->process_count <= process) {
		timesheet->processes =
			array_grow(timesheet->processes, timesheet->process_count,
				   &timesheet->process_room, sizeof(*timesheet->processes));
		timesheet->processes[timesheet->process_count++] = (struct timesheet_process){0};
	}
	return &timesheet->processes[process];
}

static uint32_t find_row(struct timesheet *timesheet, stack_id stack,
			 const struct sample_event *sample)
{
	uint32_t did = (uint32_t)sample->wait << 16 | sample->flags;
	bool added;
	uint32_t row = rowindex_add(&timesheet->index, stack, sample->thread, did, &added);

	if (!added)
		return row;
	timesheet->rows =
		array_grow(timesheet->rows, row, &timesheet->row_room, sizeof(*timesheet->rows));
	timesheet->rows[row] = (struct timesheet_row){
		.stack = stack,
		.thread = sample->thread,
		.flags = sample->flags,
		.wait = sample->wait,
	};
	return row;
}

static void end_round(struct timesheet_process *process)
{
	process->rounds += process->open;
	process->gil_held += process->is_held;
	process->gil_waited += process->waiting;
	process->open = process->is_held = process->waiting = false;
}

static void note_round(struct timesheet *timesheet, const struct sample_event *sample,
		       process_id process)
{
	struct timesheet_process *here = find_process(timesheet, process);

	if (timesheet->rounds == 0 || timesheet->time_ns != sample->time_ns) {
		if (timesheet->rounds++ == 0)
			timesheet->first_ns = sample->time_ns;
		timesheet->time_ns = sample->time_ns;
	}
	if (here->time_ns != sample->time_ns)
		end_round(here);
	here->open = true;
	here->time_ns = sample->time_ns;
	here->is_held |= (sample->flags & SAMPLE_HOLDS_GIL) != 0;
	here->waiting |= (sample->flags & SAMPLE_WAITS_GIL) != 0;
}

void timesheet_add(struct timesheet *timesheet, const struct sample_event *sample,
		   process_id process)
{
	stack_id stack = sample->flags & SAMPLE_UNKNOWN ? TIMESHEET_STACK_UNKNOWN : sample->stack;
	struct last *last = find_last(timesheet, sample->thread);

	if (last->row == 0 || last->stack != stack || last->flags != sample->flags ||
	    last->wait != sample->wait)
		*last = (struct last){stack, sample->flags, sample->wait,
				      find_row(timesheet, stack, sample) + 1};
	timesheet->rows[last->row - 1].samples++;
	note_round(timesheet, sample, process);
}

uint64_t timesheet_rounds(const struct timesheet *timesheet, uint64_t *span_ns)
{
	*span_ns = timesheet->time_ns - timesheet->first_ns;
	return timesheet->rounds;
}

size_t timesheet_rows(const struct timesheet *timesheet, const struct timesheet_row **rows)
{
	*rows = timesheet->rows;
	return timesheet->index.used;
}

size_t timesheet_end(struct timesheet *timesheet, const struct timesheet_process **processes)
{
	for (size_t p = 0; p < timesheet->process_count; p++)
		end_round(&timesheet->processes[p]);
	*processes = timesheet->processes;
	return timesheet->process_count;
}
