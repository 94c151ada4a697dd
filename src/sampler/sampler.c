#include "sampler/sampler.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/memory.h"
#include "target/births.h"
#include "target/pause.h"

/*
 * Two threads: the one that samples owns probes and adds to the tree; the one that drains owns the
 * sampler's interface.
 *
 *   1. Samples go through a ring: `head` is published (release) behind them, `tail` behind their
 * use.
 *   2. Processes, news and counts are under `lock`. The sampling thread takes it once a round, for
 * as long as it takes to copy a few words; the other one holds it no longer either.
 *   3. A process's first news is there before its first sample is published.
 */

#define QUEUE_SAMPLES   (1u << 18)
#define ROUND_SAMPLES   16384u
#define CHILDREN_NS     20000000ull
#define NAMES_FIRST_NS  20000000ull
#define NAMES_NS        250000000ull
#define CHILDREN_MAX    4096u
#define REFUSED_NS      1000000000ull
#define REFUSED_COUNTED 1u          /* the lowest bit of a time */
#define BETWEEN_NS      3000000000u /* that a process without a thread of Python's is waited for */
#define RATE_MAX_HZ     1000000.0
#define SETTLE_STEP_NS  1000000

struct watched_process {
	struct probe *probe; /* NULL: ended */
	bool is_child;       /* of another one */
	bool was_told;       /* one program of it at least */
	uint32_t number;
	pid_t pid;
	bool told;      /* its news were given out: */
	uint64_t image; /* of this program, see target_image */
	uint64_t names_due_ns, names_step_ns;
	struct map names; /* tid -> hash of the name that was told */
};

struct process_news {
	struct sampler_process process;
	struct process_news *next;
};

struct thread_news {
	struct sampler_thread thread;
	struct thread_news *next;
};

struct sampler {
	struct sampler_options options;
	struct trace_tree *tree;
	pthread_t thread;
	bool running;
	_Atomic bool stop;

	struct sample *queue;
	_Atomic uint64_t head, tail;
	struct sample *round; /* room for one round of one process */

	pthread_mutex_t lock;
	struct watched_process **processes;
	size_t count, room;
	uint32_t next_number;
	unsigned alive;
	struct process_news *news, **news_end;
	struct thread_news *names, **names_end;
	struct sampler_counts counts;
	struct error reason;

	/* Of the sampling thread alone. */
	/* Pids of children that could not be watched, or have ended and may not have been waited
	 * for -> when to try again, with REFUSED_COUNTED those that are in `unsampled` until that
	 * goes well. */
	struct map refused;
	struct probe_counts gone; /* of processes that have ended */
	struct births births;
	uint64_t unsampled;
	uint64_t children_due_ns;
	uint64_t begun_ns;
	uint64_t random;
};

static const char purpose[] = "samples";

int sampler_create(const struct sampler_options *options, struct sampler **out, struct error *err)
{
	struct sampler *sampler;

	if (!(options->rate_hz > 0) || options->rate_hz > RATE_MAX_HZ)
		return error_set(err, ERROR_USAGE,
				 "a rate is more than 0 and at most %.0f samples a second",
				 RATE_MAX_HZ);
	sampler = memory_check(calloc(1, sizeof(*sampler)), purpose);
	sampler->options = *options;
	sampler->tree = trace_tree_create();
	sampler->queue = memory_check(malloc(QUEUE_SAMPLES * sizeof(*sampler->queue)), purpose);
	sampler->round = memory_check(malloc(ROUND_SAMPLES * sizeof(*sampler->round)), purpose);
	sampler->news_end = &sampler->news;
	sampler->names_end = &sampler->names;
	sampler->random = 0x9e3779b97f4a7c15ull;
	map_init(&sampler->refused);
	births_init(&sampler->births);
	pthread_mutex_init(&sampler->lock, NULL);
	*out = sampler;
	return 0;
}

