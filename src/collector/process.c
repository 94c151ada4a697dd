#include "collector/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROCESS_CLOCK_WORDS       32768u /* drained between two looks at the clock: well under 1 ms */
#define PROCESS_BUSY_WORDS        (WIRE_RING_WORDS / 8)
#define PROCESS_LAST_ROUNDS       8u
#define PROCESS_PYTHON_NS         1000000000ull
#define PROCESS_RSS_NS            10000000ull
#define PROCESS_THREADS_NS        100000000ull
#define PROCESS_THREADS_MANY      (WIRE_THREAD_MAX / 16) /* new since the last look */
#define PROCESS_RING_KEEP_WORDS   2048u /* of a ring may stay for its next thread */
#define PROCESS_NAME_FIRST_NS     100000000ull
#define PROCESS_NAME_LONGEST_NS   5000000000ull
#define PROCESS_MEMORY_FIRST_NS   100000000ull
#define PROCESS_MEMORY_SOONEST_NS 250000000ull
#define PROCESS_MEMORY_LONGEST_NS 30000000000ull
#define PROCESS_AGE_ERROR_NS      20000000ull
#define PROCESS_MEMORY_SHARE      200u /* looking at maps takes at most 1 part in so many */

_Static_assert((int)WIRE_LOST_FULL == LOST_FULL && (int)WIRE_LOST_SAMPLED == LOST_SAMPLED &&
		       (int)WIRE_LOST_END == LOST_THREADS,
	       "the capture numbers reasons as the wire does");

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The image that a pid runs now has its own area mapped, and it has begun after the session.
 * Another area under its pid is that of an image before it, or somebody wrote a number into the
 * table that is none of ours. */
static bool process_maps_area(const struct process *process, uint64_t device)
{
	struct observe_part part = {
		.device = device,
		.inode = process->inode,
		.offset = wire_area_offset(process->index),
		.bytes = WIRE_AREA_BYTES,
	};
	int maps = observe_maps(&process->observe, &part);

	if (maps >= 0)
		return maps;
	return observe_age_ns(&process->observe) <=
	       session_now_ns(process->session) + PROCESS_AGE_ERROR_NS;
}

struct process *process_create(struct session *session, unsigned index, uint32_t pid,
			       const char *command, struct capture_writer *writer,
			       struct census *census)
{
	struct process *process = calloc(1, sizeof(*process));
	struct stat file;

	if (!process)
		abort();
	process->session = session;
	process->index = index;
	process->pid = pid;
	process->writer = writer;
	process->census = census;
	observe_open(&process->observe, (pid_t)pid);
	process->command = observe_command(&process->observe);
	if (!process->command && command)
		process->command = strdup(command);
	process->executable = observe_executable(&process->observe);
	if (fstat(session->fd, &file) < 0)
		abort();
	process->inode = file.st_ino;
	process->is_current = process_maps_area(process, file.st_dev);
	return process;
}

void process_destroy(struct process *process)
{
	if (!process)
		return;
	if (process->area) {
		for (unsigned slot = 0; slot < WIRE_THREAD_MAX; slot++)
			ranges_cut_deinit(&process->streams[slot].unmap_cut);
		decode_deinit(&process->decode);
		session_unmap_area(process->area);
	}
	observe_close(&process->observe);
	free(process->command);
	free(process->executable);
	free(process);
}

int process_begin(struct process *process, struct error *err)
{
	uint32_t state = atomic_load(&process->session->shared->process[process->index].state);

	if (process->area || process->denied ||
	    (state != WIRE_PROCESS_READY && state != WIRE_PROCESS_DONE))
		return 0;
	process->area = session_map_area(process->session, process->index);
	if (!process->area) {
		process->denied = true;
		return error_set_errno(err, ERROR_FAILED, errno,
				       "cannot map what process %u records", process->pid);
	}
	/* Claimed, but another process was the single one that the session wants. */
	if (!process->area->pid) {
		session_unmap_area(process->area);
		process->area = NULL;
		process->is_over = true;
		return 0;
	}
	process->start_ns = least(process->area->start_time_ns, session_now_ns(process->session));
	process->memory_due_ns = process->start_ns + PROCESS_MEMORY_FIRST_NS;
	merge_init(&process->merge, process->area);
	decode_init(&process->decode, process->writer, process->area);
	return 0;
}

bool process_is_alive(const struct process *process)
{
	return process->is_current && !process->is_over && observe_is_alive(&process->observe);
}

bool process_is_ending(const struct process *process)
{
	/* Where /proc is hidden, nothing is known of its memory. */
	return !observe_is_alive(&process->observe) ||
	       (process->observe.target && !observe_rss(&process->observe));
}

bool process_can_go(const struct process *process)
{
	return process->is_over || !observe_is_alive(&process->observe);
}

/* An agent may be ready before it can tell which Python it lives in. The first events wait for that
 * a little, as long as the rings have room. */
