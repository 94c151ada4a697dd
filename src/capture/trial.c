#include "capture/trial.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *trial_grow(void *memory, size_t item, size_t *size)
{
	*size = *size ? *size * 2 : 1024;
	memory = realloc(memory, *size * item);
	if (!memory)
		abort();
	return memory;
}

uint64_t trial_random(struct trial *t, uint64_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (t->random * 0x2545f4914f6cdd1dull >> 11) % below;
}

static struct trial_event *trial_add(struct trial *t, uint8_t kind, thread_id thread)
{
	t->time_ns += trial_random(t, 1000);
	if (!t->shy && trial_random(t, 2000) == 0)
		t->time_ns += trial_random(t, 20000000);
	writer_time(t->writer, t->time_ns);
	if (t->count == t->size)
		t->events = trial_grow(t->events, sizeof(*t->events), &t->size);
	t->events[t->count] = (struct trial_event){
		.kind = kind,
		.thread = thread,
		.time_ns = t->time_ns,
	};
	return &t->events[t->count++];
}

void trial_alloc(struct trial *t, thread_id thread, enum allocator allocator, stack_id stack,
		 uint64_t bytes)
{
	struct trial_event *event = trial_add(t, EVENT_ALLOC, thread);
	size_t size;

	event->allocator = (uint8_t)allocator;
	event->stack = stack;
	event->bytes = bytes;
	event->block = t->block_count;
	event->slot = writer_alloc(t->writer, thread, allocator, stack, bytes);
	if (t->block_count == t->block_size) {
		size = t->block_size;
		t->blocks = trial_grow(t->blocks, sizeof(*t->blocks), &size);
		t->block_size = (uint32_t)size;
	}
	t->blocks[t->block_count] = (struct trial_block){.slot = event->slot, .bytes = bytes};
	if (t->living_count == t->living_size) {
		size = t->living_size;
		t->living = trial_grow(t->living, sizeof(*t->living), &size);
		t->living_size = (uint32_t)size;
	}
	t->living[t->living_count++] = t->block_count++;
	if (t->living_count > t->living_peak)
		t->living_peak = t->living_count;
}

void trial_free(struct trial *t, thread_id thread, uint32_t index)
{
	uint32_t block = t->living[index];
	struct trial_event *event = trial_add(t, EVENT_FREE, thread);

	event->block = block;
	event->slot = t->blocks[block].slot;
	writer_free(t->writer, thread, event->slot);
	t->living[index] = t->living[--t->living_count];
}

void trial_shrink(struct trial *t, thread_id thread, uint32_t index, uint64_t bytes)
{
	uint32_t block = t->living[index];
	struct trial_event *event = trial_add(t, EVENT_SHRINK, thread);

	event->block = block;
	event->slot = t->blocks[block].slot;
	event->bytes = bytes;
	t->blocks[block].bytes -= bytes;
	writer_shrink(t->writer, thread, event->slot, bytes);
}

static stack_id trial_new_stack(struct trial *t)
{
	char name[32];
	int length = snprintf(name, sizeof(name), "function_%u", t->stacks);
	frame_id frame =
		writer_frame(t->writer, (enum frame_kind)trial_random(t, 4), name, (size_t)length,
			     "module.py", 9, (uint32_t)trial_random(t, 10000));

	t->stacks = writer_stack(t->writer, (stack_id)trial_random(t, t->stacks + 1), frame);
	return t->stacks;
}

static thread_id trial_new_thread(struct trial *t)
{
	char name[32];

	snprintf(name, sizeof(name), "worker-%u", t->threads);
	t->threads = writer_thread(t->writer, t->process, 1000 + t->threads,
				   t->threads % 2 ? name : NULL);
	return t->threads;
}

void trial_begin(struct trial *t, struct capture_writer *w, uint64_t seed)
{
	*t = (struct trial){.random = seed * 0x9e3779b97f4a7c15ull + 1, .writer = w};
	t->process = writer_process(w, &(struct capture_process){
					       .pid = 4711,
					       .parent_pid = 4710,
					       .command = "python3 app.py --fast",
					       .executable = "/usr/bin/python3.12",
					       .python_version = "3.12.1",
					       .python_allocator = "pymalloc",
					       .start_ns = 12345,
				       });
	for (unsigned i = 0; i < 3; i++)
		trial_new_thread(t);
	for (unsigned i = 0; i < 20; i++)
		trial_new_stack(t);
}

void trial_end(struct trial *t)
{
	free(t->events);
	free(t->blocks);
	free(t->living);
}

static thread_id trial_thread(struct trial *t)
{
	return 1 + (thread_id)trial_random(t, t->threads);
}

static stack_id trial_stack(struct trial *t)
{
	return (stack_id)trial_random(t, t->stacks + 1);
}

static enum allocator trial_allocator(struct trial *t)
{
	return (enum allocator)(1 + trial_random(t, ALLOCATOR_END - 1));
}

static uint64_t trial_bytes(struct trial *t)
{
	return trial_random(t, 1ull << (1 + trial_random(t, trial_random(t, 20) ? 12 : 47)));
}

/* The same block again and again. */
static void trial_loop(struct trial *t, size_t events)
{
	thread_id thread = trial_thread(t);
	stack_id stack = trial_stack(t);

	for (size_t i = 0; i < events / 2; i++) {
		trial_alloc(t, thread, ALLOCATOR_MALLOC, stack, 100);
		trial_free(t, thread, t->living_count - 1);
	}
}