static void process_destroy(struct watched_process *process)
{
	probe_destroy(process->probe);
	map_deinit(&process->names);
	free(process);
}

void sampler_destroy(struct sampler *sampler)
{
	struct sampler_process process;
	struct sampler_thread thread;

	if (!sampler)
		return;
	sampler_stop(sampler);
	while (sampler_take_process(sampler, &process)) {
		free(process.command);
		free(process.executable);
	}
	while (sampler_take_thread(sampler, &thread))
		;
	for (size_t i = 0; i < sampler->count; i++)
		process_destroy(sampler->processes[i]);
	free(sampler->processes);
	free(sampler->queue);
	free(sampler->round);
	map_deinit(&sampler->refused);
	births_deinit(&sampler->births);
	trace_tree_destroy(sampler->tree);
	pthread_mutex_destroy(&sampler->lock);
	free(sampler);
}

struct trace_tree *sampler_tree(struct sampler *sampler)
{
	return sampler->tree;
}

static void add_process(struct sampler *sampler, struct probe *probe, uint32_t number,
			bool is_child)
{
	struct watched_process *process = memory_check(calloc(1, sizeof(*process)), purpose);

	process->probe = probe;
	process->number = number;
	process->is_child = is_child;
	process->pid = target_pid(probe_target(probe));
	process->names_step_ns = NAMES_FIRST_NS;
	map_init(&process->names);
	pthread_mutex_lock(&sampler->lock);
	sampler->processes = memory_grow(sampler->processes, sampler->count + 1, &sampler->room,
					 sizeof(*sampler->processes), purpose);
	sampler->processes[sampler->count++] = process;
	sampler->alive++;
	pthread_mutex_unlock(&sampler->lock);
}

static int add(struct sampler *sampler, pid_t pid, bool must, bool is_child, uint32_t *process,
	       struct error *err)
{
	struct probe_options options = {
		.never_pause = sampler->options.never_pause,
		.python_only = sampler->options.python_only,
		.patient = !must,
	};
	struct target *target;
	struct probe *probe;
	int status = target_open(pid, &target, err);

	if (status < 0)
		return status;
	pthread_mutex_lock(&sampler->lock);
	options.process = sampler->next_number++;
	pthread_mutex_unlock(&sampler->lock);
	status = probe_create(target, sampler->tree, &options, &probe, err);
	if (status < 0)
		return status;
	add_process(sampler, probe, options.process, is_child);
	if (process)
		*process = options.process;
	return 0;
}

int sampler_add(struct sampler *sampler, pid_t pid, bool must, uint32_t *process, struct error *err)
{
	return add(sampler, pid, must, false, process, err);
}

static uint64_t session_ns(const struct sampler *sampler)
{
	return sampler->options.now_ns(sampler->options.now_data);
}

static void tell_process(struct sampler *sampler, const struct sampler_process *told)
{
	struct process_news *news = memory_check(calloc(1, sizeof(*news)), purpose);

	news->process = *told;
	pthread_mutex_lock(&sampler->lock);
	*sampler->news_end = news;
	sampler->news_end = &news->next;
	pthread_mutex_unlock(&sampler->lock);
}

/* False: it runs another program by now, and what was read of it may be of either. */
static bool tell_begin(struct sampler *sampler, struct watched_process *process)
{
	const struct target *target = probe_target(process->probe);
	struct sampler_process told = {
		.process = process->number,
		.pid = process->pid,
		.parent_pid = target_parent(target),
		.time_ns = session_ns(sampler),
		.command = target_command(target),
		.executable = target_executable(target),
	};

	pyabi_version_text(probe_runtime(process->probe)->version_hex, told.python_version,
			   sizeof(told.python_version));
	process->image = probe_image(process->probe);
	if (target_image(target) != process->image) {
		free(told.command);
		free(told.executable);
		return false;
	}
	tell_process(sampler, &told);
	process->told = true;
	process->was_told = true;
	return true;
}

