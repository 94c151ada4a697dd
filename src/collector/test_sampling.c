#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sampling.h"

#define SECOND  1000000000ull
#define SAMPLES 65536u
#define BATCH   4096u

/* The writer, played: what matters becomes a line. */
struct capture_writer {
	char text[8192];
	size_t used;
	uint32_t processes, threads, frames, stacks;
	uint64_t rounds, samples, last_ns;
	uint64_t samples_before_end;
	struct capture_sampling sampling;
};

/* The sampler, played: a queue and news, given out as they were put in. */
struct sampler {
	struct sampler_options options;
	struct trace_tree *tree;
	struct sample *queue;
	size_t head, tail;
	struct sampler_process news[16];
	size_t news_head, news_tail;
	struct sampler_thread names[16];
	size_t names_head, names_tail;
	struct sampler_counts counts;
	struct error reason;
	void (*on_names)(struct sampler *sampler); /* before the first is asked for, once */
	bool stopped;
};

static struct sampler player;
static uint64_t time_ns;

static void say(struct capture_writer *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct capture_writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	w->used += (size_t)vsnprintf(w->text + w->used, sizeof(w->text) - w->used, format, args);
	va_end(args);
	assert_true(w->used < sizeof(w->text));
}

process_id writer_process(struct capture_writer *w, const struct capture_process *process)
{
	say(w, "process %u: pid %u of %u, %s, %s, %s\n", ++w->processes, process->pid,
	    process->parent_pid, process->command, process->executable, process->python_version);
	return w->processes;
}

void writer_process_end(struct capture_writer *w, process_id process, uint64_t at_ns,
			int exit_status)
{
	w->samples_before_end = w->samples;
	say(w, "end of %u at %llu: %d\n", process, (unsigned long long)at_ns, exit_status);
}

thread_id writer_thread(struct capture_writer *w, process_id process, uint32_t tid,
			const char *name)
{
	assert_string_equal(name, "");
	if (w->threads < 20)
		say(w, "thread %u of %u: %u\n", w->threads + 1, process, tid);
	return ++w->threads;
}

void writer_thread_name(struct capture_writer *w, thread_id thread, const char *name)
{
	say(w, "thread %u is %s\n", thread, name);
}

frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	assert_int_equal(kind, FRAME_PYTHON);
	say(w, "frame %u: %.*s %.*s:%u\n", ++w->frames, (int)function_bytes, function,
	    (int)file_bytes, file, line);
	return w->frames;
}

stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame)
{
	say(w, "stack %u: %u behind %u\n", ++w->stacks, frame, parent);
	return w->stacks;
}

void writer_samples(struct capture_writer *w, process_id process, uint64_t at_ns,
		    const struct capture_sample *samples, size_t count)
{
	assert_true(count > 0);
	assert_true(at_ns >= w->last_ns);
	w->last_ns = at_ns;
	w->rounds++;
	w->samples += count;
	if (w->rounds > 20)
		return;
	say(w, "round of %u at %llu:", process, (unsigned long long)at_ns);
	for (size_t i = 0; i < count && i < 3; i++)
		say(w, " %u:%u", samples[i].thread, samples[i].stack);
	say(w, "\n");
}

void writer_sampling(struct capture_writer *w, const struct capture_sampling *sampling)
{
	w->sampling = *sampling;
}

uint64_t session_now_ns(const struct session *session)
{
	assert_non_null(session);
	return time_ns;
}

int sampler_create(const struct sampler_options *options, struct sampler **out, struct error *err)
{
	if (!(options->rate_hz > 0))
		return error_set(err, ERROR_USAGE, "no rate");
	memset(&player, 0, sizeof(player));
	player.options = *options;
	player.tree = trace_tree_create();
	player.queue = calloc(SAMPLES, sizeof(*player.queue));
	*out = &player;
	return 0;
}

void sampler_destroy(struct sampler *sampler)
{
	assert_true(sampler->stopped);
	assert_int_equal(sampler->news_tail, sampler->news_head);
	trace_tree_destroy(sampler->tree);
	free(sampler->queue);
}

int sampler_add(struct sampler *sampler, pid_t pid, bool must, uint32_t *process, struct error *err)
{
	(void)sampler, (void)process;
	return pid == 1 && must ? error_set(err, ERROR_PERMISSION, "not yours") : 0;
}

