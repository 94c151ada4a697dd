#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sampler/probe.h"
#include "sampler/test_process.h"

#define WORDS  12u
#define MAIN   100 /* threads as we see them: the first one is Python's main thread */
#define WORKER 101
#define NATIVE 102 /* not known to Python */
#define ROUND  1000000ull

/* main that called f, in thread MAIN. */
struct fixture {
	struct process process;
	struct trace_tree *tree;
	struct probe *probe;
	uint64_t codes[2], frames[2];
	uint64_t time_ns;
	struct sample samples[8];
};

static void begin(struct fixture *f, unsigned kind)
{
	struct python *python = &f->process.python;

	memset(f, 0, sizeof(*f));
	process_init(&f->process, kind);
	f->time_ns = 10000 * ROUND;
	f->tree = trace_tree_create();
	process_add_thread(&f->process, MAIN, 1234);
	process_add_thread(&f->process, NATIVE, 1236);
	python_enter_c(python);
	for (unsigned i = 0; i < 2; i++) {
		f->codes[i] = python_code(python, i ? "f" : "main", "/a.py", WORDS);
		f->frames[i] = python_push(python, f->codes[i], 10 + i, WORDS);
	}
}

static int create(struct fixture *f, struct probe_options options)
{
	struct error err;

	f->probe = NULL;
	options.process = 7;
	return probe_create(process_target(&f->process), f->tree, &options, &f->probe, &err);
}

static void end(struct fixture *f)
{
	assert_int_equal(f->process.stopped, 0);
	probe_destroy(f->probe);
	trace_tree_destroy(f->tree);
	process_deinit(&f->process);
}

/* Each with another way to the frames. */
static const unsigned kinds[] = {3, 4, 7, 9, 11, 12};

static void with_each(void (*test)(struct fixture *f), struct probe_options options)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fixture f;

		begin(&f, kinds[i]);
		assert_int_equal(create(&f, options), 0);
		test(&f);
		end(&f);
	}
}

static ssize_t look(struct fixture *f)
{
	f->time_ns += ROUND;
	return probe_look(f->probe, f->time_ns, f->samples, 8);
}

/* The sample of a thread in the last look. */
static const struct sample *sample_of(const struct fixture *f, pid_t tid, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++) {
		if (f->samples[i].tid != tid)
			continue;
		assert_int_equal(f->samples[i].time_ns, f->time_ns);
		assert_int_equal(f->samples[i].process, 7);
		return &f->samples[i];
	}
	fail();
	return NULL;
}

static const struct sample *look_at(struct fixture *f, pid_t tid)
{
	return sample_of(f, tid, look(f));
}

static const struct probe_counts *counts(const struct fixture *f)
{
	return probe_counts(f->probe);
}

/* The innermost function. */
static const char *leaf_of(const struct fixture *f, uint32_t stack)
{
	const struct trace_node *node = trace_tree_node(f->tree, stack);

	return node->code ? trace_tree_code(f->tree, node->code)->function : "";
}

static struct process_thread *thread_of(struct fixture *f, pid_t tid)
{
	return process_thread(&f->process, tid);
}

static void check_running(struct fixture *f)
{
	const struct sample *sample;

	assert_int_equal(look(f), 2);
	sample = sample_of(f, MAIN, 2);
	assert_string_equal(leaf_of(f, sample->stack), "f");
	assert_int_equal(sample->flags, SAMPLE_RUNNING);
	assert_int_equal(sample->wait, WAIT_NONE);
	sample = sample_of(f, NATIVE, 2);
	assert_int_equal(sample->stack, SAMPLE_STACK_EMPTY);
	assert_int_equal(sample->flags, SAMPLE_RUNNING);
	python_hold_gil(&f->process.python, f->process.python.gil, f->process.python.tstate);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL);
	/* Garbage is collected by who holds the GIL. */
	python_put(&f->process.python, f->process.python.interp,
		   f->process.python.layout->interp_gc_collecting, 1, 4);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | SAMPLE_GC);
	assert_int_equal(sample_of(f, NATIVE, 2)->flags, SAMPLE_RUNNING);
	python_hold_gil(&f->process.python, f->process.python.gil, f->process.python.tstate + 64);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING);
	assert_int_equal(counts(f)->looks, 8);
	assert_int_equal(counts(f)->failures, 0);
	assert_int_equal(counts(f)->pauses, 0);
	assert_true(counts(f)->reads > 0);
	assert_int_equal(probe_thread(f->probe, 0), MAIN);
	assert_int_equal(probe_thread(f->probe, 1), NATIVE);
	assert_int_equal(probe_thread(f->probe, 2), 0);
	assert_string_equal(probe_thread_name(f->probe, MAIN), "kernel's");
	assert_string_equal(probe_thread_name(f->probe, 5), "");
}

