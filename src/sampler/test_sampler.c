#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/sampler.h"
#include "target/births.h"
#include "target/pause.h"

#define QUEUE    (1u << 18) /* samples that it holds */
#define ROUND    16384u     /* samples of one process and round */
#define PLAYERS  64u
#define MS       1000000ull
#define CHILDREN 8u

/* A process that does not exist: plays the part of target and probe. Processes have the pids 1 to
 * PLAYERS - 1. What changes while it is sampled is atomic. */
struct player {
	_Atomic bool ended, has_python, runs_python, refuses, renamed;
	_Atomic uint64_t image, age_ns;
	_Atomic unsigned threads, children;
	_Atomic uint64_t look_ns; /* that a look takes */
	pid_t child[CHILDREN];
	_Atomic unsigned opens, looks, probes;
};

static struct player players[PLAYERS];
static _Atomic pid_t born;     /* told at the next look for births, once */
static _Atomic bool too_many;  /* births to be told */
static _Atomic uint64_t speed; /* of session time */

struct target {
	pid_t pid;
};

struct probe {
	struct target *target;
	struct probe_options options;
	struct probe_counts counts;
	struct target_runtime runtime;
	struct error reason;
	uint64_t image;
	char name[16];
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void *data)
{
	return (clock_ns() - *(uint64_t *)data) * atomic_load(&speed);
}

static void wait_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / 1000000000),
				     .tv_nsec = (long)(ns % 1000000000)},
		  NULL);
}

int target_open(pid_t pid, struct target **out, struct error *err)
{
	players[pid].opens++;
	if (players[pid].refuses)
		return error_set(err, ERROR_PERMISSION, "not yours");
	*out = malloc(sizeof(**out));
	(*out)->pid = pid;
	return 0;
}

pid_t target_pid(const struct target *target)
{
	return target->pid;
}

pid_t target_parent(const struct target *target)
{
	return target->pid / 2;
}

uint64_t target_image(const struct target *target)
{
	return players[target->pid].image;
}

uint64_t target_age_ns(const struct target *target)
{
	return players[target->pid].age_ns;
}

char *target_command(const struct target *target)
{
	(void)target;
	return strdup("python app.py");
}

char *target_executable(const struct target *target)
{
	(void)target;
	return strdup("/usr/bin/python");
}

void births_init(struct births *births)
{
	births->loadavg = -1;
}

void births_deinit(struct births *births)
{
	(void)births;
}

ssize_t births_look(struct births *births, struct birth list[BIRTHS_MAX])
{
	pid_t pid = atomic_exchange(&born, 0);

	(void)births;
	if (!pid)
		return atomic_load(&too_many) ? -1 : 0;
	list[0] = (struct birth){.pid = pid, .parent = pid / 2};
	return 1;
}

bool pause_settle(void)
{
	return true;
}

static struct player *player_of(const struct probe *probe)
{
	return &players[probe->target->pid];
}

int probe_create(struct target *target, struct trace_tree *tree,
		 const struct probe_options *options, struct probe **out, struct error *err)
{
	struct probe *probe;

	assert_non_null(tree);
	if (!players[target->pid].has_python && !options->patient) {
		free(target);
		return error_set(err, ERROR_UNSUPPORTED, "no Python");
	}
	probe = calloc(1, sizeof(*probe));
	probe->target = target;
	probe->options = *options;
	probe->runtime.version_hex = 0x030e0af0;
	probe->image = player_of(probe)->image;
	player_of(probe)->probes++;
	*out = probe;
	return 0;
}

void probe_destroy(struct probe *probe)
{
	if (!probe)
		return;
	player_of(probe)->probes--;
	free(probe->target);
	free(probe);
}

struct target *probe_target(struct probe *probe)
{
	return probe->target;
}

uint64_t probe_image(const struct probe *probe)
{
	return probe->image;
}

bool probe_runs_python(const struct probe *probe)
{
	return player_of(probe)->runs_python;
}

void probe_set_process(struct probe *probe, uint32_t process)
{
	probe->options.process = process;
}

const struct target_runtime *probe_runtime(const struct probe *probe)
{
	return probe->image && player_of(probe)->has_python ? &probe->runtime : NULL;
}

const struct error *probe_reason(const struct probe *probe)
{
	return &probe->reason;
}

