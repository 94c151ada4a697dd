#include "collector/sampling.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define BATCH_SAMPLES 4096u
#define CENSUS_NS     1000000000ull /* that another recorder is waited for */

_Static_assert((int)WAIT_FUTEX == (int)SAMPLE_WAIT_FUTEX && (int)WAIT_END == (int)SAMPLE_WAIT_END,
	       "the capture numbers waits as the target room does");

struct sampled_process {
	pid_t pid;
	process_id id; /* 0: not known to the capture yet */
	bool is_ours;  /* we told the capture of it */
	bool replaced; /* the process ends as another program */
	bool has_ended;
	uint64_t end_ns;
	bool has_status;
	int status;
};

struct sampling {
	struct sampling_options options;
	struct capture_writer *writer;
	struct census *census;
	const struct session *session;
	struct sampler *sampler;

	struct sampled_process *processes; /* by the sampler's number */
	size_t process_count;
	stack_id *stacks; /* by node; 0: not known */
	size_t stack_room;
	uint32_t *path; /* of nodes */
	size_t path_room;

	struct sampler_process pending; /* news that wait for the census */
	bool has_pending;
	struct sampler_thread name; /* likewise */
	bool has_name;
	/* Ends wait for samples of theirs that are in the queue, and hold up no news behind them.
	 */
	struct sampler_process *ends;
	size_t end_count, end_room;
	struct sample batch[BATCH_SAMPLES];
	size_t held; /* samples at the start of batch, of a round that may go on */
	struct capture_sample round[BATCH_SAMPLES];
	uint64_t samples;
	unsigned told;
};

static const char purpose[] = "samples";

static uint64_t session_time(void *data)
{
	return session_now_ns(data);
}

int sampling_open(const struct sampling_options *options, struct capture_writer *writer,
		  struct census *census, const struct session *session, struct sampling **out,
		  struct error *err)
{
	struct sampling *sampling = memory_check(calloc(1, sizeof(*sampling)), purpose);
	struct sampler_options sampler = {
		.rate_hz = options->rate_hz,
		.never_pause = options->never_pause,
		.pause_always = options->pause_always,
		.python_only = options->python_only,
		.subprocesses = options->subprocesses,
		.now_ns = session_time,
		.now_data = (void *)(uintptr_t)session,
	};
	int status = sampler_create(&sampler, &sampling->sampler, err);

	if (status < 0) {
		free(sampling);
		return status;
	}
	sampling->options = *options;
	sampling->writer = writer;
	sampling->census = census;
	sampling->session = session;
	*out = sampling;
	return 0;
}

int sampling_add(struct sampling *sampling, pid_t pid, bool must, struct error *err)
{
	return sampler_add(sampling->sampler, pid, must, NULL, err);
}

int sampling_start(struct sampling *sampling, struct error *err)
{
	return sampler_start(sampling->sampler, err);
}

static struct sampled_process *find_process(struct sampling *sampling, uint32_t number)
{
	if (number >= sampling->process_count) {
		size_t count = 2 * (size_t)number + 8;

		sampling->processes = memory_check(
			realloc(sampling->processes, count * sizeof(*sampling->processes)),
			purpose);
		memset(&sampling->processes[sampling->process_count], 0,
		       (count - sampling->process_count) * sizeof(*sampling->processes));
		sampling->process_count = count;
	}
	return &sampling->processes[number];
}

/* False: not yet, somebody who knows more of it may still tell. */
static bool take_begin(struct sampling *sampling, const struct sampler_process *news, bool last)
{
	struct sampled_process *process = find_process(sampling, news->process);
	struct capture_process told = {
		.pid = (uint32_t)news->pid,
		.parent_pid = (uint32_t)news->parent_pid,
		.command = news->command ? news->command : "",
		.executable = news->executable ? news->executable : "",
		.python_version = news->python_version,
		.python_allocator = "",
		.start_ns = news->time_ns,
	};

	process->pid = news->pid;
	process->id = sampling->options.waits_for_census
			      ? census_process(sampling->census, (uint32_t)news->pid)
			      : 0;
	if (!process->id && sampling->options.waits_for_census && !last &&
	    session_now_ns(sampling->session) < news->time_ns + CENSUS_NS)
		return false;
	sampling->told++;
	if (process->id)
		return true;
	process->is_ours = true;
	process->id = writer_process(sampling->writer, &told);
	census_put_process(sampling->census, (uint32_t)news->pid, process->id);
	return true;
}

static void take_end(struct sampling *sampling, const struct sampler_process *news)
{
	struct sampled_process *process = find_process(sampling, news->process);

	process->replaced = news->replaced;
	process->has_ended = true;
	process->end_ns = news->time_ns;
	if (process->is_ours)
		writer_process_end(sampling->writer, process->id, news->time_ns,
				   process->has_status && !process->replaced ? process->status
									     : -1);
}

