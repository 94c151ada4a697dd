#include "tui/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sampler/sampler.h"

#define BATCH        4096u
#define MEASURE_NS   500000000ull /* at least, between two looks at clocks of CPU time */
#define SECOND_NS    1000000000ull
#define PROCESS_ROOM 8u

/* The clock of a process's CPU time. */
struct cpu_clock {
	uint32_t process;
	pid_t pid;
	clockid_t id;
	uint64_t spent_ns; /* at the last look */
};

struct watch {
	struct sampler *sampler;
	struct watch_options options;
	pid_t pid; /* the first that was added */
	uint64_t begun_ns;
	struct sample *batch;
	bool saw_python;

	struct cpu_clock *clocks;
	size_t clock_count, clock_room;
	uint64_t measured_ns;
	double cpu; /* below 0: not known yet */
};

static uint64_t read_clock_ns(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		return 0;
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static uint64_t watch_now_ns(void *data)
{
	const struct watch *watch = data;

	return read_clock_ns(CLOCK_MONOTONIC) - watch->begun_ns;
}

int watch_create(const struct watch_options *options, struct watch **out, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct sampler_options sampler = {
		.rate_hz = options->rate_hz,
		.never_pause = options->never_pause,
		.pause_always = options->pause_always,
		.python_only = options->python_only,
		.subprocesses = options->subprocesses,
		.now_ns = watch_now_ns,
		.now_data = watch,
	};
	int status;

	if (!watch)
		abort();
	watch->options = *options;
	watch->cpu = -1;
	watch->begun_ns = read_clock_ns(CLOCK_MONOTONIC);
	status = sampler_create(&sampler, &watch->sampler, err);
	if (status < 0) {
		free(watch);
		return status;
	}
	watch->batch = malloc(BATCH * sizeof(*watch->batch));
	if (!watch->batch)
		abort();
	*out = watch;
	return 0;
}

void watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	sampler_destroy(watch->sampler);
	free(watch->batch);
	free(watch->clocks);
	free(watch);
}

int watch_add(struct watch *watch, pid_t pid, bool must, struct error *err)
{
	if (!watch->pid)
		watch->pid = pid;
	return sampler_add(watch->sampler, pid, must, NULL, err);
}

int watch_start(struct watch *watch, struct error *err)
{
	watch->begun_ns = read_clock_ns(CLOCK_MONOTONIC);
	return sampler_start(watch->sampler, err);
}

void watch_stop(struct watch *watch)
{
	sampler_stop(watch->sampler);
}

struct trace_tree *watch_tree(struct watch *watch)
{
	return sampler_tree(watch->sampler);
}

bool watch_saw_python(const struct watch *watch)
{
	return watch && watch->saw_python;
}

static void watch_add_clock(struct watch *watch, const struct sampler_process *news)
{
	struct cpu_clock added = {.process = news->process, .pid = news->pid};

	if (clock_getcpuclockid(news->pid, &added.id) != 0)
		return;
	added.spent_ns = read_clock_ns(added.id);
	if (watch->clock_count == 0)
		watch->measured_ns = watch_now_ns(watch);
	if (watch->clock_count == watch->clock_room) {
		watch->clock_room = watch->clock_room ? 2 * watch->clock_room : PROCESS_ROOM;
		watch->clocks =
			reallocarray(watch->clocks, watch->clock_room, sizeof(*watch->clocks));
		if (!watch->clocks)
			abort();
	}
	watch->clocks[watch->clock_count++] = added;
}

static void watch_drop_clock(struct watch *watch, uint32_t process)
{
	for (size_t i = 0; i < watch->clock_count; i++) {
		if (watch->clocks[i].process == process) {
			watch->clocks[i] = watch->clocks[--watch->clock_count];
			return;
		}
	}
}

static void watch_take_news(struct watch *watch, struct live *live)
{
	struct sampler_process process;
	struct sampler_thread thread;

	while (sampler_take_process(watch->sampler, &process)) {
		live_news(live, &process);
		watch->saw_python = true;
		if (process.ended)
			watch_drop_clock(watch, process.process);
		else
			watch_add_clock(watch, &process);
		free(process.command);
		free(process.executable);
	}
	while (sampler_take_thread(watch->sampler, &thread))
		live_name(live, &thread);
}

void watch_pull(struct live *live, void *data)
{
	struct watch *watch = data;
	size_t count;

	do {
		count = sampler_take(watch->sampler, watch->batch, BATCH);
		/* Behind taking them: of every process in there the news are there by now. */
		watch_take_news(watch, live);
		live_add(live, watch->batch, count);
	} while (count == BATCH);
}

void watch_signal(const struct watch *watch, int number, pid_t but)
{
	for (size_t i = 0; watch && i < watch->clock_count; i++) {
		if (watch->clocks[i].pid != but)
			kill(watch->clocks[i].pid, number);
	}
}

/* What all processes used of the CPUs since the last measurement. */
static void watch_measure(struct watch *watch, uint64_t now_ns)
{
	uint64_t spent_ns = 0;

	if (watch->clock_count == 0 || now_ns - watch->measured_ns < MEASURE_NS)
		return;
	for (size_t i = 0; i < watch->clock_count; i++) {
		uint64_t spent = read_clock_ns(watch->clocks[i].id);

		if (spent > watch->clocks[i].spent_ns) {
			spent_ns += spent - watch->clocks[i].spent_ns;
			watch->clocks[i].spent_ns = spent;
		}
	}
	watch->cpu = (double)spent_ns / (double)(now_ns - watch->measured_ns);
	watch->measured_ns = now_ns;
}

void watch_look(struct feed_facts *facts, void *data)
{
	struct watch *watch = data;
	uint64_t now_ns = watch_now_ns(watch);
	struct sampler_counts counts;

	watch_measure(watch, now_ns);
	sampler_count(watch->sampler, &counts);
	facts->pid = watch->pid;
	facts->now_ns = now_ns;
	facts->rate_hz = watch->options.rate_hz;
	facts->rounds_missed = counts.rounds_missed;
	facts->dropped = counts.dropped + counts.probe.missed;
	facts->unreadable = counts.probe.failures;
	facts->cpu = watch->cpu;
	if (!facts->ended && sampler_alive(watch->sampler) == 0) {
		facts->ended = true;
		snprintf(facts->end, sizeof(facts->end), "process %d has ended", (int)watch->pid);
	}
}