static void tell_end(struct sampler *sampler, const struct watched_process *process, bool replaced)
{
	struct sampler_process told = {
		.process = process->number,
		.pid = process->pid,
		.ended = true,
		.replaced = replaced,
		.time_ns = session_ns(sampler),
	};

	if (process->told)
		tell_process(sampler, &told);
}

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 14695981039346656037ull;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211ull;
	return hash;
}

static void tell_names(struct sampler *sampler, struct watched_process *process)
{
	pid_t tid;

	for (size_t i = 0; (tid = probe_thread(process->probe, i)) != 0; i++) {
		const char *name = probe_thread_name(process->probe, tid);
		uint64_t hash = text_hash(name), before;
		struct thread_news *news;

		if (!*name || (map_find(&process->names, (uint64_t)tid, &before) && before == hash))
			continue;
		map_put(&process->names, (uint64_t)tid, hash);
		news = memory_check(calloc(1, sizeof(*news)), purpose);
		news->thread.process = process->number;
		news->thread.tid = tid;
		snprintf(news->thread.name, sizeof(news->thread.name), "%s", name);
		pthread_mutex_lock(&sampler->lock);
		*sampler->names_end = news;
		sampler->names_end = &news->next;
		pthread_mutex_unlock(&sampler->lock);
	}
}

static void tend_names(struct sampler *sampler, struct watched_process *process, uint64_t time_ns)
{
	if (time_ns < process->names_due_ns)
		return;
	tell_names(sampler, process);
	process->names_due_ns = time_ns + process->names_step_ns;
	if (process->names_step_ns < NAMES_NS)
		process->names_step_ns *= 2;
}

/* Samples for which there is no room are counted. */
static void publish(struct sampler *sampler, size_t count)
{
	uint64_t head = atomic_load_explicit(&sampler->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&sampler->tail, memory_order_acquire);
	size_t room = QUEUE_SAMPLES - (size_t)(head - tail);
	size_t some = count < room ? count : room;

	for (size_t i = 0; i < some; i++)
		sampler->queue[(head + i) & (QUEUE_SAMPLES - 1)] = sampler->round[i];
	atomic_store_explicit(&sampler->head, head + some, memory_order_release);
	if (some == count)
		return;
	pthread_mutex_lock(&sampler->lock);
	sampler->counts.dropped += count - some;
	pthread_mutex_unlock(&sampler->lock);
}

static void add_counts(struct probe_counts *sum, const struct probe_counts *more)
{
	sum->looks += more->looks;
	sum->unchanged += more->unchanged;
	sum->reads += more->reads;
	sum->retries += more->retries;
	sum->pauses += more->pauses;
	sum->paused_ns += more->paused_ns;
	sum->failures += more->failures;
	sum->missed += more->missed;
}

/* Of one whose Python was not found. */
static void note_reason(struct sampler *sampler, const struct watched_process *process, bool ended)
{
	const struct error *reason = probe_reason(process->probe);

	if (process->told || (!reason->code && !ended))
		return;
	pthread_mutex_lock(&sampler->lock);
	if (reason->code)
		sampler->reason = *reason;
	else
		error_set(&sampler->reason, ERROR_NOT_FOUND, "process %d has ended",
			  (int)process->pid);
	pthread_mutex_unlock(&sampler->lock);
}

static void refuse(struct sampler *sampler, pid_t pid, uint64_t time_ns, uint64_t counted)
{
	uint64_t due_ns = time_ns + REFUSED_NS;

	map_put(&sampler->refused, (uint64_t)pid, (due_ns & ~(uint64_t)REFUSED_COUNTED) | counted);
}