static void test_running(void **state)
{
	(void)state;
	with_each(check_running, (struct probe_options){0});
}

/* Interpreters, frames and what tells their code objects apart are one read of the target's memory;
 * up to 3.10 callers are copied once more. */
static void check_one_read(struct fixture *f)
{
	uint64_t once = f->process.python.layout->frame_executing == PYABI_NONE ? 1 : 2;

	/* Learns the code objects, and where they are. */
	look(f);
	look(f);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t reads = counts(f)->reads;
		unsigned calls = f->process.python.memory.calls;

		assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "f");
		assert_int_equal(counts(f)->reads, reads + once);
		assert_int_equal(f->process.python.memory.calls, calls + once);
	}
}

static void test_one_read(void **state)
{
	(void)state;
	with_each(check_one_read, (struct probe_options){0});
}

/* Without a GIL who collects stops all others. */
static void check_no_gil(struct fixture *f)
{
	struct python *python = &f->process.python;

	if (python->layout->gil_enabled == PYABI_NONE)
		return;
	python_put(python, python->gil, python->layout->gil_enabled, 0, 4);
	python_hold_gil(python, python->gil, python->tstate);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING);
	python_put(python, python->interp, python->layout->interp_gc_collecting, 1, 4);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_GC);
	thread_of(f, MAIN)->state = TASK_BLOCKED;
	assert_int_equal(look_at(f, MAIN)->flags, 0);
}

static void test_no_gil(void **state)
{
	(void)state;
	with_each(check_no_gil, (struct probe_options){0});
}

static void check_python_only(struct fixture *f)
{
	assert_int_equal(look(f), 1);
	assert_int_equal(f->samples[0].tid, MAIN);
	/* One that fits, and none. */
	assert_int_equal(probe_look(f->probe, f->time_ns, f->samples, 0), 0);
	assert_int_equal(counts(f)->missed, 1);
}

static void test_python_only(void **state)
{
	(void)state;
	with_each(check_python_only, (struct probe_options){.python_only = true});
}

static void check_blocked(struct fixture *f)
{
	struct process_thread *thread = thread_of(f, MAIN);
	uint64_t unchanged;

	thread->state = TASK_BLOCKED;
	thread->wait = WAIT_SLEEP;
	assert_int_equal(look_at(f, MAIN)->flags, 0);
	assert_int_equal(sample_of(f, MAIN, 2)->wait, WAIT_SLEEP);
	unchanged = counts(f)->unchanged;
	/* Nobody put it on a CPU: what it did then it still does. */
	python_push(&f->process.python, f->codes[0], 12, WORDS);
	assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "f");
	assert_int_equal(counts(f)->unchanged, unchanged + 1);
	python_hold_gil(&f->process.python, f->process.python.gil, f->process.python.tstate);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_HOLDS_GIL);
	thread->switches++;
	assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "main");
	assert_int_equal(counts(f)->unchanged, unchanged + 2);
	/* It ran in between, and blocks again. */
	thread->state = TASK_RUNNING;
	look(f);
	thread->state = TASK_BLOCKED;
	look(f);
	assert_int_equal(counts(f)->unchanged, unchanged + 2);
	look(f);
	assert_int_equal(counts(f)->unchanged, unchanged + 3);
}

static void test_blocked(void **state)
{
	(void)state;
	with_each(check_blocked, (struct probe_options){0});
}

static void check_waits_for_gil(struct fixture *f)
{
	struct process_thread *thread = thread_of(f, MAIN);

	look(f);
	thread->state = TASK_BLOCKED;
	thread->wait = WAIT_FUTEX;
	thread->argument = 0x1000;
	assert_int_equal(look_at(f, MAIN)->flags, 0);
	thread->argument = f->process.python.gil + 40;
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_WAITS_GIL);
	assert_int_equal(sample_of(f, MAIN, 2)->wait, WAIT_FUTEX);
	thread->wait = WAIT_READ;
	assert_int_equal(look_at(f, MAIN)->flags, 0);
}