/* One sample a thread, whose number is its stack. */
ssize_t probe_look(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max)
{
	struct player *player = player_of(probe);
	unsigned threads = player->threads;

	player->looks++;
	if (player->ended)
		return -1;
	if (probe->image != player->image) {
		/* Another program: its Python is found at the next look. */
		bool first = probe->image != 0;

		probe->image = first ? 0 : (uint64_t)player->image;
		return 0;
	}
	if (!probe_runtime(probe))
		return 0;
	if (player->look_ns)
		wait_ns(player->look_ns);
	if (threads > max)
		threads = (unsigned)max;
	for (unsigned i = 0; i < threads; i++)
		samples[i] = (struct sample){.time_ns = time_ns,
					     .process = probe->options.process,
					     .tid = (pid_t)(100 + i),
					     .stack = i};
	probe->counts.looks += threads;
	return (ssize_t)threads;
}

ssize_t probe_look_paused(struct probe *probe, uint64_t time_ns, struct sample *samples, size_t max)
{
	ssize_t count = probe_look(probe, time_ns, samples, max);

	for (ssize_t i = 0; i < count; i++)
		samples[i].flags = SAMPLE_PAUSED;
	return count;
}

const char *probe_thread_name(struct probe *probe, pid_t tid)
{
	snprintf(probe->name, sizeof(probe->name), "%s-%d",
		 player_of(probe)->renamed ? "new" : "old", (int)tid);
	return tid == 101 ? "" : probe->name;
}

size_t probe_children(struct probe *probe, pid_t *children, size_t max)
{
	struct player *player = player_of(probe);

	assert_true(max >= CHILDREN);
	memcpy(children, player->child, player->children * sizeof(*children));
	return player->children;
}

pid_t probe_thread(const struct probe *probe, size_t i)
{
	return i < player_of(probe)->threads && i < 3 ? (pid_t)(100 + i) : 0;
}

const struct probe_counts *probe_counts(const struct probe *probe)
{
	return &probe->counts;
}

/* What one who drains has learned. */
struct fixture {
	struct sampler *sampler;
	uint64_t start_ns;
	uint64_t samples, last_ns;
	uint64_t of_process[16];
	bool known[16], ended[16], replaced[16];
	pid_t pids[16];
	unsigned begun, names, new_names;
	size_t batch;
};

static void begin(struct fixture *f, double rate_hz, struct sampler_options options)
{
	struct error err;

	memset(f, 0, sizeof(*f));
	for (unsigned i = 1; i < PLAYERS; i++) {
		memset(&players[i], 0, sizeof(players[i]));
		players[i].has_python = players[i].runs_python = true;
		players[i].threads = 2;
		players[i].image = 1;
	}
	speed = 1;
	born = 0;
	too_many = false;
	f->batch = 4096;
	f->start_ns = clock_ns();
	options.rate_hz = rate_hz;
	options.now_ns = now_ns;
	options.now_data = &f->start_ns;
	assert_int_equal(sampler_create(&options, &f->sampler, &err), 0);
}

static uint32_t add(struct fixture *f, pid_t pid)
{
	uint32_t number = UINT32_MAX;
	struct error err;

	assert_int_equal(sampler_add(f->sampler, pid, true, &number, &err), 0);
	return number;
}

static void start(struct fixture *f)
{
	struct error err;

	assert_int_equal(sampler_start(f->sampler, &err), 0);
}

static void take_news(struct fixture *f)
{
	struct sampler_process process;
	struct sampler_thread thread;

	while (sampler_take_process(f->sampler, &process)) {
		assert_true(process.process < 16);
		if (process.ended) {
			assert_true(f->known[process.process] && !f->ended[process.process]);
			assert_null(process.command);
			f->ended[process.process] = true;
			f->replaced[process.process] = process.replaced;
			continue;
		}
		assert_false(f->known[process.process]);
		assert_string_equal(process.python_version, "3.14.10");
		assert_string_equal(process.command, "python app.py");
		assert_int_equal(process.parent_pid, process.pid / 2);
		f->known[process.process] = true;
		f->pids[process.process] = process.pid;
		f->begun++;
		free(process.command);
		free(process.executable);
	}
	while (sampler_take_thread(f->sampler, &thread)) {
		assert_true(f->known[thread.process]);
		assert_int_not_equal(thread.tid, 101);
		f->names++;
		f->new_names += strncmp(thread.name, "new", 3) == 0;
	}
}