static void end_process(struct sampler *sampler, struct watched_process *process)
{
	note_reason(sampler, process, true);
	if (process->is_child) {
		sampler->unsampled += !process->was_told;
		refuse(sampler, process->pid, session_ns(sampler), 0);
	}
	tell_end(sampler, process, false);
	add_counts(&sampler->gone, probe_counts(process->probe));
	pthread_mutex_lock(&sampler->lock);
	probe_destroy(process->probe);
	process->probe = NULL;
	sampler->alive--;
	pthread_mutex_unlock(&sampler->lock);
}

/* The runtime is there no more. What another program does is another process's, by the same pid. */
static void end_program(struct sampler *sampler, struct watched_process *process)
{
	if (target_image(probe_target(process->probe)) == process->image)
		return;
	tell_end(sampler, process, true);
	process->told = false;
	pthread_mutex_lock(&sampler->lock);
	process->number = sampler->next_number++;
	pthread_mutex_unlock(&sampler->lock);
	probe_set_process(process->probe, process->number);
	map_deinit(&process->names);
	map_init(&process->names);
	process->names_due_ns = 0;
	process->names_step_ns = NAMES_FIRST_NS;
}

/* A child that will be another program is none of Python's; it has some time to show. */
static bool begin_program(struct sampler *sampler, struct watched_process *process)
{
	if (!probe_runs_python(process->probe) &&
	    target_age_ns(probe_target(process->probe)) < BETWEEN_NS)
		return false;
	return tell_begin(sampler, process);
}

/* The row may grow, and move, while the lock is not held; entries stay until the next round. */
static size_t count_processes(struct sampler *sampler)
{
	size_t count;

	pthread_mutex_lock(&sampler->lock);
	count = sampler->count;
	pthread_mutex_unlock(&sampler->lock);
	return count;
}

static struct watched_process *process_at(struct sampler *sampler, size_t i)
{
	struct watched_process *process;

	pthread_mutex_lock(&sampler->lock);
	process = sampler->processes[i];
	pthread_mutex_unlock(&sampler->lock);
	return process;
}

static void look_at_process(struct sampler *sampler, struct watched_process *process,
			    uint64_t time_ns)
{
	ssize_t count = (sampler->options.pause_always ? probe_look_paused : probe_look)(
		process->probe, time_ns, sampler->round, ROUND_SAMPLES);

	if (count < 0) {
		end_process(sampler, process);
		return;
	}
	if (!probe_runtime(process->probe)) {
		if (process->told)
			end_program(sampler, process);
		return;
	}
	if (!process->told && !begin_program(sampler, process))
		return;
	publish(sampler, (size_t)count);
	tend_names(sampler, process, time_ns);
}

static bool is_watched(struct sampler *sampler, pid_t pid)
{
	bool found = false;

	pthread_mutex_lock(&sampler->lock);
	for (size_t i = 0; i < sampler->count && !found; i++)
		found = sampler->processes[i]->pid == pid;
	pthread_mutex_unlock(&sampler->lock);
	return found;
}

/* What cannot be opened, or read, is tried again as long as it is there: seldom. It counts as not
 * sampled until that goes well. */
static void watch_child(struct sampler *sampler, pid_t pid, uint64_t time_ns)
{
	struct error ignored;
	uint64_t due_ns = 0;
	bool was_refused = map_find(&sampler->refused, (uint64_t)pid, &due_ns);
	uint64_t counted = was_refused ? due_ns & REFUSED_COUNTED : REFUSED_COUNTED;

	if (is_watched(sampler, pid) || (was_refused && time_ns < due_ns))
		return;
	if (add(sampler, pid, false, true, NULL, &ignored) < 0) {
		refuse(sampler, pid, time_ns, counted);
		sampler->unsampled += !was_refused;
	} else if (was_refused) {
		map_take(&sampler->refused, (uint64_t)pid, &due_ns);
		sampler->unsampled -= counted;
	}
}

