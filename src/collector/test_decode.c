#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "collector/decode.h"
#include "collector/merge.h"
#include "collector/producer.h"

/* The writer, played: every call becomes a line, slots are given out from 1 and not used again. */
struct capture_writer {
	char text[8192];
	size_t used;
	slot_id slots;
	frame_id frames;
	stack_id stacks;
	uint64_t live[4096]; /* bytes by slot */
	uint64_t live_bytes, live_count;
};

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

frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	(void)kind, (void)function, (void)function_bytes, (void)file, (void)file_bytes, (void)line;
	return ++w->frames;
}

stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame)
{
	(void)parent, (void)frame;
	return ++w->stacks;
}

void writer_time(struct capture_writer *w, uint64_t time_ns)
{
	say(w, "time %llu\n", (unsigned long long)time_ns);
}

slot_id writer_alloc(struct capture_writer *w, thread_id thread, enum allocator allocator,
		     stack_id stack, uint64_t bytes)
{
	slot_id slot = ++w->slots;

	assert_true(slot < 4096);
	assert_true(allocator < ALLOCATOR_END);
	say(w, "alloc %u thread %u allocator %d stack %u bytes %llu\n", slot, thread,
	    (int)allocator, stack, (unsigned long long)bytes);
	w->live[slot] = bytes + 1;
	w->live_bytes += bytes;
	w->live_count++;
	return slot;
}

void writer_free(struct capture_writer *w, thread_id thread, slot_id slot)
{
	say(w, "free %u thread %u\n", slot, thread);
	assert_true(slot && slot < 4096 && w->live[slot]);
	w->live_bytes -= w->live[slot] - 1;
	w->live_count--;
	w->live[slot] = 0;
}

void writer_shrink(struct capture_writer *w, thread_id thread, slot_id slot, uint64_t bytes)
{
	say(w, "shrink %u thread %u bytes %llu\n", slot, thread, (unsigned long long)bytes);
	assert_true(slot && slot < 4096 && w->live[slot] > bytes);
	w->live[slot] -= bytes;
	w->live_bytes -= bytes;
}

void writer_thread_name(struct capture_writer *w, thread_id thread, const char *name)
{
	say(w, "thread %u is %s\n", thread, name);
}

struct fixture {
	struct wire_area *area;
	struct capture_writer writer;
	struct merge merge;
	struct decode decode;
	struct stream streams[4];
	struct producer threads[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	atomic_store(&f->area->node_count, WIRE_NODE_FIRST);
	merge_init(&f->merge, f->area);
	decode_init(&f->decode, &f->writer, f->area);
	f->decode.now_ns = UINT64_MAX;
	for (unsigned i = 0; i < 2; i++) {
		assert_true(producer_begin(&f->threads[i], NULL, f->area, i + 1));
		f->streams[i].thread = i + 1;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++)
		decode_stream_end(&f->decode, &f->streams[i]);
	decode_deinit(&f->decode);
	munmap(f->area, WIRE_AREA_BYTES);
	free(f);
	return 0;
}

/* Everything published so far. */
static void drain(struct fixture *f)
{
	struct merge_run run;

	while (merge_look(&f->merge)) {
		while (merge_next(&f->merge, &run))
			merge_consumed(&f->merge, decode_run(&f->decode, &f->streams[run.slot],
							     run.ring, run.from, run.limit));
	}
}

static void expect(struct fixture *f, const char *text)
{
	drain(f);
	assert_string_equal(f->writer.text, text);
	f->writer.used = 0;
	f->writer.text[0] = 0;
}

static void test_blocks(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0], *b = &f->threads[1];

	producer_alloc(a, WIRE_MALLOC, 0x1000, 10, WIRE_NODE_EMPTY);
	producer_alloc(b, WIRE_CALLOC, 0x2000, 5ull << 32, WIRE_NODE_EMPTY);
	producer_free(b, 0x1000);
	producer_free(a, 0x3000);
	producer_alloc(a, WIRE_MALLOC, 0x1000, 0, WIRE_NODE_EMPTY);
	expect(f, "alloc 1 thread 1 allocator 1 stack 0 bytes 10\n"
		  "alloc 2 thread 2 allocator 2 stack 0 bytes 21474836480\n"
		  "free 1 thread 2\n"
		  "alloc 3 thread 1 allocator 1 stack 0 bytes 0\n");
	assert_int_equal(f->decode.counts.frees_unknown, 1);

	/* The release of 0x1000 was lost. */
	producer_alloc(b, WIRE_MALLOC, 0x1000, 7, WIRE_NODE_EMPTY);
	expect(f, "free 3 thread 2\n"
		  "alloc 4 thread 2 allocator 1 stack 0 bytes 7\n");
	assert_int_equal(f->decode.counts.frees_missed, 1);
	assert_int_equal(f->decode.counts.records_broken, 0);
}

