#include "collector/producer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRODUCER_HOOK_WORDS 10u

static int own_index = -1; /* of this process in the session's table */

static int producer_index(struct wire_session *session)
{
	for (unsigned i = 0; i < WIRE_PROCESS_MAX; i++) {
		uint32_t expected = WIRE_PROCESS_FREE;

		if (atomic_compare_exchange_strong(&session->process[i].state, &expected,
						   WIRE_PROCESS_CLAIMED))
			return (int)i;
	}
	atomic_fetch_add(&session->refused, 1);
	return -1;
}

bool producer_begin(struct producer *producer, struct wire_session *session, struct wire_area *area,
		    uint32_t tid)
{
	struct wire_thread *threads = wire_threads(area);

	for (uint32_t slot = 0; slot < WIRE_THREAD_MAX; slot++) {
		uint32_t expected = WIRE_THREAD_FREE;
		uint32_t high = atomic_load(&area->thread_high);

		if (!atomic_compare_exchange_strong(&threads[slot].state, &expected,
						    WIRE_THREAD_USED))
			continue;
		*producer = (struct producer){
			.session = session,
			.area = area,
			.shared = &threads[slot],
			.ring = wire_ring(area, slot),
			.slot = slot,
			.head = atomic_load(&threads[slot].head),
		};
		atomic_store(&threads[slot].tid, tid);
		while (high <= slot &&
		       !atomic_compare_exchange_weak(&area->thread_high, &high, slot + 1))
			;
		return true;
	}
	atomic_fetch_add(&area->lost_threads, 1);
	return false;
}