static void test_waits_for_gil(void **state)
{
	(void)state;
	with_each(check_waits_for_gil, (struct probe_options){0});
}

/* While the caller does not look as one that waits, only a thread that stands still is read. */
static void set_torn(struct fixture *f, bool torn)
{
	struct python *python = &f->process.python;

	python_put(python, f->frames[0], python->layout->frame_stacktop, torn ? UINT32_MAX : 1, 4);
	python_put(python, f->frames[0], python->layout->frame_return_offset, torn ? 0 : 2, 2);
}

static struct fixture *to_mend;

static void mend(struct process *process)
{
	(void)process;
	set_torn(to_mend, false);
}

static void check_pauses(struct fixture *f)
{
	look(f);
	set_torn(f, true);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_PAUSED);
	assert_string_equal(leaf_of(f, sample_of(f, MAIN, 2)->stack), "f");
	assert_int_equal(counts(f)->pauses, 1);
	assert_int_equal(f->process.pauses, 1);
	assert_int_equal(f->process.stopped, 0);
	/* One that waits for a CPU runs nothing before it stops. */
	f->process.pause = PAUSE_LATE;
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_PAUSED);
	assert_int_equal(counts(f)->pauses, 1);
	assert_int_equal(counts(f)->failures, 0);
	f->process.pause = PAUSE_DENIED;
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_UNKNOWN);
	assert_int_equal(sample_of(f, MAIN, 2)->stack, SAMPLE_STACK_UNKNOWN);
	assert_int_equal(counts(f)->failures, 1);
	/* By then it is read without that. */
	to_mend = f;
	f->process.on_pause = mend;
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING);
	assert_string_equal(leaf_of(f, sample_of(f, MAIN, 2)->stack), "f");
	f->process.on_pause = NULL;
	set_torn(f, true);
	/* One that is blocked is not stopped. */
	f->process.pauses = 0;
	f->process.pause = PAUSE_STOPPED;
	thread_of(f, MAIN)->state = TASK_BLOCKED;
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_UNKNOWN);
	assert_int_equal(f->process.pauses, 0);
	set_torn(f, false);
	assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "f");
}

static void test_pauses(void **state)
{
	(void)state;
	with_each(check_pauses, (struct probe_options){0});
}

static void check_never_pauses(struct fixture *f)
{
	look(f);
	set_torn(f, true);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_UNKNOWN);
	assert_int_equal(f->process.pauses, 0);
	assert_int_equal(counts(f)->failures, 200);
	set_torn(f, false);
	assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "f");
}

static void test_never_pauses(void **state)
{
	(void)state;
	with_each(check_never_pauses, (struct probe_options){.never_pause = true});
}

/* Who is found changed often is stopped for each sample, until it has calmed down. */
static void check_restless(struct fixture *f)
{
	unsigned looks;

	look(f);
	set_torn(f, true);
	for (looks = 0; looks < 100; looks++)
		look(f);
	assert_int_equal(counts(f)->pauses, 100);
	set_torn(f, false);
	look(f);
	look(f);
	assert_int_equal(counts(f)->pauses, 102);
	for (looks = 0; looks < 5000; looks++) {
		assert_string_equal(leaf_of(f, look_at(f, MAIN)->stack), "f");
		if (!(f->samples[0].flags & SAMPLE_PAUSED))
			break;
	}
	assert_in_range(looks, 100, 2000);
	/* One that changes now and then never becomes so. */
	for (unsigned i = 0; i < 300; i++) {
		set_torn(f, i % 20 == 0);
		assert_int_equal(look_at(f, MAIN)->flags & SAMPLE_PAUSED,
				 i % 20 ? 0 : SAMPLE_PAUSED);
	}
}

static void test_restless(void **state)
{
	(void)state;
	with_each(check_restless, (struct probe_options){0});
}

static void check_look_paused(struct fixture *f)
{
	f->time_ns += ROUND;
	assert_int_equal(probe_look_paused(f->probe, f->time_ns, f->samples, 8), 2);
	assert_int_equal(f->samples[0].flags, SAMPLE_RUNNING | SAMPLE_PAUSED);
	assert_string_equal(leaf_of(f, f->samples[0].stack), "f");
	assert_int_equal(f->process.pauses, 1);
	thread_of(f, MAIN)->state = TASK_BLOCKED;
	assert_int_equal(probe_look_paused(f->probe, f->time_ns, f->samples, 8), 2);
	assert_int_equal(f->samples[0].flags, 0);
	assert_int_equal(f->process.pauses, 1);
}