/* Samples are of known processes, in order, each round whole. */
static size_t take(struct fixture *f)
{
	struct sample *samples = malloc(f->batch * sizeof(*samples));
	size_t count = sampler_take(f->sampler, samples, f->batch);

	assert_true(count <= f->batch);
	take_news(f);
	for (size_t i = 0; i < count; i++) {
		assert_true(samples[i].process < 16 && f->known[samples[i].process]);
		assert_true(samples[i].time_ns >= f->last_ns);
		f->last_ns = samples[i].time_ns;
		f->of_process[samples[i].process]++;
	}
	f->samples += count;
	free(samples);
	return count;
}

static void drain_for(struct fixture *f, uint64_t ns)
{
	uint64_t end_ns = clock_ns() + ns;

	while (clock_ns() < end_ns) {
		take(f);
		wait_ns(MS);
	}
}

/* Until a condition holds; a machine may be busy. */
#define drain_until(f, condition)                            \
	do {                                                 \
		uint64_t until_ns = clock_ns() + 10000 * MS; \
		while (!(condition)) {                       \
			assert_true(clock_ns() < until_ns);  \
			take(f);                             \
			wait_ns(MS);                         \
		}                                            \
	} while (0)

static void stop(struct fixture *f, struct sampler_counts *counts)
{
	sampler_stop(f->sampler);
	while (take(f))
		;
	sampler_count(f->sampler, counts);
}

static void end(struct fixture *f)
{
	sampler_destroy(f->sampler);
	for (unsigned i = 1; i < PLAYERS; i++)
		assert_int_equal(players[i].probes, 0);
}

static void test_rates(void **state)
{
	const double wrong[] = {0, -1, 1e6 + 1, (double)INFINITY, (double)NAN};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sampler_options options = {.rate_hz = wrong[i]};
		struct sampler *sampler;
		struct error err;

		assert_true(sampler_create(&options, &sampler, &err) < 0);
		assert_int_equal(err.code, ERROR_USAGE);
	}
	begin(&f, 1e6, (struct sampler_options){0});
	end(&f);
	sampler_destroy(NULL);
}

/* Each deadline is met or missed, whatever the machine does. */
static void test_rounds(void **state)
{
	struct sampler_counts counts;
	uint64_t begun_ns, passed_ns;
	struct fixture f;

	(void)state;
	begin(&f, 2000, (struct sampler_options){0});
	assert_int_equal(add(&f, 1), 0);
	assert_int_equal(add(&f, 2), 1);
	begun_ns = clock_ns();
	start(&f);
	drain_for(&f, 150 * MS);
	stop(&f, &counts);
	passed_ns = clock_ns() - begun_ns;
	assert_true(counts.rounds > 0);
	assert_true(counts.rounds + counts.rounds_missed <= passed_ns / (MS / 2) + 2);
	assert_true(counts.rounds + counts.rounds_missed + 1 >=
		    (counts.last_round_ns - counts.begun_ns) / (MS / 2));
	assert_int_equal(f.samples, counts.rounds * 4);
	assert_int_equal(f.of_process[0], counts.rounds * 2);
	assert_int_equal(counts.probe.looks, counts.rounds * 4);
	assert_int_equal(f.last_ns, counts.last_round_ns);
	assert_true(counts.begun_ns <= counts.last_round_ns);
	assert_int_equal(counts.dropped, 0);
	assert_true(counts.cpu_ns > 0);
	assert_int_equal(f.begun, 2);
	assert_int_equal(f.names, 2);
	end(&f);
}

/* What comes too late is not caught up with. */
static void test_missed(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	players[1].look_ns = 5 * MS;
	add(&f, 1);
	start(&f);
	drain_for(&f, 100 * MS);
	stop(&f, &counts);
	assert_in_range(counts.rounds, 1, (counts.last_round_ns - counts.begun_ns) / (5 * MS) + 1);
	assert_true(counts.rounds_missed >= counts.rounds * 3);
	assert_true(counts.rounds + counts.rounds_missed <= (clock_ns() - f.start_ns) / MS + 2);
	assert_int_equal(players[1].looks, counts.rounds);
	end(&f);
}

/* One who does not drain loses what is new, and hears how much. */
static void test_queue_full(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	players[1].threads = 2 * ROUND;
	add(&f, 1);
	start(&f);
	do {
		wait_ns(MS);
		sampler_count(f.sampler, &counts);
	} while (counts.rounds < 20);
	sampler_stop(f.sampler);
	sampler_count(f.sampler, &counts);
	f.batch = 1000;
	while (take(&f))
		;
	assert_int_equal(f.samples, QUEUE);
	assert_int_equal(f.samples + counts.dropped, counts.rounds * ROUND);
	end(&f);
}