int sampler_start(struct sampler *sampler, struct error *err)
{
	(void)err;
	return sampler->options.now_ns(sampler->options.now_data) == time_ns ? 0 : -1;
}

void sampler_stop(struct sampler *sampler)
{
	sampler->stopped = true;
}

size_t sampler_take(struct sampler *sampler, struct sample *samples, size_t max)
{
	size_t count = sampler->head - sampler->tail;

	count = count < max ? count : max;
	if (count)
		memcpy(samples, &sampler->queue[sampler->tail], count * sizeof(*samples));
	sampler->tail += count;
	return count;
}

bool sampler_take_process(struct sampler *sampler, struct sampler_process *news)
{
	if (sampler->news_tail == sampler->news_head)
		return false;
	*news = sampler->news[sampler->news_tail++];
	return true;
}

bool sampler_take_thread(struct sampler *sampler, struct sampler_thread *news)
{
	void (*on_names)(struct sampler * sampler) = sampler->on_names;

	sampler->on_names = NULL;
	if (on_names)
		on_names(sampler);
	if (sampler->names_tail == sampler->names_head)
		return false;
	*news = sampler->names[sampler->names_tail++];
	return true;
}

struct trace_tree *sampler_tree(struct sampler *sampler)
{
	return sampler->tree;
}

unsigned sampler_alive(struct sampler *sampler)
{
	(void)sampler;
	return 3;
}

void sampler_count(struct sampler *sampler, struct sampler_counts *counts)
{
	*counts = sampler->counts;
}

void sampler_reason(struct sampler *sampler, struct error *reason)
{
	*reason = sampler->reason;
}

struct fixture {
	struct capture_writer writer;
	struct census census;
	struct session session;
	struct sampling *sampling;
};

static void begin(struct fixture *f, bool waits)
{
	const struct sampling_options options = {.rate_hz = 100, .waits_for_census = waits};
	struct error err;

	memset(f, 0, sizeof(*f));
	time_ns = 1;
	census_init(&f->census);
	assert_int_equal(
		sampling_open(&options, &f->writer, &f->census, &f->session, &f->sampling, &err),
		0);
	assert_int_equal(sampling_start(f->sampling, &err), 0);
}

static void end(struct fixture *f)
{
	sampling_close(f->sampling, NULL, NULL);
	census_deinit(&f->census);
}

/* What was written since the last time. */
static void assert_written(struct fixture *f, const char *text)
{
	assert_string_equal(f->writer.text, text);
	f->writer.used = 0;
	f->writer.text[0] = '\0';
}

static void tell_begin(uint32_t number, pid_t pid)
{
	player.news[player.news_head++] = (struct sampler_process){
		.process = number,
		.pid = pid,
		.parent_pid = 5,
		.time_ns = time_ns,
		.python_version = "3.14.0",
		.command = strdup("app"),
		.executable = strdup("/python"),
	};
}

static void tell_end(uint32_t number, pid_t pid, bool replaced)
{
	player.news[player.news_head++] = (struct sampler_process){.process = number,
								   .pid = pid,
								   .ended = true,
								   .replaced = replaced,
								   .time_ns = time_ns};
}

static void tell_name(uint32_t number, pid_t tid, const char *name)
{
	struct sampler_thread *news = &player.names[player.names_head++];

	*news = (struct sampler_thread){.process = number, .tid = tid};
	snprintf(news->name, sizeof(news->name), "%s", name);
}

/* One round, of `threads` threads from 100 on, all with this stack. */
static void sample(uint32_t number, uint64_t at_ns, unsigned threads, uint32_t stack)
{
	for (unsigned i = 0; i < threads; i++)
		player.queue[player.head++] = (struct sample){.time_ns = at_ns,
							      .process = number,
							      .tid = (pid_t)(100 + i),
							      .stack = stack};
	assert_true(player.head <= SAMPLES);
}

static uint32_t add_code(const char *function)
{
	static struct pyabi_layout layout;
	const struct trace_code code = {.function = function,
					.file = "/a.py",
					.layout = &layout,
					.line_table = (const uint8_t *)"",
					.first_line = 7};

	assert_int_equal(pyabi_layout_init(0x030c00f0, false, NULL, 0, &layout), 0);
	return trace_tree_add_code(player.tree, &code);
}