static void test_look_paused(void **state)
{
	(void)state;
	with_each(check_look_paused, (struct probe_options){0});
}

/* Threads that come and go; a thread state that goes to another thread. */
static void check_threads(struct fixture *f)
{
	struct python *python = &f->process.python;
	uint64_t worker = python_thread_state(python, python->interp, 2, 1235);

	assert_int_equal(look(f), 2);
	process_add_thread(&f->process, WORKER, 1235);
	python_link(python, python->interp, (uint64_t[]){worker, python->tstate}, 2);
	assert_int_equal(look(f), 3);
	assert_int_equal(sample_of(f, WORKER, 3)->stack, SAMPLE_STACK_EMPTY);
	assert_string_equal(leaf_of(f, sample_of(f, MAIN, 3)->stack), "f");
	/* A native one is found a little later. */
	process_add_thread(&f->process, 103, 1237);
	assert_int_equal(look(f), 3);
	for (unsigned i = 0; i < 30; i++)
		look(f);
	assert_int_equal(look(f), 4);
	thread_of(f, NATIVE)->state = TASK_GONE;
	assert_int_equal(look(f), 3);
	assert_int_equal(probe_thread(f->probe, 3), 103);
	assert_int_equal(look(f), 3);
	assert_int_equal(probe_thread(f->probe, 3), 0);
	python_put(python, python->tstate, python->layout->tstate_native_thread_id, 1237, 8);
	f->time_ns += 100 * ROUND;
	assert_int_equal(look(f), 3);
	assert_int_equal(sample_of(f, MAIN, 3)->stack, SAMPLE_STACK_EMPTY);
	assert_string_equal(leaf_of(f, sample_of(f, 103, 3)->stack), "f");
}

static void test_threads(void **state)
{
	(void)state;
	with_each(check_threads, (struct probe_options){0});
}

/* A thread state whose memory became another interpreter's says nothing of the thread. */
static void check_other_interpreter(struct fixture *f)
{
	struct python *python = &f->process.python;

	look(f);
	python_put(python, python->tstate, python->layout->tstate_interp, python->interp + 64, 8);
	assert_int_equal(look_at(f, MAIN)->flags, SAMPLE_RUNNING | SAMPLE_UNKNOWN);
	assert_int_equal(counts(f)->failures, 1);
}

static void test_other_interpreter(void **state)
{
	(void)state;
	with_each(check_other_interpreter, (struct probe_options){0});
}

static void check_end(struct fixture *f)
{
	assert_int_equal(look(f), 2);
	/* Another program, without Python for the time being. */
	memory_unmap(&f->process.python.memory, PYTHON_RUNTIME);
	f->process.find_status = ERROR_NOT_FOUND;
	f->process.find_retry = true;
	assert_int_equal(look(f), 0);
	assert_null(probe_runtime(f->probe));
	assert_int_equal(look(f), 0);
	assert_null(probe_runtime(f->probe));
	memory_map(&f->process.python.memory, PYTHON_RUNTIME, 8192);
	python_link_interpreters(&f->process.python, &f->process.python.interp, 1);
	f->process.find_status = 0;
	f->time_ns += 1000 * ROUND;
	assert_int_equal(look(f), 2);
	assert_non_null(probe_runtime(f->probe));
	assert_string_equal(leaf_of(f, sample_of(f, MAIN, 2)->stack), "f");
	f->process.is_dead = true;
	f->process.python.memory.gone = true;
	assert_int_equal(look(f), -1);
	assert_int_equal(f->process.closes, 0);
}

static void test_end(void **state)
{
	(void)state;
	with_each(check_end, (struct probe_options){0});
}