/* Children of what is watched, in the round in which they begin. */
static void look_for_births(struct sampler *sampler, uint64_t time_ns)
{
	struct birth births[BIRTHS_MAX];
	ssize_t count = births_look(&sampler->births, births);
	uint64_t due_ns;

	if (count < 0)
		sampler->children_due_ns = time_ns;
	for (ssize_t i = 0; i < count; i++) {
		if (!is_watched(sampler, births[i].parent))
			continue;
		/* Whoever had this pid before is gone. */
		map_take(&sampler->refused, (uint64_t)births[i].pid, &due_ns);
		watch_child(sampler, births[i].pid, time_ns);
	}
}

static void look_for_children(struct sampler *sampler, size_t count, uint64_t time_ns)
{
	pid_t *children = memory_check(malloc(CHILDREN_MAX * sizeof(*children)), purpose);

	for (size_t i = 0; i < count; i++) {
		struct watched_process *process = process_at(sampler, i);
		size_t found;

		if (!process->probe)
			continue;
		found = probe_children(process->probe, children, CHILDREN_MAX);
		for (size_t j = 0; j < found; j++)
			watch_child(sampler, children[j], time_ns);
	}
	free(children);
}

static void account(struct sampler *sampler)
{
	struct probe_counts sum = sampler->gone;
	size_t count = count_processes(sampler);
	uint64_t unsampled = sampler->unsampled;
	struct timespec cpu;

	for (size_t i = 0; i < count; i++) {
		const struct watched_process *process = process_at(sampler, i);

		if (!process->probe)
			continue;
		add_counts(&sum, probe_counts(process->probe));
		note_reason(sampler, process, false);
		unsampled += process->is_child && !process->was_told;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	pthread_mutex_lock(&sampler->lock);
	sampler->counts.probe = sum;
	sampler->counts.unsampled = unsampled;
	sampler->counts.cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
	pthread_mutex_unlock(&sampler->lock);
}

/* Forgets processes that have ended, and whose news were told. */
static void sweep(struct sampler *sampler)
{
	size_t kept = 0;

	for (size_t i = 0; i < sampler->count; i++) {
		struct watched_process *process = sampler->processes[i];

		if (process->probe) {
			sampler->processes[kept++] = process;
			continue;
		}
		process_destroy(process);
	}
	sampler->count = kept;
}

static void round_of_all(struct sampler *sampler, uint64_t time_ns)
{
	size_t count;

	pthread_mutex_lock(&sampler->lock);
	sweep(sampler);
	count = sampler->count;
	sampler->counts.rounds++;
	sampler->counts.begun_ns = sampler->begun_ns;
	sampler->counts.last_round_ns = time_ns;
	pthread_mutex_unlock(&sampler->lock);
	for (size_t i = 0; i < count; i++)
		look_at_process(sampler, process_at(sampler, i), time_ns);
	if (!sampler->options.subprocesses)
		return;
	look_for_births(sampler, time_ns);
	if (time_ns >= sampler->children_due_ns) {
		sampler->children_due_ns = time_ns + CHILDREN_NS;
		look_for_children(sampler, count, time_ns);
	}
}

/* Between 0 and 1. */
static double next_random(struct sampler *sampler)
{
	sampler->random ^= sampler->random << 13;
	sampler->random ^= sampler->random >> 7;
	sampler->random ^= sampler->random << 17;
	return (double)(sampler->random >> 11) * 0x1p-53;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A thread that could not be stopped in time does not stand still until the next round. */
static void sleep_until(uint64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};

	while (!pause_settle() && monotonic_ns() + SETTLE_STEP_NS < deadline_ns)
		nanosleep(&(struct timespec){.tv_nsec = SETTLE_STEP_NS}, NULL);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Rounds stand on a grid, each somewhere in its own cell of it. */
static void *sample(void *data)
{
	struct sampler *sampler = data;
	double period_ns = 1e9 / sampler->options.rate_hz;
	uint64_t begun_ns = monotonic_ns(), cell = 0, account_due_ns = 0;

	sampler->begun_ns = session_ns(sampler);
	prctl(PR_SET_TIMERSLACK, 1ul);
	/* It needs little, but in time. Not permitted to most, and not needed on an idle machine.
	 */
	setpriority(PRIO_PROCESS, (id_t)gettid(), -10);
	while (!atomic_load_explicit(&sampler->stop, memory_order_acquire)) {
		double offset = ((double)cell + next_random(sampler)) * period_ns;
		uint64_t now_ns, passed;

		sleep_until(begun_ns + (uint64_t)offset);
		now_ns = monotonic_ns();
		round_of_all(sampler, session_ns(sampler));
		if (now_ns >= account_due_ns) {
			account_due_ns = now_ns + 10000000;
			account(sampler);
		}
		passed = (uint64_t)((double)(monotonic_ns() - begun_ns) / period_ns);
		cell++;
		if (passed > cell) {
			pthread_mutex_lock(&sampler->lock);
			sampler->counts.rounds_missed += passed - cell;
			pthread_mutex_unlock(&sampler->lock);
			cell = passed;
		}
	}
	account(sampler);
	return NULL;
}

int sampler_start(struct sampler *sampler, struct error *err)
{
	sigset_t all, before;
	int failed;

	/* Signals are for the thread that drains. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&sampler->thread, NULL, sample, sampler);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return error_set_errno(err, ERROR_FAILED, failed, "cannot start a thread");
	pthread_setname_np(sampler->thread, "sonde-sampler");
	sampler->running = true;
	return 0;
}

void sampler_stop(struct sampler *sampler)
{
	if (!sampler->running)
		return;
	atomic_store_explicit(&sampler->stop, true, memory_order_release);
	pthread_join(sampler->thread, NULL);
	sampler->running = false;
}

size_t sampler_take(struct sampler *sampler, struct sample *samples, size_t max)
{
	uint64_t tail = atomic_load_explicit(&sampler->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&sampler->head, memory_order_acquire);
	size_t count = head - tail < max ? (size_t)(head - tail) : max;

	for (size_t i = 0; i < count; i++)
		samples[i] = sampler->queue[(tail + i) & (QUEUE_SAMPLES - 1)];
	atomic_store_explicit(&sampler->tail, tail + count, memory_order_release);
	return count;
}

bool sampler_take_process(struct sampler *sampler, struct sampler_process *news)
{
	struct process_news *first;

	pthread_mutex_lock(&sampler->lock);
	first = sampler->news;
	if (first) {
		sampler->news = first->next;
		if (!sampler->news)
			sampler->news_end = &sampler->news;
	}
	pthread_mutex_unlock(&sampler->lock);
	if (!first)
		return false;
	*news = first->process;
	free(first);
	return true;
}

bool sampler_take_thread(struct sampler *sampler, struct sampler_thread *news)
{
	struct thread_news *first;

	pthread_mutex_lock(&sampler->lock);
	first = sampler->names;
	if (first) {
		sampler->names = first->next;
		if (!sampler->names)
			sampler->names_end = &sampler->names;
	}
	pthread_mutex_unlock(&sampler->lock);
	if (!first)
		return false;
	*news = first->thread;
	free(first);
	return true;
}

unsigned sampler_alive(struct sampler *sampler)
{
	unsigned alive;

	pthread_mutex_lock(&sampler->lock);
	alive = sampler->alive;
	pthread_mutex_unlock(&sampler->lock);
	return alive;
}

void sampler_count(struct sampler *sampler, struct sampler_counts *counts)
{
	pthread_mutex_lock(&sampler->lock);
	*counts = sampler->counts;
	pthread_mutex_unlock(&sampler->lock);
}

void sampler_reason(struct sampler *sampler, struct error *reason)
{
	pthread_mutex_lock(&sampler->lock);
	*reason = sampler->reason;
	pthread_mutex_unlock(&sampler->lock);
}