static void test_reallocations(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0], *b = &f->threads[1];

	/* Moved, and the old place is taken by another thread before the move is recorded. */
	producer_alloc(a, WIRE_MALLOC, 0x1000, 10, WIRE_NODE_EMPTY);
	producer_realloc_begin(a, 0x1000);
	producer_alloc(b, WIRE_MALLOC, 0x1000, 20, WIRE_NODE_EMPTY);
	producer_alloc(a, WIRE_REALLOC, 0x2000, 30, WIRE_NODE_EMPTY);
	expect(f, "alloc 1 thread 1 allocator 1 stack 0 bytes 10\n"
		  "alloc 2 thread 2 allocator 1 stack 0 bytes 20\n"
		  "free 1 thread 1\n"
		  "alloc 3 thread 1 allocator 3 stack 0 bytes 30\n");

	/* In place. */
	producer_realloc_begin(a, 0x2000);
	producer_alloc(a, WIRE_REALLOC, 0x2000, 5, WIRE_NODE_EMPTY);
	expect(f, "free 3 thread 1\n"
		  "alloc 4 thread 1 allocator 3 stack 0 bytes 5\n");

	/* Failed: it lives on, and can be released. */
	producer_realloc_begin(a, 0x2000);
	producer_realloc_failed(a);
	producer_free(b, 0x2000);
	expect(f, "free 4 thread 2\n");

	/* To nothing. */
	producer_realloc_begin(b, 0x1000);
	producer_realloc_freed(b);
	expect(f, "free 2 thread 2\n");

	/* Of a block from before. */
	producer_realloc_begin(b, 0x9000);
	producer_alloc(b, WIRE_REALLOC, 0x9000, 1, WIRE_NODE_EMPTY);
	producer_realloc_begin(b, 0x8000);
	producer_realloc_failed(b);
	expect(f, "alloc 5 thread 2 allocator 3 stack 0 bytes 1\n");
	assert_int_equal(f->decode.counts.frees_unknown, 1);
	assert_int_equal(f->decode.counts.frees_missed, 0);

	/* Killed in the middle: it lives. */
	producer_realloc_begin(b, 0x9000);
	drain(f);
	decode_stream_end(&f->decode, &f->streams[1]);
	assert_int_equal(f->writer.live_count, 1);
	producer_free(a, 0x9000);
	expect(f, "free 5 thread 1\n");
}

static void unmap(struct producer *thread, uint64_t address, uint64_t bytes, bool gone)
{
	producer_unmap_begin(thread, address, bytes);
	producer_unmap_end(thread, gone);
}

static void test_mappings(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0], *b = &f->threads[1];

	/* 5,000 bytes take two pages; releasing 4,097 of them releases both. */
	producer_map(a, WIRE_MMAP, 0x10000, 5000, WIRE_NODE_EMPTY);
	unmap(b, 0x10000, 4097, true);
	expect(f, "alloc 1 thread 1 allocator 10 stack 0 bytes 5000\n"
		  "free 1 thread 2\n");

	/* Part by part, the middle first. */
	producer_map(a, WIRE_MMAP, 0x10000, 0x3000, WIRE_NODE_EMPTY);
	unmap(a, 0x11000, 0x1000, true);
	unmap(a, 0x12000, 0x1000, true);
	unmap(a, 0x10000, 0x1000, true);
	unmap(a, 0x10000, 0x1000, true);
	expect(f, "alloc 2 thread 1 allocator 10 stack 0 bytes 12288\n"
		  "shrink 2 thread 1 bytes 4096\n"
		  "shrink 2 thread 1 bytes 4096\n"
		  "free 2 thread 1\n");

	/* Over another mapping, which keeps its first page. */
	producer_map(a, WIRE_MMAP, 0x10000, 0x3000, WIRE_NODE_EMPTY);
	producer_map(b, WIRE_MMAP, 0x11000, 0x2000, WIRE_NODE_EMPTY);
	expect(f, "alloc 3 thread 1 allocator 10 stack 0 bytes 12288\n"
		  "shrink 3 thread 2 bytes 8192\n"
		  "alloc 4 thread 2 allocator 10 stack 0 bytes 8192\n");

	/* An unmapping that fails. */
	unmap(a, 0x10000, 0x3000, false);
	expect(f, "");
	/* The place is taken again before the unmapping is recorded as done. */
	producer_unmap_begin(a, 0x10000, 0x3000);
	producer_map(b, WIRE_MMAP, 0x11000, 0x1000, WIRE_NODE_EMPTY);
	producer_unmap_end(a, true);
	expect(f, "alloc 5 thread 2 allocator 10 stack 0 bytes 4096\n"
		  "free 3 thread 1\n"
		  "free 4 thread 1\n");

	/* mremap that grows in place. */
	unmap(b, 0x11000, 0x1000, true);
	producer_map(b, WIRE_MREMAP, 0x11000, 0x8000, WIRE_NODE_EMPTY);
	expect(f, "free 5 thread 2\n"
		  "alloc 6 thread 2 allocator 11 stack 0 bytes 32768\n");
	assert_int_equal(f->writer.live_bytes, 0x8000);
}