/* Another program whose memory looks the same. */
static void check_exec(struct fixture *f)
{
	uint32_t stack;

	assert_true(look(f) == 2);
	stack = sample_of(f, MAIN, 2)->stack;
	assert_true(probe_runs_python(f->probe));
	assert_int_equal(probe_image(f->probe), 0);
	f->process.image = 5;
	f->process.execs = 1;
	/* It is noticed when threads are listed; what is found meanwhile is of two programs. */
	for (unsigned i = 0; i < 30 && probe_runtime(f->probe); i++)
		look(f);
	assert_null(probe_runtime(f->probe));
	assert_int_equal(look(f), 0);
	assert_int_equal(f->process.image, 6);
	assert_null(probe_runtime(f->probe));
	assert_int_equal(probe_reason(f->probe)->code, ERROR_UNSUPPORTED);
	f->time_ns += 1000 * ROUND;
	assert_int_equal(look(f), 2);
	assert_int_equal(probe_image(f->probe), 6);
	assert_int_equal(probe_reason(f->probe)->code, 0);
	assert_int_equal(sample_of(f, MAIN, 2)->stack, stack);
}

static void test_exec(void **state)
{
	(void)state;
	with_each(check_exec, (struct probe_options){0});
}

/* Between fork and exec threads of Python's are copies of the parent's. */
static void check_fork(struct fixture *f)
{
	struct python *python = &f->process.python;

	python_put(python, python->tstate, python->layout->tstate_native_thread_id, 999, 8);
	assert_int_equal(look(f), 2);
	assert_false(probe_runs_python(f->probe));
	python_put(python, python->tstate, python->layout->tstate_native_thread_id, 1234, 8);
	f->time_ns += 100 * ROUND;
	look(f);
	assert_true(probe_runs_python(f->probe));
	probe_set_process(f->probe, 8);
	f->time_ns += ROUND;
	assert_int_equal(probe_look(f->probe, f->time_ns, f->samples, 8), 2);
	assert_int_equal(f->samples[0].process, 8);
}

static void test_fork(void **state)
{
	(void)state;
	with_each(check_fork, (struct probe_options){0});
}

static void test_create(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 4);
	f.process.find_status = ERROR_UNSUPPORTED;
	assert_true(create(&f, (struct probe_options){0}) < 0);
	assert_int_equal(f.process.closes, 1);
	/* It may come, by itself or by another program. */
	f.process.find_retry = true;
	assert_int_equal(create(&f, (struct probe_options){0}), 0);
	assert_null(probe_runtime(f.probe));
	f.process.finds = 0;
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(look(&f), 0);
	assert_in_range(f.process.finds, 40, 60);
	probe_destroy(f.probe);
	f.process.find_retry = false;
	assert_int_equal(create(&f, (struct probe_options){.patient = true}), 0);
	f.process.finds = 0;
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(look(&f), 0);
	assert_in_range(f.process.finds, 3, 6);
	f.process.find_status = 0;
	for (unsigned i = 0; i < 600 && look(&f) == 0; i++)
		;
	assert_int_equal(look(&f), 2);
	assert_string_equal(leaf_of(&f, f.samples[0].stack), "f");
	/* One that ends before it has a Python. */
	probe_destroy(f.probe);
	f.process.find_status = ERROR_NOT_FOUND;
	f.process.find_retry = true;
	assert_int_equal(create(&f, (struct probe_options){0}), 0);
	f.process.is_dead = true;
	f.time_ns += 1000 * ROUND;
	assert_int_equal(look(&f), -1);
	end(&f);
}

static void check_children(struct fixture *f)
{
	pid_t children[4];

	look(f);
	assert_int_equal(probe_children(f->probe, children, 4), 2);
	assert_int_equal(children[0], MAIN + 1000);
}

static void test_children(void **state)
{
	(void)state;
	with_each(check_children, (struct probe_options){0});
}

struct visits {
	struct fixture *f;
	unsigned count;
	struct probe_thread threads[8];
	struct probe_frame frames[2];
	bool runs_on; /* the blocked thread runs while it is shown, once */
};

static void note_visit(const struct probe_thread *thread, void *data)
{
	struct visits *visits = data;

	assert_true(visits->count < 8);
	visits->threads[visits->count++] = *thread;
	assert_int_equal(visits->f->process.stopped, thread->is_stopped ? thread->sample.tid : 0);
	if (thread->frame_count == 2)
		memcpy(visits->frames, thread->frames, sizeof(visits->frames));
	if (visits->runs_on)
		thread_of(visits->f, thread->sample.tid)->switches++;
	visits->runs_on = false;
}