static void producer_wake(struct producer *producer)
{
	struct wire_session *session = producer->session;

	if (session && atomic_load(&session->asleep) && atomic_exchange(&session->asleep, 0))
		syscall(SYS_futex, &session->asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void producer_room(struct producer *producer)
{
	for (;;) {
		uint64_t used = producer->head -
				atomic_load_explicit(&producer->shared->tail, memory_order_acquire);

		if (used >= WIRE_RING_WORDS / 2)
			producer_wake(producer);
		if (used + PRODUCER_HOOK_WORDS <= WIRE_RING_WORDS)
			return;
		usleep(50);
	}
}

static void producer_put(struct producer *producer, uint64_t word)
{
	producer->ring[producer->head++ & (WIRE_RING_WORDS - 1)] = word;
}

static void producer_turn(struct producer *producer)
{
	uint64_t turn = atomic_load_explicit(&producer->area->turn, memory_order_acquire);
	uint64_t mine;

	if ((turn & 0xffff) == producer->slot)
		return;
	do
		mine = ((turn >> 16) + 1) << 16 | producer->slot;
	while (!atomic_compare_exchange_weak(&producer->area->turn, &turn, mine));
	producer_put(producer, wire_word(WIRE_TICKET, 0, mine >> 16));
}

static void producer_time(struct producer *producer)
{
	uint64_t now;

	if (!producer->session)
		return;
	now = atomic_load_explicit(&producer->session->clock_ns, memory_order_relaxed) >>
	      WIRE_TIME_SHIFT;
	if (now == producer->time)
		return;
	producer->time = now;
	producer_put(producer, wire_word(WIRE_TIME, 0, now));
}

void producer_words(struct producer *producer, const uint64_t *words, unsigned count)
{
	producer_room(producer);
	producer_turn(producer);
	producer_time(producer);
	if (producer->pause)
		producer->pause(producer->pause_data);
	for (unsigned i = 0; i < count; i++)
		producer_put(producer, words[i]);
	atomic_store_explicit(&producer->shared->head, producer->head, memory_order_release);
}

static void producer_word(struct producer *producer, enum wire_kind kind, unsigned detail,
			  uint64_t value)
{
	uint64_t word = wire_word(kind, detail, value);

	producer_words(producer, &word, 1);
}

void producer_alloc(struct producer *producer, unsigned allocator, uint64_t address, uint64_t bytes,
		    uint32_t node)
{
	uint64_t small[2] = {wire_word(WIRE_ALLOC, allocator, address), bytes << 32 | node};
	uint64_t large[3] = {wire_word(WIRE_ALLOC_LARGE, allocator, address), node, bytes};

	if (bytes <= UINT32_MAX)
		producer_words(producer, small, 2);
	else
		producer_words(producer, large, 3);
}

void producer_free(struct producer *producer, uint64_t address)
{
	producer_word(producer, WIRE_FREE, 0, address);
}

void producer_realloc_begin(struct producer *producer, uint64_t address)
{
	producer_word(producer, WIRE_REALLOC_BEGIN, 0, address);
}

void producer_realloc_failed(struct producer *producer)
{
	producer_word(producer, WIRE_REALLOC_FAILED, 0, 0);
}

void producer_realloc_freed(struct producer *producer)
{
	producer_word(producer, WIRE_REALLOC_FREED, 0, 0);
}

void producer_map(struct producer *producer, unsigned allocator, uint64_t address, uint64_t bytes,
		  uint32_t node)
{
	uint64_t words[3] = {wire_word(WIRE_MAP, allocator, address), node, bytes};

	producer_words(producer, words, 3);
}

void producer_unmap_begin(struct producer *producer, uint64_t address, uint64_t bytes)
{
	uint64_t words[2] = {wire_word(WIRE_UNMAP_BEGIN, 0, address), bytes};

	producer_words(producer, words, 2);
}

void producer_unmap_end(struct producer *producer, bool gone)
{
	producer_word(producer, WIRE_UNMAP_END, gone, 0);
}

void producer_name(struct producer *producer, const char *name)
{
	uint64_t words[3] = {wire_word(WIRE_THREAD_NAME, 0, 0)};

	memcpy(&words[1], name, strnlen(name, 15));
	producer_words(producer, words, 3);
}

uint32_t producer_code(struct wire_area *area, const char *name, const char *file, int first_line,
		       const void *table, uint32_t table_bytes)
{
	uint32_t name_bytes = (uint32_t)strlen(name);
	uint32_t file_bytes = (uint32_t)strlen(file);
	uint32_t bytes =
		(uint32_t)sizeof(struct wire_code_text) + name_bytes + file_bytes + table_bytes;
	struct wire_code *code;
	struct wire_code_text *text;
	uint64_t offset;
	uint32_t id;
	char *out;

	bytes = (bytes + 7) & ~7u;
	id = atomic_fetch_add(&area->code_count, 1) + 1;
	offset = atomic_fetch_add(&area->heap_bytes, bytes);
	if (id >= WIRE_CODE_MAX || offset + bytes > WIRE_HEAP_BYTES)
		abort();
	text = (struct wire_code_text *)(wire_heap(area) + offset);
	*text = (struct wire_code_text){
		.bytes = bytes,
		.first_line = first_line,
		.name_bytes = name_bytes,
		.file_bytes = file_bytes,
		.linetable_bytes = table_bytes,
		.name_kind = 1,
		.file_kind = 1,
	};
	out = (char *)(text + 1);
	memcpy(out, name, name_bytes);
	memcpy(out + name_bytes, file, file_bytes);
	if (table_bytes)
		memcpy(out + name_bytes + file_bytes, table, table_bytes);
	code = &wire_codes(area)[id];
	code->offset = (uint32_t)(offset / 8);
	atomic_store(&code->ready, 1);
	return id;
}

uint32_t producer_node(struct wire_area *area, uint32_t parent, uint32_t code, uint32_t instr)
{
	uint32_t id = atomic_fetch_add(&area->node_count, 1);

	if (id >= WIRE_NODE_MAX)
		abort();
	wire_nodes(area)[id] = (struct wire_node){.parent = parent, .code = code, .instr = instr};
	return id;
}

static int producer_open(void)
{
	const char *text = getenv(WIRE_ENVIRONMENT);
	int fd, pid, theirs;
	char path[64];

	if (!text || sscanf(text, "%d:%d:%d", &fd, &pid, &theirs) != 3)
		return -1;
	if (fcntl(fd, F_GETFD) >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, theirs);
	return open(path, O_RDWR | O_CLOEXEC);
}

struct wire_area *producer_join(struct wire_session **session, bool ready)
{
	struct wire_area *area;
	int fd = producer_open();

	if (fd < 0)
		return NULL;
	*session = mmap(NULL, WIRE_SESSION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*session == MAP_FAILED)
		return NULL;
	own_index = producer_index(*session);
	if (own_index < 0)
		return NULL;
	area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    (off_t)wire_area_offset((unsigned)own_index));
	if (area == MAP_FAILED)
		return NULL;
	atomic_store(&(*session)->process[own_index].pid, (uint32_t)getpid());
	atomic_store(&area->node_count, WIRE_NODE_FIRST);
	close(fd);
	if (ready)
		producer_ready(*session, area);
	return area;
}

static void producer_state(struct wire_session *session, uint32_t state)
{
	atomic_store(&session->process[own_index].state, state);
}

void producer_ready(struct wire_session *session, struct wire_area *area)
{
	area->pid = (uint32_t)getpid();
	area->parent_pid = (uint32_t)getppid();
	area->start_time_ns = atomic_load(&session->clock_ns);
	producer_state(session, WIRE_PROCESS_READY);
}

void producer_done(struct wire_session *session, struct wire_area *area, enum wire_stop why)
{
	atomic_store(&area->stopped, why);
	producer_state(session, WIRE_PROCESS_DONE);
}