static bool process_waits(const struct process *process)
{
	return !process->id && !process->ended && !process->area->python_allocator[0] &&
	       session_now_ns(process->session) < process->start_ns + PROCESS_PYTHON_NS &&
	       atomic_load(&process->area->thread_high) < PROCESS_THREADS_MANY &&
	       merge_backlog(&process->merge) < PROCESS_BUSY_WORDS;
}

/* Makes the process known to the capture: as late as its first event. */
static void process_announce(struct process *process)
{
	const struct wire_area *area = process->area;
	char version[24] = "", allocator[sizeof(area->python_allocator) + 1] = "";
	struct capture_process announced = {
		.pid = process->pid,
		.parent_pid = area->parent_pid,
		.command = process->command ? process->command : "",
		.executable = process->executable ? process->executable : "",
		.python_version = version,
		.python_allocator = allocator,
		.start_ns = process->start_ns,
	};

	if (area->python_version)
		pyabi_version_text(area->python_version, version, sizeof(version));
	memcpy(allocator, area->python_allocator, sizeof(area->python_allocator));
	process->id = writer_process(process->writer, &announced);
	census_put_process(process->census, process->pid, process->id);
}

static void process_read_name(struct process *process, unsigned slot)
{
	struct stream *stream = &process->streams[slot];
	char name[16];

	if (!observe_thread_name(&process->observe, process->threads[slot].tid, name) ||
	    strcmp(name, stream->name) == 0)
		return;
	memcpy(stream->name, name, sizeof(name));
	writer_thread_name(process->writer, stream->thread, name);
}

/* The first records of a slot's thread are there. */
static void process_begin_thread(struct process *process, unsigned slot)
{
	struct process_thread *thread = &process->threads[slot];
	struct stream *stream = &process->streams[slot];
	uint32_t tid =
		atomic_load_explicit(&process->merge.threads[slot].tid, memory_order_acquire);

	if (!process->id)
		process_announce(process);
	process->new_threads++;
	for (unsigned other = 0; other < process->merge.high; other++) {
		if (process->threads[other].tid == tid)
			process->threads[other].gone = true;
	}
	thread->tid = tid;
	thread->gone = false;
	thread->name_step_ns = PROCESS_NAME_FIRST_NS;
	thread->name_due_ns = session_now_ns(process->session) + thread->name_step_ns;
	if (!observe_thread_name(&process->observe, tid, stream->name))
		stream->name[0] = 0;
	stream->thread = census_take_thread(process->census, process->id, tid);
	if (stream->thread) {
		writer_thread_name(process->writer, stream->thread, stream->name);
		return;
	}
	stream->thread = writer_thread(process->writer, process->id, tid, stream->name);
	census_put_thread(process->census, process->id, tid, stream->thread);
}

uint64_t process_drain(struct process *process)
{
	uint64_t words = 0, clock_words = 0;
	struct merge_run run;

	if (!process->area || process_waits(process) || !merge_look(&process->merge))
		return 0;
	process->decode.now_ns = session_publish_clock(process->session);
	while (merge_next(&process->merge, &run)) {
		struct stream *stream = &process->streams[run.slot];
		uint64_t end;

		if (!stream->thread)
			process_begin_thread(process, run.slot);
		end = decode_run(&process->decode, stream, run.ring, run.from, run.limit);
		merge_consumed(&process->merge, end);
		words += end - run.from;
		if (words - clock_words > PROCESS_CLOCK_WORDS) {
			clock_words = words;
			process->decode.now_ns = session_publish_clock(process->session);
		}
	}
	return words;
}

bool process_is_busy(const struct process *process)
{
	return process->area && merge_backlog(&process->merge) > PROCESS_BUSY_WORDS;
}

static void process_tend_rss(struct process *process, uint64_t now_ns)
{
	uint64_t rss_bytes;

	if (now_ns < process->rss_due_ns)
		return;
	process->rss_due_ns = now_ns + PROCESS_RSS_NS;
	rss_bytes = observe_rss(&process->observe);
	if (!rss_bytes || rss_bytes == process->rss_bytes)
		return;
	process->rss_bytes = rss_bytes;
	process->peak_rss_bytes = most(process->peak_rss_bytes, rss_bytes);
	writer_rss(process->writer, process->id, now_ns, rss_bytes);
}

static void process_look_at_memory(struct process *process, uint64_t now_ns)
{
	struct capture_memory memory;
	uint64_t cost_ns, age_ns;

	if (observe_memory(&process->observe, process->inode, &memory)) {
		writer_memory(process->writer, process->id, now_ns, &memory);
		process->peak_rss_bytes = most(process->peak_rss_bytes, memory.peak_rss);
	}
	cost_ns = session_now_ns(process->session) - now_ns;
	age_ns = now_ns - process->start_ns;
	process->memory_rss_bytes = process->rss_bytes;
	process->memory_soonest_ns =
		now_ns + most(PROCESS_MEMORY_SOONEST_NS, PROCESS_MEMORY_SHARE * cost_ns);
	process->memory_due_ns =
		most(process->memory_soonest_ns, now_ns + least(age_ns, PROCESS_MEMORY_LONGEST_NS));
}