static ssize_t visit(struct fixture *f, struct visits *visits, bool runs_on)
{
	*visits = (struct visits){.f = f, .runs_on = runs_on};
	f->time_ns += ROUND;
	return probe_visit_paused(f->probe, f->time_ns, note_visit, visits);
}

static void check_visit(struct fixture *f)
{
	struct visits visits;

	assert_int_equal(visit(f, &visits, false), 2);
	assert_int_equal(visits.count, 2);
	assert_int_equal(visits.threads[0].sample.tid, MAIN);
	assert_true(visits.threads[0].is_stopped && visits.threads[0].is_exact);
	assert_int_equal(visits.threads[0].sample.flags, SAMPLE_RUNNING | SAMPLE_PAUSED);
	assert_int_equal(visits.threads[0].tstate, f->process.python.tstate);
	assert_int_equal(visits.threads[0].interp_id, 0);
	assert_int_equal(visits.threads[0].frame_count, 2);
	assert_int_equal(visits.frames[0].address, f->frames[1]);
	assert_int_equal(visits.frames[0].code_address, f->codes[1]);
	assert_string_equal(trace_tree_code(f->tree, visits.frames[0].code)->function, "f");
	assert_string_equal(trace_tree_code(f->tree, visits.frames[1].code)->function, "main");
	assert_int_equal(visits.threads[1].sample.tid, NATIVE);
	assert_int_equal(visits.threads[1].tstate, 0);
	assert_int_equal(visits.threads[1].interp_id, -1);
	assert_int_equal(visits.threads[1].frame_count, 0);
	/* A blocked one stands still, unless it does not. */
	f->process.pauses = 0;
	thread_of(f, MAIN)->state = TASK_BLOCKED;
	assert_int_equal(visit(f, &visits, false), 2);
	assert_int_equal(visits.count, 2);
	assert_true(!visits.threads[0].is_stopped && visits.threads[0].is_exact);
	assert_int_equal(visit(f, &visits, true), 2);
	assert_int_equal(visits.count, 3);
	assert_false(visits.threads[0].again);
	assert_true(visits.threads[1].again);
	assert_int_equal(visits.threads[1].sample.tid, MAIN);
	assert_int_equal(f->process.pauses, 0);
	thread_of(f, MAIN)->state = TASK_RUNNING;
	f->process.pause = PAUSE_DENIED;
	assert_int_equal(visit(f, &visits, false), 2);
	assert_false(visits.threads[0].is_stopped || visits.threads[0].is_exact);
	assert_int_equal(visits.threads[0].frame_count, 2);
	f->process.is_dead = f->process.python.memory.gone = true;
	assert_int_equal(visit(f, &visits, false), -1);
}

static void test_visit(void **state)
{
	(void)state;
	with_each(check_visit, (struct probe_options){0});
}

/* Threads of one interpreter together, the main one first. */
static void check_visit_interpreters(struct fixture *f)
{
	struct python *python = &f->process.python;
	const pid_t tids[] = {MAIN, 103, WORKER, NATIVE};
	uint64_t gil = python->gil, interps[2], states[2];
	struct visits visits;

	process_add_thread(&f->process, WORKER, 1235);
	process_add_thread(&f->process, 103, 1237);
	interps[0] = python_interpreter(python, 4, true);
	interps[1] = python->interp;
	python->gil = gil;
	states[0] = python_thread_state(python, interps[0], 2, 1235);
	python_link(python, interps[0], states, 1);
	states[0] = python_thread_state(python, interps[1], 3, 1237);
	states[1] = python->tstate;
	python_link(python, interps[1], states, 2);
	python_link_interpreters(python, interps, 2);
	assert_int_equal(visit(f, &visits, false), 4);
	assert_int_equal(visits.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(visits.threads[i].sample.tid, tids[i]);
	assert_int_equal(visits.threads[2].interp_id, 4);
	assert_int_equal(visits.threads[2].interp, interps[0]);
}

static void test_visit_interpreters(void **state)
{
	(void)state;
	with_each(check_visit_interpreters, (struct probe_options){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_one_read),
		cmocka_unit_test(test_no_gil),
		cmocka_unit_test(test_python_only),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_waits_for_gil),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_never_pauses),
		cmocka_unit_test(test_restless),
		cmocka_unit_test(test_look_paused),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_other_interpreter),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_visit),
		cmocka_unit_test(test_visit_interpreters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
