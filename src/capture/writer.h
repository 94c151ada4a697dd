#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/model.h"
#include "capture/tally.h"

/*
 * Writes a capture. One thread only. Nothing a caller adds is on disk before the chunk that holds
 * it is sealed: when its raw size reaches the chunk size, when writer_seal is called, and at close;
 * dictionaries always go before the events that use them. A file whose writer was killed reads up
 * to the last sealed chunk.
 *
 * I/O errors (full disk, file-size limit, EPIPE) are sticky: the first one is returned by the call
 * that met it and by writer_close, the file is cut back to its last sealed chunk, everything after
 * it is counted and thrown away, and adding stays safe. For EPIPE the program ignores SIGPIPE.
 */
struct capture_writer;

enum capture_mode {
	CAPTURE_FULL = 0,      /* every event with its time */
	CAPTURE_AGGREGATE = 1, /* rows of a tally only */
};

/* What of the samples readers show unless they are told otherwise. */
enum capture_time_metric {
	CAPTURE_TIME_WALL = 0, /* all */
	CAPTURE_TIME_CPU = 1,  /* SAMPLE_RUNNING */
	CAPTURE_TIME_GIL = 2,  /* SAMPLE_HOLDS_GIL */
};

/* What is known when recording starts. Strings are copied. */
struct capture_start {
	uint32_t mode;              /* enum capture_mode */
	uint64_t sample_rate_bytes; /* 0: every event was recorded */
	int64_t wall_time_ns;       /* CLOCK_REALTIME at session time 0 */
	uint32_t page_size;
	const char *const *command_line; /* NULL-terminated, as the user gave it to sonde run */
	const char *host;                /* host name */
	const char *system;              /* uname: "Linux 6.1.0 x86_64" */
	const char *sonde_version;
	bool native_stacks;
	bool python_allocators_traced;
	uint64_t temporary_threshold; /* aggregate mode: the N its rows were made with */
	bool allocations;             /* memory was recorded */
	uint64_t sampling_period_ns;  /* that was asked for; 0: no sampling */
	uint32_t time_metric;         /* enum capture_time_metric */
};

/* path is created with mode 0600 and must not exist, unless replace. */
int writer_open(const char *path, bool replace, const struct capture_start *start,
		struct capture_writer **out, struct error *err);

struct capture_process {
	uint32_t pid;
	uint32_t parent_pid;
	const char *command; /* its argv, joined by spaces */
	const char *executable;
	const char *python_version;   /* "3.12.1", "" if it has no Python */
	const char *python_allocator; /* "pymalloc", "malloc", "pymalloc_debug", "mimalloc", "" */
	uint64_t start_ns;
};

process_id writer_process(struct capture_writer *w, const struct capture_process *process);
/* exit_status as wait(2) says it (WIFEXITED..), or -1 when not known. */
void writer_process_end(struct capture_writer *w, process_id process, uint64_t time_ns,
			int exit_status);
thread_id writer_thread(struct capture_writer *w, process_id process, uint32_t tid,
			const char *name);
/* A thread's name became known or changed; the last one wins. */
void writer_thread_name(struct capture_writer *w, thread_id thread, const char *name);

/* Interning: the same input gives the same id. Texts are UTF-8; invalid bytes are stored as
 * U+FFFD. file may be "". */
frame_id writer_frame(struct capture_writer *w, enum frame_kind kind, const char *function,
		      size_t function_bytes, const char *file, size_t file_bytes, uint32_t line);
stack_id writer_stack(struct capture_writer *w, stack_id parent, frame_id frame);

/* Events, in their order. Ids that were never given out count as 0, a slot without a block is left
 * alone. CAPTURE_FULL writes them; CAPTURE_AGGREGATE feeds the writer's tally.
 * time_ns never goes backwards (an earlier one is taken as the last). */
void writer_time(struct capture_writer *w, uint64_t time_ns);
slot_id writer_alloc(struct capture_writer *w, thread_id thread, enum allocator allocator,
		     stack_id stack, uint64_t bytes);
void writer_free(struct capture_writer *w, thread_id thread, slot_id slot);
void writer_shrink(struct capture_writer *w, thread_id thread, slot_id slot, uint64_t bytes);

/* One round of one process: what its threads did at time_ns, each once. Ids that were never given
 * out count as 0. Rounds come in the order of time (an earlier one is taken as of the last's time),
 * which has nothing to do with that of events. */
struct capture_sample {
	thread_id thread;
	stack_id stack;
	uint16_t flags; /* enum sample_flag */
	uint16_t wait;  /* enum sample_wait */
};
void writer_samples(struct capture_writer *w, process_id process, uint64_t time_ns,
		    const struct capture_sample *samples, size_t count);

/* How well sampling went: totals so far, the last call wins. A sample stands for
 * sampled_ns / rounds of time. */
struct capture_sampling {
	uint64_t rounds;        /* deadlines met */
	uint64_t rounds_missed; /* deadlines that had passed */
	uint64_t sampled_ns;    /* from the first round to the last one */
	uint64_t looks;         /* at a thread */
	uint64_t unchanged;     /* of these: it had not run since the one before */
	uint64_t reads;         /* system calls that read its memory */
	uint64_t retries;       /* a stack that had changed while it was read */
	uint64_t pauses;        /* threads stopped */
	uint64_t paused_ns;
	uint64_t failures; /* no stack, all the same */
	uint64_t missed;   /* threads beyond what there was room for */
	uint64_t dropped;  /* samples that found the queue full */
	uint64_t cpu_ns;   /* of the sampling thread */
	/* Processes that a sampled one started, that were met, and of which there is no sample. */
	uint64_t processes_unsampled;
};
void writer_sampling(struct capture_writer *w, const struct capture_sampling *sampling);

void writer_rss(struct capture_writer *w, process_id process, uint64_t time_ns, uint64_t rss_bytes);

/* What explains RSS against the traced heap: a look at the target's maps, taken by the collector
 * now and then and once near the end; the last one wins. Bytes. */
struct capture_memory {
	uint64_t rss, anonymous, file, shared_memory, swap; /* status: RssAnon, RssFile, RssShmem */
	uint64_t peak_rss;                                  /* VmHWM */
	uint64_t own_rss;                                   /* what of RSS is sonde's own segment */
	uint64_t heap_mapped, heap_resident; /* [heap] and the allocator's arenas, from smaps */
	uint64_t stacks_resident;
	uint64_t untouched; /* private anonymous mappings: mapped, not resident */
};
void writer_memory(struct capture_writer *w, process_id process, uint64_t time_ns,
		   const struct capture_memory *memory);

/* Totals so far, not increments; the last call wins. */
void writer_lost(struct capture_writer *w, const uint64_t lost[LOST_END]);

/* Seals what there is if the oldest unsealed byte is older than max_age_ns (0: now). The rows of an
 * aggregate capture are sealed when the file's budget for them allows (aggregate.h), or now. */
int writer_seal(struct capture_writer *w, uint64_t max_age_ns, struct error *err);

/* The sticky error, or 0. */
int writer_status(const struct capture_writer *w, struct error *err);

/* The tally of an aggregate capture (NULL for a full one). */
const struct tally *writer_tally(const struct capture_writer *w);

/* Bytes on disk so far, events so far. */
uint64_t writer_bytes(const struct capture_writer *w);
uint64_t writer_events(const struct capture_writer *w);

/* Seals, writes the index and the trailer, fsyncs, closes, frees. complete: every target ended and
 * its rings were drained to the end. Returns the sticky error if there was one. */
int writer_close(struct capture_writer *w, bool complete, struct error *err);