/* Seldom by time, and when RSS has grown by an eighth since the last look. */
static bool process_memory_is_due(const struct process *process, uint64_t now_ns)
{
	return now_ns >= process->memory_due_ns ||
	       (now_ns >= process->memory_soonest_ns &&
		process->rss_bytes > process->memory_rss_bytes + process->memory_rss_bytes / 8);
}

static uint64_t thread_lost(const struct wire_thread *shared, unsigned reason)
{
	return atomic_load_explicit(&shared->lost[reason], memory_order_relaxed);
}

/* The thread is gone and its ring is empty: the slot is free for another. */
static void process_release_thread(struct process *process, unsigned slot)
{
	const struct merge_ring *ring = &process->merge.rings[slot];
	struct wire_thread *shared = &process->merge.threads[slot];

	if (process->threads[slot].tid)
		decode_stream_end(&process->decode, &process->streams[slot]);
	for (unsigned reason = 0; reason < WIRE_LOST_END; reason++) {
		process->lost[reason] += thread_lost(shared, reason);
		atomic_store_explicit(&shared->lost[reason], 0, memory_order_relaxed);
	}
	if (ring->tail - process->threads[slot].ring_start > PROCESS_RING_KEEP_WORDS) {
		session_empty_ring(process->area, slot);
		process->threads[slot].ring_start = ring->tail;
	}
	process->threads[slot] =
		(struct process_thread){.ring_start = process->threads[slot].ring_start};
	atomic_store_explicit(&shared->tid, 0, memory_order_relaxed);
	atomic_store_explicit(&shared->state, WIRE_THREAD_FREE, memory_order_release);
}

static void process_tend_thread(struct process *process, unsigned slot, uint64_t now_ns)
{
	const struct wire_thread *shared = &process->merge.threads[slot];
	struct process_thread *thread = &process->threads[slot];
	uint32_t tid = atomic_load_explicit(&shared->tid, memory_order_acquire);

	if (!tid)
		return;
	if (thread->gone || !observe_thread_is_alive(&process->observe, tid)) {
		if (atomic_load_explicit(&shared->head, memory_order_acquire) ==
		    process->merge.rings[slot].tail)
			process_release_thread(process, slot);
		return;
	}
	if (thread->tid && now_ns >= thread->name_due_ns) {
		process_read_name(process, slot);
		thread->name_step_ns = least(4 * thread->name_step_ns, PROCESS_NAME_LONGEST_NS);
		thread->name_due_ns = now_ns + thread->name_step_ns;
	}
}

static void process_tend_threads(struct process *process, uint64_t now_ns)
{
	/* Threads that come and go fast must not run out of slots. */
	if (now_ns < process->threads_due_ns && process->new_threads < PROCESS_THREADS_MANY)
		return;
	process->new_threads = 0;
	process->threads_due_ns = now_ns + PROCESS_THREADS_NS;
	for (unsigned slot = 0; slot < process->merge.high; slot++) {
		if (atomic_load_explicit(&process->merge.threads[slot].state,
					 memory_order_acquire) == WIRE_THREAD_USED)
			process_tend_thread(process, slot, now_ns);
	}
}

void process_tend(struct process *process, uint64_t now_ns)
{
	bool stopped;

	if (!process->area)
		return;
	names_sweep(&process->decode.names, now_ns);
	process_tend_threads(process, now_ns);
	/* From here on its memory is that of another program. */
	if (!process->id || atomic_load(&process->area->stopped) == WIRE_STOP_REPLACED)
		return;
	process_tend_rss(process, now_ns);
	stopped = !process->done &&
		  atomic_load(&process->session->shared->process[process->index].state) ==
			  WIRE_PROCESS_DONE;
	process->done |= stopped;
	/* The user's code is over, and the process not yet: the last moment to look. */
	if (stopped || process_memory_is_due(process, now_ns))
		process_look_at_memory(process, now_ns);
}

void process_end(struct process *process, uint64_t now_ns, int exit_status)
{
	process->ended = true;
	if (!process->area)
		return;
	/* Nobody writes any more, unless another process meddles: so not for ever. */
	for (unsigned round = 0; round < PROCESS_LAST_ROUNDS; round++) {
		if (!process_drain(process))
			break;
	}
	if (!process->id)
		process_announce(process);
	writer_process_end(process->writer, process->id, now_ns, exit_status);
}

void process_add_lost(const struct process *process, uint64_t lost[LOST_END])
{
	for (unsigned reason = 0; reason < LOST_END; reason++)
		lost[reason] += process->lost[reason];
	if (!process->area)
		return;
	for (unsigned slot = 0; slot < process->merge.high; slot++) {
		for (unsigned reason = 0; reason < WIRE_LOST_END; reason++)
			lost[reason] += thread_lost(&process->merge.threads[slot], reason);
	}
	lost[LOST_THREADS] +=
		atomic_load_explicit(&process->area->lost_threads, memory_order_relaxed);
}

uint64_t process_damage(const struct process *process)
{
	return process->decode.counts.records_broken + process->decode.names.damage +
	       process->merge.damage;
}