/* News come before the samples that need them. False while those must wait. */
static bool take_news(struct sampling *sampling, bool last)
{
	while (sampling->has_pending ||
	       sampler_take_process(sampling->sampler, &sampling->pending)) {
		struct sampler_process *news = &sampling->pending;

		sampling->has_pending = true;
		if (news->ended) {
			sampling->ends =
				memory_grow(sampling->ends, sampling->end_count + 1,
					    &sampling->end_room, sizeof(*sampling->ends), purpose);
			sampling->ends[sampling->end_count++] = *news;
		} else if (!take_begin(sampling, news, last)) {
			return false;
		}
		free(news->command);
		free(news->executable);
		sampling->has_pending = false;
	}
	return true;
}

/* The first `count` of those that wait. */
static void take_ends(struct sampling *sampling, size_t count)
{
	for (size_t i = 0; i < count; i++)
		take_end(sampling, &sampling->ends[i]);
	sampling->end_count -= count;
	memmove(sampling->ends, &sampling->ends[count],
		sampling->end_count * sizeof(*sampling->ends));
}

static stack_id name_node(struct sampling *sampling, uint32_t node, stack_id parent)
{
	struct trace_tree *tree = sampler_tree(sampling->sampler);
	const struct trace_code *code = trace_tree_code(tree, trace_tree_node(tree, node)->code);
	frame_id frame;

	if (!code->function)
		return parent;
	frame = writer_frame(sampling->writer, FRAME_PYTHON, code->function, strlen(code->function),
			     code->file, strlen(code->file), trace_tree_line(tree, node));
	return writer_stack(sampling->writer, parent, frame);
}

static void make_room(struct sampling *sampling, uint32_t node)
{
	size_t room = sampling->stack_room;

	if (node < room)
		return;
	room = 2 * (size_t)node + 1024;
	sampling->stacks =
		memory_check(realloc(sampling->stacks, room * sizeof(*sampling->stacks)), purpose);
	memset(&sampling->stacks[sampling->stack_room], 0,
	       (room - sampling->stack_room) * sizeof(*sampling->stacks));
	sampling->stack_room = room;
}

/* The capture's stack of a node: parents are older, so their numbers are smaller. */
static stack_id stack_of(struct sampling *sampling, uint32_t node)
{
	struct trace_tree *tree = sampler_tree(sampling->sampler);
	size_t depth = 0;
	stack_id stack = 0;

	if (node == SAMPLE_STACK_EMPTY || node == SAMPLE_STACK_UNKNOWN)
		return 0;
	make_room(sampling, node);
	while (node > SAMPLE_STACK_UNKNOWN && !sampling->stacks[node]) {
		sampling->path = memory_grow(sampling->path, depth + 1, &sampling->path_room,
					     sizeof(*sampling->path), purpose);
		sampling->path[depth++] = node;
		node = trace_tree_node(tree, node)->parent;
	}
	if (node > SAMPLE_STACK_UNKNOWN)
		stack = sampling->stacks[node];
	while (depth > 0) {
		node = sampling->path[--depth];
		stack = sampling->stacks[node] = name_node(sampling, node, stack);
	}
	return stack;
}

static thread_id thread_of(struct sampling *sampling, process_id process, pid_t tid)
{
	thread_id thread = census_thread(sampling->census, process, (uint32_t)tid);

	if (!thread) {
		thread = writer_thread(sampling->writer, process, (uint32_t)tid, "");
		census_offer_thread(sampling->census, process, (uint32_t)tid, thread);
	}
	return thread;
}

/* A name may be there before its process was told of. */
static void take_names(struct sampling *sampling)
{
	while (sampling->has_name || sampler_take_thread(sampling->sampler, &sampling->name)) {
		const struct sampler_thread *news = &sampling->name;
		process_id process = find_process(sampling, news->process)->id;

		sampling->has_name = !process;
		if (!process)
			return;
		writer_thread_name(sampling->writer, thread_of(sampling, process, news->tid),
				   news->name);
	}
}

static void write_round(struct sampling *sampling, const struct sample *samples, size_t count)
{
	process_id process = find_process(sampling, samples[0].process)->id;

	for (size_t i = 0; i < count; i++) {
		sampling->round[i] = (struct capture_sample){
			.thread = thread_of(sampling, process, samples[i].tid),
			.stack = stack_of(sampling, samples[i].stack),
			.flags = samples[i].flags,
			.wait = samples[i].wait,
		};
	}
	writer_samples(sampling->writer, process, samples[0].time_ns, sampling->round, count);
}

