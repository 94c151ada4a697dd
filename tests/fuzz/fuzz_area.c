/*
 * What a target shares with sonde, of any content: no read outside of it, an end, and events that a
 * capture can hold: nothing is released that does not live.
 *
 * Input: for two rings, the node table, the code table and the heap a 16-bit length each and that
 * many bytes; what the input is too short for stays empty.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "collector/decode.h"
#include "collector/merge.h"

#define SLOT_MAX 65536u

/* The writer, as far as decoding needs one: the books of what lives. */
struct capture_writer {
	bool live[SLOT_MAX];
	uint64_t bytes[SLOT_MAX];
	slot_id slots;
	uint32_t frames, stacks;
};

frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	if ((kind != FRAME_PYTHON && kind != FRAME_MARKER) || line > INT32_MAX ||
	    strnlen(function, function_bytes) > function_bytes ||
	    strnlen(file, file_bytes) > file_bytes)
		abort();
	return ++w->frames;
}

stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame)
{
	if (parent > w->stacks || !frame || frame > w->frames)
		abort();
	return ++w->stacks;
}

void writer_time(struct capture_writer *w, uint64_t time_ns)
{
	(void)w;
	if (time_ns > 1000000)
		abort();
}

slot_id writer_alloc(struct capture_writer *w, thread_id thread, enum allocator allocator,
		     stack_id stack, uint64_t bytes)
{
	(void)thread;
	if (allocator >= ALLOCATOR_END || stack > w->stacks || ++w->slots >= SLOT_MAX)
		abort();
	w->live[w->slots] = true;
	w->bytes[w->slots] = bytes;
	return w->slots;
}

void writer_free(struct capture_writer *w, thread_id thread, slot_id slot)
{
	(void)thread;
	if (!slot || slot > w->slots || !w->live[slot])
		abort();
	w->live[slot] = false;
}

void writer_shrink(struct capture_writer *w, thread_id thread, slot_id slot, uint64_t bytes)
{
	(void)thread;
	if (!slot || slot > w->slots || !w->live[slot] || !bytes || bytes >= w->bytes[slot])
		abort();
	w->bytes[slot] -= bytes;
}

void writer_thread_name(struct capture_writer *w, thread_id thread, const char *name)
{
	(void)w;
	(void)thread;
	if (strnlen(name, 16) == 16)
		abort();
}

static struct wire_area *area_get(void)
{
	static struct wire_area *area;

	if (!area)
		area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		madvise(area, WIRE_AREA_BYTES, MADV_DONTNEED);
	if (area == MAP_FAILED)
		abort();
	return area;
}

/* Takes the next part of the input to where it goes; returns its length. */
static size_t part(const uint8_t **data, size_t *size, void *to)
{
	uint16_t length;

	if (*size < sizeof(length))
		return 0;
	memcpy(&length, *data, sizeof(length));
	*data += sizeof(length);
	*size -= sizeof(length);
	if (length > *size)
		length = (uint16_t)*size;
	memcpy(to, *data, length);
	*data += length;
	*size -= length;
	return length;
}

static void area_fill(struct wire_area *area, const uint8_t *data, size_t size)
{
	struct wire_thread *threads = wire_threads(area);

	for (unsigned slot = 0; slot < 2; slot++)
		atomic_store(&threads[slot].head, part(&data, &size, wire_ring(area, slot)) / 8);
	atomic_store(&area->node_count,
		     WIRE_NODE_FIRST + part(&data, &size, wire_nodes(area) + WIRE_NODE_FIRST) / 16);
	atomic_store(&area->code_count, part(&data, &size, wire_codes(area) + 1) / 8);
	atomic_store(&area->heap_bytes, part(&data, &size, wire_heap(area)));
	atomic_store(&area->thread_high, 2);
	area->layout_linetable = PYABI_LOCATIONS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct capture_writer writer;
	static struct merge merge;
	struct wire_area *area = area_get();
	struct stream streams[2] = {{.thread = 1}, {.thread = 2}};
	struct decode decode;
	struct merge_run run;

	memset(&writer, 0, sizeof(writer));
	area_fill(area, data, size);
	merge_init(&merge, area);
	decode_init(&decode, &writer, area);
	decode.now_ns = 1000000;
	while (merge_look(&merge)) {
		while (merge_next(&merge, &run)) {
			uint64_t end = decode_run(&decode, &streams[run.slot], run.ring, run.from,
						  run.limit);

			if (end - run.from - 1 >= run.limit - run.from)
				abort();
			merge_consumed(&merge, end);
		}
	}
	names_sweep(&decode.names, 1);
	for (unsigned slot = 0; slot < 2; slot++)
		decode_stream_end(&decode, &streams[slot]);
	decode_deinit(&decode);
	return 0;
}