/* The ring goes around, and nothing is lost of what is drained in time. */
static void test_queue_around(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){.pause_always = true});
	players[1].threads = 10007;
	add(&f, 1);
	start(&f);
	drain_until(&f, f.samples > 2 * QUEUE);
	stop(&f, &counts);
	assert_int_equal(f.samples + counts.dropped, counts.rounds * 10007);
	end(&f);
}

static void test_ends(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	add(&f, 1);
	add(&f, 2);
	start(&f);
	drain_until(&f, f.of_process[1] > 20);
	assert_int_equal(sampler_alive(f.sampler), 2);
	players[2].ended = true;
	drain_until(&f, f.ended[1]);
	assert_false(f.replaced[1]);
	assert_int_equal(sampler_alive(f.sampler), 1);
	players[1].ended = true;
	drain_until(&f, sampler_alive(f.sampler) == 0);
	stop(&f, &counts);
	assert_true(f.ended[0]);
	assert_int_equal(counts.probe.looks, f.samples);
	end(&f);
}

static void test_names(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	speed = 10;
	players[1].threads = 3;
	add(&f, 1);
	start(&f);
	drain_until(&f, f.samples > 300);
	assert_int_equal(f.names, 2);
	players[1].renamed = true;
	drain_until(&f, f.new_names == 2);
	stop(&f, &counts);
	assert_int_equal(f.names, 4);
	end(&f);
}

/* Another program in the same process is another process. */
static void test_replaced(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	add(&f, 1);
	start(&f);
	drain_until(&f, f.samples > 20);
	players[1].image = 2;
	drain_until(&f, f.begun == 2 && f.of_process[1] > 20);
	assert_true(f.ended[0] && f.replaced[0]);
	assert_int_equal(f.pids[1], 1);
	assert_int_equal(sampler_alive(f.sampler), 1);
	stop(&f, &counts);
	assert_false(f.ended[1]);
	end(&f);
}

/* One that only begins is nobody's yet: it may become another program. */
static void test_between(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	players[1].runs_python = false;
	add(&f, 1);
	start(&f);
	drain_until(&f, players[1].looks > 20);
	assert_int_equal(f.begun, 0);
	players[1].age_ns = 3000 * MS;
	drain_until(&f, f.samples > 20);
	stop(&f, &counts);
	assert_int_equal(f.begun, 1);
	end(&f);
}

static void test_add(void **state)
{
	struct fixture f;
	struct error err;
	uint32_t number;

	(void)state;
	begin(&f, 100, (struct sampler_options){0});
	players[1].refuses = true;
	assert_true(sampler_add(f.sampler, 1, false, &number, &err) < 0);
	assert_int_equal(err.code, ERROR_PERMISSION);
	players[2].has_python = false;
	assert_true(sampler_add(f.sampler, 2, true, &number, &err) < 0);
	assert_int_equal(err.code, ERROR_UNSUPPORTED);
	assert_int_equal(sampler_alive(f.sampler), 0);
	assert_int_equal(sampler_add(f.sampler, 2, false, NULL, &err), 0);
	assert_int_equal(sampler_alive(f.sampler), 1);
	start(&f);
	drain_until(&f, players[2].looks > 3);
	assert_int_equal(f.begun, 0);
	players[2].has_python = true;
	drain_until(&f, f.begun == 1);
	end(&f);
}

/* Why nothing came. */
static void test_reason(void **state)
{
	struct sampler_counts counts;
	struct fixture f;
	struct error reason = {0}, err;

	(void)state;
	begin(&f, 1000, (struct sampler_options){0});
	players[1].has_python = false;
	assert_int_equal(sampler_add(f.sampler, 1, false, NULL, &err), 0);
	start(&f);
	drain_until(&f, players[1].looks > 3);
	sampler_reason(f.sampler, &reason);
	assert_int_equal(reason.code, 0);
	players[1].ended = true;
	drain_until(&f, sampler_alive(f.sampler) == 0);
	stop(&f, &counts);
	sampler_reason(f.sampler, &reason);
	assert_int_equal(reason.code, ERROR_NOT_FOUND);
	assert_int_equal(f.begun, 0);
	end(&f);
}