/* Writes whole rounds, and keeps what the last one has so far: the rest of it may still come. With
 * `last`, or where a round fills the batch alone, all of it is written. */
static void write_batch(struct sampling *sampling, size_t count, bool last)
{
	size_t from = 0;

	for (size_t i = 1; i <= count; i++) {
		const struct sample *first = &sampling->batch[from];

		if (i < count && sampling->batch[i].process == first->process &&
		    sampling->batch[i].time_ns == first->time_ns)
			continue;
		if (i == count && !last && !(from == 0 && count == BATCH_SAMPLES))
			break;
		write_round(sampling, first, i - from);
		from = i;
	}
	sampling->held = count - from;
	memmove(sampling->batch, &sampling->batch[from], sampling->held * sizeof(*sampling->batch));
}

static void tell_sums(struct sampling *sampling)
{
	struct sampling_sums sums;

	sampling_sum(sampling, &sums);
	writer_sampling(sampling->writer, &sums.sampling);
}

/* Samples are taken before the news and used behind them: then every process is known, and one
 * whose end was known before has no more. */
static uint64_t drain(struct sampling *sampling, bool last)
{
	uint64_t moved = 0;
	size_t count, room, ends;
	bool is_all;

	do {
		ends = sampling->end_count;
		room = BATCH_SAMPLES - sampling->held;
		count = sampler_take(sampling->sampler, &sampling->batch[sampling->held], room);
		is_all = count < room;
		sampling->held += count;
		moved += count;
		if (!take_news(sampling, last))
			break;
		write_batch(sampling, sampling->held, is_all && (last || ends));
		if (is_all && ends)
			take_ends(sampling, ends);
	} while (!is_all || (last && sampling->end_count));
	sampling->samples += moved;
	take_names(sampling);
	tell_sums(sampling);
	return moved;
}

uint64_t sampling_drain(struct sampling *sampling)
{
	return drain(sampling, false);
}

void sampling_status(struct sampling *sampling, pid_t pid, int status)
{
	for (size_t i = 0; i < sampling->process_count; i++) {
		if (sampling->processes[i].pid == pid) {
			sampling->processes[i].has_status = true;
			sampling->processes[i].status = status;
		}
	}
}

static void explain(struct sampling *sampling, struct error *reason)
{
	struct sampling_sums sums;

	sampling_sum(sampling, &sums);
	if (sums.samples)
		return;
	sampler_reason(sampling->sampler, reason);
	if (!sums.sampling.rounds)
		error_set(reason, ERROR_FAILED,
			  "it ended before sonde came to look: the machine is busy, or the time "
			  "was too short");
	else if (!reason->code)
		error_set(reason, ERROR_NOT_FOUND, "no thread was there when sonde looked");
}

void sampling_close(struct sampling *sampling, struct sampling_sums *sums, struct error *reason)
{
	if (!sampling)
		return;
	sampler_stop(sampling->sampler);
	drain(sampling, true);
	if (sums)
		sampling_sum(sampling, sums);
	if (reason)
		explain(sampling, reason);
	for (size_t i = 0; i < sampling->process_count; i++) {
		const struct sampled_process *process = &sampling->processes[i];

		if (process->is_ours && process->has_status && !process->replaced)
			writer_process_end(sampling->writer, process->id,
					   process->has_ended ? process->end_ns
							      : session_now_ns(sampling->session),
					   process->status);
	}
	sampler_destroy(sampling->sampler);
	free(sampling->processes);
	free(sampling->ends);
	free(sampling->stacks);
	free(sampling->path);
	free(sampling);
}

uint64_t sampling_begun_ns(struct sampling *sampling)
{
	struct sampler_counts counts;

	sampler_count(sampling->sampler, &counts);
	return counts.begun_ns;
}

unsigned sampling_alive(struct sampling *sampling)
{
	return sampler_alive(sampling->sampler);
}

void sampling_sum(struct sampling *sampling, struct sampling_sums *sums)
{
	struct sampler_counts counts;

	sampler_count(sampling->sampler, &counts);
	*sums = (struct sampling_sums){
		.samples = sampling->samples,
		.processes = sampling->told,
		.sampling =
			{
				.rounds = counts.rounds,
				.rounds_missed = counts.rounds_missed,
				.sampled_ns = counts.last_round_ns - counts.begun_ns,
				.looks = counts.probe.looks,
				.unchanged = counts.probe.unchanged,
				.reads = counts.probe.reads,
				.retries = counts.probe.retries,
				.pauses = counts.probe.pauses,
				.paused_ns = counts.probe.paused_ns,
				.failures = counts.probe.failures,
				.missed = counts.probe.missed,
				.dropped = counts.dropped,
				.cpu_ns = counts.cpu_ns,
				.processes_unsampled = counts.unsampled,
			},
	};
}