static void test_rounds(void **state)
{
	struct fixture f;
	struct sampling_sums sums;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	sample(0, 5, 2, SAMPLE_STACK_EMPTY);
	sample(0, 6, 2, SAMPLE_STACK_UNKNOWN);
	assert_int_equal(sampling_drain(f.sampling), 4);
	/* More of the last one may come. */
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 1: 100\n"
			   "thread 2 of 1: 101\n"
			   "round of 1 at 5: 1:0 2:0\n");
	player.queue[player.head++] = (struct sample){.time_ns = 6, .tid = 102};
	assert_int_equal(sampling_drain(f.sampling), 1);
	assert_written(&f, "");
	sample(0, 7, 1, SAMPLE_STACK_EMPTY);
	assert_int_equal(sampling_drain(f.sampling), 1);
	assert_written(&f, "thread 3 of 1: 102\n"
			   "round of 1 at 6: 1:0 2:0 3:0\n");
	player.counts = (struct sampler_counts){.rounds = 3, .dropped = 9, .begun_ns = 2};
	player.counts.last_round_ns = 12;
	player.counts.probe.looks = 6;
	assert_int_equal(sampling_drain(f.sampling), 0);
	assert_int_equal(f.writer.sampling.rounds, 3);
	assert_int_equal(f.writer.sampling.dropped, 9);
	assert_int_equal(f.writer.sampling.sampled_ns, 10);
	assert_int_equal(f.writer.sampling.looks, 6);
	assert_int_equal(sampling_begun_ns(f.sampling), 2);
	assert_int_equal(sampling_alive(f.sampling), 3);
	sampling_close(f.sampling, &sums, NULL);
	assert_written(&f, "round of 1 at 7: 1:0\n");
	assert_int_equal(sums.samples, 6);
	assert_int_equal(sums.processes, 1);
	census_deinit(&f.census);
}

/* Each frame and stack once, callers first. */
static void test_stacks(void **state)
{
	struct fixture f;
	uint32_t main_code, g_code, nodes[4];

	(void)state;
	begin(&f, false);
	main_code = add_code("main");
	g_code = add_code("g");
	nodes[0] = trace_tree_add_node(player.tree, 0, main_code, 200);
	nodes[1] = trace_tree_add_node(player.tree, nodes[0], g_code, 200);
	nodes[2] = trace_tree_add_node(player.tree, nodes[1], g_code, 200);
	nodes[3] = trace_tree_add_node(player.tree, 0, g_code, 200);
	tell_begin(0, 10);
	sample(0, 5, 1, nodes[2]);
	sample(0, 6, 1, nodes[1]);
	sample(0, 7, 1, nodes[3]);
	sample(0, 8, 1, nodes[2]);
	sample(0, 9, 1, 99999); /* never given out */
	sampling_drain(f.sampling);
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 1: 100\n"
			   "frame 1: main /a.py:7\n"
			   "stack 1: 1 behind 0\n"
			   "frame 2: g /a.py:7\n"
			   "stack 2: 2 behind 1\n"
			   "frame 3: g /a.py:7\n"
			   "stack 3: 3 behind 2\n"
			   "round of 1 at 5: 1:3\n"
			   "round of 1 at 6: 1:2\n"
			   "frame 4: g /a.py:7\n"
			   "stack 4: 4 behind 0\n"
			   "round of 1 at 7: 1:4\n"
			   "round of 1 at 8: 1:3\n");
	end(&f);
}

/* An end is told behind the samples that were taken before it, and holds up nobody else. */
static void test_ends(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	sample(0, 5, 1, 0);
	time_ns = 6;
	tell_end(0, 10, false);
	tell_begin(1, 11);
	sample(1, 7, 1, 0);
	sampling_drain(f.sampling);
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "process 2: pid 11 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 1: 100\n"
			   "round of 1 at 5: 1:0\n");
	sampling_drain(f.sampling);
	assert_written(&f, "thread 2 of 2: 100\n"
			   "round of 2 at 7: 2:0\n"
			   "end of 1 at 6: -1\n");
	/* At the last, all of them. */
	sample(1, 8, 2, 0);
	time_ns = 9;
	tell_end(1, 11, false);
	end(&f);
	assert_written(&f, "thread 3 of 2: 101\n"
			   "round of 2 at 8: 2:0 3:0\n"
			   "end of 2 at 9: -1\n");
}