/* What targets start, as it appears; one that is refused is tried again, seldom. */
static void test_subprocesses(void **state)
{
	struct sampler_counts counts;
	struct fixture f;
	unsigned opens;

	(void)state;
	begin(&f, 1000, (struct sampler_options){.subprocesses = true});
	memcpy(players[1].child, (pid_t[]){2, 3}, 2 * sizeof(pid_t));
	memcpy(players[2].child, (pid_t[]){4}, sizeof(pid_t));
	players[2].children = 1;
	players[3].refuses = true;
	add(&f, 1);
	start(&f);
	drain_until(&f, f.samples > 50);
	assert_int_equal(f.begun, 1);
	players[1].children = 2;
	drain_until(&f, f.begun == 3);
	drain_for(&f, 100 * MS);
	sampler_count(f.sampler, &counts);
	assert_int_equal(counts.unsampled, 1);
	opens = players[3].opens;
	assert_true(opens <= 1 + (clock_ns() - f.start_ns) / (1000 * MS));
	assert_int_equal(players[4].opens, 1);
	speed = 20;
	players[3].refuses = false;
	drain_until(&f, f.begun == 4);
	stop(&f, &counts);
	assert_in_range(players[3].opens, opens + 1, opens + 2);
	assert_int_equal(players[2].opens, 1);
	assert_int_equal(counts.unsampled, 0);
	assert_int_equal(sampler_alive(f.sampler), 4);
	end(&f);
}

/* Children are met without being listed, what is not the target's is not, and what has no sample is
 * counted once, also while it is there still after its end. */
static void test_births(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){.subprocesses = true});
	add(&f, 1);
	start(&f);
	drain_until(&f, f.begun == 1);
	born = 2;
	drain_until(&f, f.begun == 2);
	born = 9;
	drain_for(&f, 20 * MS);
	assert_int_equal(players[9].opens, 0);

	players[3].has_python = false;
	memcpy(players[1].child, (pid_t[]){3}, sizeof(pid_t));
	born = 3;
	drain_until(&f, players[3].looks > 3);
	players[3].ended = true;
	players[1].children = 1;
	too_many = true;
	drain_for(&f, 100 * MS);
	assert_int_equal(players[3].opens, 1);
	players[2].ended = true;
	drain_until(&f, f.ended[1]);
	stop(&f, &counts);
	assert_int_equal(counts.unsampled, 1);
	end(&f);
}

/* A child that has ended, and another one that was given its pid. */
static void test_pid_again(void **state)
{
	struct sampler_counts counts;
	struct fixture f;

	(void)state;
	begin(&f, 1000, (struct sampler_options){.subprocesses = true});
	speed = 20;
	players[1].child[0] = 2;
	players[1].children = 1;
	add(&f, 1);
	start(&f);
	drain_until(&f, f.begun == 2);
	players[2].ended = true;
	drain_until(&f, sampler_alive(f.sampler) == 1);
	players[2].ended = false;
	drain_until(&f, f.begun == 3);
	stop(&f, &counts);
	assert_int_equal(players[2].opens, 2);
	assert_int_equal(counts.unsampled, 0);
	end(&f);
}

/* By the one who drains, while the other samples and looks for children. */
static void test_add_while_sampling(void **state)
{
	struct sampler_counts counts;
	struct fixture f;
	unsigned alive = 4;
	struct error err;

	(void)state;
	begin(&f, 20000, (struct sampler_options){.subprocesses = true});
	speed = 100;
	players[1].children = 3;
	memcpy(players[1].child, (pid_t[]){2, 3, 4}, 3 * sizeof(pid_t));
	add(&f, 1);
	start(&f);
	drain_until(&f, f.begun == 4);
	for (pid_t pid = 5; pid < (pid_t)PLAYERS; pid++) {
		players[pid].has_python = false;
		assert_int_equal(sampler_add(f.sampler, pid, false, NULL, &err), 0);
		take(&f);
		wait_ns(MS);
		players[pid].ended = pid % 3 != 0;
		alive += pid % 3 == 0;
	}
	drain_until(&f, sampler_alive(f.sampler) == alive);
	stop(&f, &counts);
	assert_int_equal(f.begun, 4);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_queue_around),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_subprocesses),
		cmocka_unit_test(test_births),
		cmocka_unit_test(test_pid_again),
		cmocka_unit_test(test_add_while_sampling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