static void test_break(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0];

	/* The break moves by bytes, not by pages. */
	producer_map(a, WIRE_SBRK, 0x555000, 100, WIRE_NODE_EMPTY);
	producer_map(a, WIRE_BRK, 0x555064, 50, WIRE_NODE_EMPTY);
	unmap(a, 0x555032, 100, true);
	expect(f, "alloc 1 thread 1 allocator 13 stack 0 bytes 100\n"
		  "alloc 2 thread 1 allocator 12 stack 0 bytes 50\n"
		  "shrink 1 thread 1 bytes 50\n"
		  "free 2 thread 1\n");
	assert_int_equal(f->writer.live_bytes, 50);
}

static void test_time_and_names(void **state)
{
	struct fixture *f = *state;
	uint64_t time = wire_word(WIRE_TIME, 0, 7);

	producer_words(&f->threads[0], &time, 1);
	producer_name(&f->threads[1], "a worker thread with a long name");
	f->decode.now_ns = 9000;
	time = wire_word(WIRE_TIME, 0, 1u << 30); /* not yet */
	producer_words(&f->threads[0], &time, 1);
	expect(f, "time 7168\n"
		  "thread 2 is a worker thread\n"
		  "time 9000\n");
}

/* Whatever is in a ring, nothing but counts comes of it. */
static void test_broken(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0];
	const uint64_t words[] = {
		0,                                    /* never written */
		wire_word(200, 3, 0x1000),            /* no such kind */
		wire_word(WIRE_UNMAP_END, 1, 0),      /* of nothing */
		wire_word(WIRE_REALLOC_FAILED, 0, 0), /* of nothing: harmless */
		wire_word(WIRE_REALLOC_FREED, 0, 0),
		wire_word(WIRE_MAP, WIRE_MMAP, 0x1000),
		WIRE_NODE_EMPTY,
		0, /* empty */
		wire_word(WIRE_MAP, WIRE_MMAP, 0x1000),
		WIRE_NODE_EMPTY,
		UINT64_MAX,
		wire_word(WIRE_UNMAP_BEGIN, 0, WIRE_VALUE_MASK),
		UINT64_MAX,
		wire_word(WIRE_UNMAP_END, 1, 0),
		wire_word(WIRE_ALLOC, 250, 0x1000),
		8ull << 32 | 77777, /* allocator, node */
	};

	producer_words(a, words, 10);
	producer_words(a, words + 10, 6);
	drain(f);
	expect(f, "alloc 1 thread 1 allocator 0 stack 1 bytes 8\n");
	assert_int_equal(f->decode.counts.records_broken, 5);
	assert_int_equal(f->decode.names.damage, 1);

	/* A record that the head cuts off. */
	producer_words(a,
		       (const uint64_t[]){wire_word(WIRE_FREE, 0, 0x1000),
					  wire_word(WIRE_ALLOC, 1, 0x2000)},
		       2);
	expect(f, "free 1 thread 1\n");
	assert_int_equal(f->decode.counts.records_broken, 6);
	producer_words(a, (const uint64_t[]){wire_word(WIRE_MAP, 10, 0x1000), 0}, 2);
	expect(f, "");
	assert_int_equal(f->decode.counts.records_broken, 7);
}

/* Random words in every ring, for a while. */
static void test_noise(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 88172645463325252ull;
	uint64_t words[8];

	for (int i = 0; i < 20000; i++) {
		for (unsigned j = 0; j < 8; j++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			words[j] = random;
			if (random & 1)
				words[j] = wire_word((enum wire_kind)(random >> 8 & 15), 1,
						     random >> 20 & 0xff000);
		}
		producer_words(&f->threads[i & 1], words, (unsigned)(random >> 30) % 9);
		f->writer.used = 0;
		drain(f);
		f->writer.slots = f->writer.slots > 2000 ? 2000 : f->writer.slots;
		if (f->writer.slots == 2000)
			break;
	}
	assert_true(f->decode.counts.records_broken > 100);
}

/* Records that wrap around the end of the ring, in tables that grow. */
static void test_wrap(void **state)
{
	struct fixture *f = *state;
	struct producer *a = &f->threads[0];

	for (uint64_t i = 0; i < 100000; i++) {
		producer_alloc(a, WIRE_MALLOC, 0x10000 + i * 16, 1, WIRE_NODE_EMPTY);
		producer_free(a, 0x10000 + i * 16);
		if (i % 50 == 0) {
			f->writer.used = 0;
			drain(f);
			f->writer.slots = 0;
		}
	}
	f->writer.used = 0;
	drain(f);
	assert_int_equal(f->writer.live_count, 0);
	assert_int_equal(f->decode.counts.frees_unknown, 0);
	assert_int_equal(f->decode.counts.records_broken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reallocations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mappings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_break, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time_and_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrap, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