/* However many there are. */
static void test_end_of_many(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	tell_end(0, 10, false);
	sampling_drain(f.sampling);
	for (unsigned i = 0; i < BATCH; i++)
		sample(0, 5 + i, 3, 0);
	sampling_drain(f.sampling);
	assert_int_equal(f.writer.samples_before_end, 3 * BATCH);
	end(&f);
}

/* Two processes have their rounds at one time. */
static void test_same_time(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	tell_begin(1, 11);
	sample(0, 5, 1, 0);
	sample(1, 5, 1, 0);
	sample(0, 6, 1, 0);
	sample(1, 6, 1, 0);
	sampling_drain(f.sampling);
	assert_int_equal(f.writer.rounds, 3);
	end(&f);
	assert_int_equal(f.writer.rounds, 4);
	assert_int_equal(f.writer.threads, 2);
}

/* How a process ended is known before or behind its end: it ended when it did. */
static void test_status(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	tell_begin(1, 11);
	tell_begin(2, 12);
	tell_begin(3, 13);
	sampling_drain(f.sampling);
	f.writer.used = 0;
	time_ns = 6;
	tell_end(0, 10, false);
	tell_end(2, 12, true);
	sampling_drain(f.sampling);
	sampling_status(f.sampling, 10, 256);
	sampling_status(f.sampling, 12, 512);
	sampling_status(f.sampling, 99, 1);
	sampling_drain(f.sampling);
	assert_written(&f, "end of 1 at 6: 256\n"
			   "end of 3 at 6: -1\n");
	time_ns = 7;
	tell_end(1, 11, false);
	sampling_drain(f.sampling);
	sampling_drain(f.sampling);
	sampling_status(f.sampling, 11, 15);
	sampling_status(f.sampling, 13, 9);
	time_ns = 100;
	f.writer.used = 0;
	end(&f);
	/* The last one was never seen to end. */
	assert_written(&f, "end of 1 at 6: 256\n"
			   "end of 2 at 7: 15\n"
			   "end of 4 at 100: 9\n");
}

/* Another program in the same process is another process of the capture. */
static void test_replaced(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	sample(0, 5, 1, 0);
	tell_end(0, 10, true);
	tell_begin(1, 10);
	sample(1, 6, 1, 0);
	end(&f);
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "process 2: pid 10 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 1: 100\n"
			   "round of 1 at 5: 1:0\n"
			   "thread 2 of 2: 100\n"
			   "round of 2 at 6: 2:0\n"
			   "end of 1 at 1: -1\n");
}

/* Who records allocations tells of the process, and of threads, in its own time. */
static void test_census(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	tell_begin(0, 10);
	sample(0, 5, 2, 0);
	tell_name(0, 100, "worker");
	assert_int_equal(sampling_drain(f.sampling), 2);
	assert_int_equal(sampling_drain(f.sampling), 0);
	assert_written(&f, "");
	census_put_process(&f.census, 10, 77);
	census_put_thread(&f.census, 77, 100, 55);
	sample(0, 6, 1, 0);
	sampling_drain(f.sampling);
	assert_written(&f, "thread 1 of 77: 101\n"
			   "round of 77 at 5: 55:0 1:0\n"
			   "thread 55 is worker\n");
	/* The thread that we met first is the other's too. */
	assert_int_equal(census_take_thread(&f.census, 77, 101), 1);
	assert_int_equal(census_take_thread(&f.census, 77, 100), 0);
	/* Its end is the other's to tell. */
	tell_end(0, 10, false);
	end(&f);
	assert_written(&f, "round of 77 at 6: 55:0\n");
}