/* A list that is built, and taken down from one of its ends. */
static void trial_list(struct trial *t, size_t events, bool forwards)
{
	thread_id thread = trial_thread(t);
	stack_id stack = trial_stack(t);
	uint32_t first = t->living_count;

	for (size_t i = 0; i < events / 2; i++)
		trial_alloc(t, thread, ALLOCATOR_PYMALLOC_MALLOC, stack, 32 + i % 5 * 8);
	if (!forwards) {
		while (t->living_count > first)
			trial_free(t, thread, t->living_count - 1);
		return;
	}
	/* trial_free closes the gap with the last one: put them so that the oldest comes last. */
	for (uint32_t a = first, b = t->living_count; a + 1 < b; a++) {
		uint32_t block = t->living[--b];

		t->living[b] = t->living[a];
		t->living[a] = block;
	}
	while (t->living_count > first)
		trial_free(t, thread, t->living_count - 1);
}

/* Everything at random; more allocations than releases, or fewer. */
static void trial_churn(struct trial *t, size_t events, unsigned of_ten, unsigned sites)
{
	for (size_t i = 0; i < events; i++) {
		thread_id thread = trial_random(t, 10) ? 1 : trial_thread(t);

		if (!t->living_count || trial_random(t, 10) < of_ten) {
			uint64_t site = trial_random(t, sites);

			trial_alloc(t, thread, (enum allocator)(1 + site % 5),
				    (stack_id)(site % (t->stacks + 1)),
				    trial_random(t, 10) ? 16 + site * 8 : trial_bytes(t));
		} else if (trial_random(t, 50) == 0) {
			uint32_t index = (uint32_t)trial_random(t, t->living_count);
			uint64_t bytes = t->blocks[t->living[index]].bytes;

			trial_shrink(t, thread, index, trial_random(t, bytes + 1));
		} else {
			trial_free(t, thread, (uint32_t)trial_random(t, t->living_count));
		}
	}
}

/* New stacks, threads, allocators and sizes all the time. */
static void trial_start_up(struct trial *t, size_t events)
{
	for (size_t i = 0; i < events; i++) {
		if (trial_random(t, 5) == 0)
			trial_new_stack(t);
		if (trial_random(t, 100) == 0)
			trial_new_thread(t);
		if (t->living_count && trial_random(t, 3) == 0)
			trial_free(t, trial_thread(t),
				   t->living_count - 1 -
					   (uint32_t)trial_random(
						   t, t->living_count < 50 ? t->living_count : 50));
		else
			trial_alloc(t, trial_thread(t), trial_allocator(t), trial_stack(t),
				    trial_bytes(t));
	}
}

static void trial_pause(struct trial *t)
{
	struct error err;

	if (t->shy)
		return;
	if (trial_random(t, 3) == 0) {
		writer_rss(t->writer, t->process, t->time_ns, trial_random(t, 1000) * 4096);
		writer_seal(t->writer, 0, &err);
	}
	t->time_ns += trial_random(t, 300000000);
}

void trial_run(struct trial *t, size_t events)
{
	size_t end = t->count + events;

	while (t->count < end) {
		size_t left = end - t->count;
		size_t some = 2 + trial_random(t, left < 4000 ? left : left / 4);

		switch (trial_random(t, 7)) {
		case 0:
			trial_loop(t, some);
			break;
		case 1:
			trial_list(t, some, true);
			break;
		case 2:
			trial_list(t, some, false);
			break;
		case 3:
			trial_churn(t, some, 6, 40);
			break;
		case 4:
			trial_churn(t, some, 3, 1000);
			break;
		case 5:
			trial_churn(t, some, 5, 30000);
			break;
		default:
			trial_start_up(t, some);
			break;
		}
		trial_pause(t);
	}
}

void trial_sample(struct trial *t, unsigned rounds)
{
	struct capture_sample *samples = calloc(t->threads, sizeof(*samples));

	if (!samples)
		abort();
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < t->threads; i++) {
			samples[i].thread = i + 1;
			if (trial_random(t, 3))
				continue;
			samples[i].stack = trial_stack(t);
			samples[i].flags = (uint16_t)trial_random(t, 64);
			samples[i].wait = (uint16_t)trial_random(t, SAMPLE_WAIT_END);
		}
		t->time_ns += 900000 + trial_random(t, 200000);
		writer_samples(t->writer, t->process, t->time_ns, samples, t->threads);
	}
	free(samples);
}

static char trial_folder[128];

static void trial_remove_folder(void)
{
	DIR *dir = opendir(trial_folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(trial_folder);
}

const char *trial_path(const char *name)
{
	static char path[512];
	const char *parent = getenv("TMPDIR");

	if (!trial_folder[0]) {
		snprintf(trial_folder, sizeof(trial_folder), "%s/sonde-test-XXXXXX",
			 parent && strlen(parent) < 100 ? parent : "/tmp");
		if (!mkdtemp(trial_folder))
			abort();
		atexit(trial_remove_folder);
	}
	snprintf(path, sizeof(path), "%s/%s", trial_folder, name);
	return path;
}

struct capture_writer *trial_open(const char *name, enum capture_mode mode)
{
	static const char *const command_line[] = {"sonde", "run", "app.py", "--fast", NULL};
	const struct capture_start start = {
		.mode = mode,
		.wall_time_ns = 1700000000123456789,
		.page_size = 4096,
		.command_line = command_line,
		.host = "example",
		.system = "Linux 6.1.0 x86_64",
		.sonde_version = "0.1.0",
		.native_stacks = true,
		.temporary_threshold = mode == CAPTURE_AGGREGATE ? 1 : 0,
		.allocations = true,
	};
	struct capture_writer *w;
	struct error err;

	if (writer_open(trial_path(name), true, &start, &w, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	return w;
}