/* If nobody does, we do after a while: nothing is lost, in more than a batch either. */
static void test_census_is_silent(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	tell_begin(0, 10);
	tell_name(0, 100, "worker");
	for (unsigned i = 0; i < 3 * BATCH; i += 3) {
		sample(0, 5 + i, 3, 0);
		if (i % 300 == 0)
			sampling_drain(f.sampling);
	}
	time_ns = SECOND;
	sampling_drain(f.sampling);
	assert_int_equal(f.writer.samples, 0);
	time_ns = SECOND + 1;
	sampling_drain(f.sampling);
	assert_int_equal(f.writer.processes, 1);
	assert_int_equal(census_process(&f.census, 10), 1);
	assert_non_null(strstr(f.writer.text, "thread 1 is worker\n"));
	end(&f);
	assert_int_equal(f.writer.samples, 3 * BATCH);
	assert_int_equal(f.writer.rounds, BATCH);
	/* At the end nobody is waited for. */
	begin(&f, true);
	tell_begin(0, 10);
	sample(0, 5, 1, 0);
	tell_name(0, 100, "worker");
	sampling_drain(f.sampling);
	end(&f);
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 1: 100\n"
			   "round of 1 at 5: 1:0\n"
			   "thread 1 is worker\n");
}

static void begin_another(struct sampler *sampler)
{
	(void)sampler;
	tell_begin(1, 11);
	tell_name(1, 100, "new");
	tell_name(0, 100, "old");
}

/* A process may begin, and its threads have names, right when names are asked for. */
static void test_name_before_process(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	player.on_names = begin_another;
	sampling_drain(f.sampling);
	sampling_drain(f.sampling);
	assert_written(&f, "process 1: pid 10 of 5, app, /python, 3.14.0\n"
			   "process 2: pid 11 of 5, app, /python, 3.14.0\n"
			   "thread 1 of 2: 100\n"
			   "thread 1 is new\n"
			   "thread 2 of 1: 100\n"
			   "thread 2 is old\n");
	end(&f);
}

/* Rounds of all sizes: each is written once, those that a batch holds in one. */
static void test_batches(void **state)
{
	static const unsigned sizes[] = {1, BATCH - 1, BATCH, 3, 700, BATCH - 703, 5, 4090, 2};
	unsigned total = 0;
	struct fixture f;

	(void)state;
	begin(&f, false);
	tell_begin(0, 10);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sample(0, 100 + i, sizes[i], 0);
		total += sizes[i];
	}
	assert_int_equal(sampling_drain(f.sampling), total);
	end(&f);
	assert_int_equal(f.writer.samples, total);
	assert_int_equal(f.writer.rounds, sizeof(sizes) / sizeof(sizes[0]));
	/* One that no batch holds. */
	begin(&f, false);
	tell_begin(0, 10);
	sample(0, 100, 3 * BATCH + 10, 0);
	sample(0, 101, 10, 0);
	sampling_drain(f.sampling);
	end(&f);
	assert_int_equal(f.writer.samples, 3 * BATCH + 20);
	assert_int_equal(f.writer.threads, 3 * BATCH + 10);
}

static void test_errors(void **state)
{
	const struct sampling_options none = {0};
	struct error err = {0}, reason = {0};
	struct fixture f;

	(void)state;
	assert_true(sampling_open(&none, NULL, NULL, NULL, &f.sampling, &err) < 0);
	assert_int_equal(err.code, ERROR_USAGE);
	begin(&f, false);
	assert_true(sampling_add(f.sampling, 1, true, &err) < 0);
	assert_int_equal(err.code, ERROR_PERMISSION);
	assert_int_equal(sampling_add(f.sampling, 2, true, &err), 0);
	/* Why there is nothing: no time, no Python, nobody there. */
	sampling_close(f.sampling, NULL, &reason);
	assert_int_equal(reason.code, ERROR_FAILED);
	census_deinit(&f.census);
	begin(&f, false);
	player.counts.rounds = 5;
	error_set(&player.reason, ERROR_UNSUPPORTED, "no Python");
	sampling_close(f.sampling, NULL, &reason);
	assert_int_equal(reason.code, ERROR_UNSUPPORTED);
	census_deinit(&f.census);
	begin(&f, false);
	player.counts.rounds = 5;
	sampling_close(f.sampling, NULL, &reason);
	assert_int_equal(reason.code, ERROR_NOT_FOUND);
	census_deinit(&f.census);
	/* Where there is something, nothing. */
	begin(&f, false);
	tell_begin(0, 10);
	sample(0, 5, 1, 0);
	reason = (struct error){0};
	sampling_close(f.sampling, NULL, &reason);
	assert_int_equal(reason.code, 0);
	census_deinit(&f.census);
	sampling_close(NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_end_of_many),
		cmocka_unit_test(test_same_time),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_census),
		cmocka_unit_test(test_census_is_silent),
		cmocka_unit_test(test_name_before_process),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
