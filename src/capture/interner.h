#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/model.h"
#include "capture/writer.h"

/*
 * The writer's side of the dictionaries: gives equal things equal ids, and keeps what is new since
 * the last dictionary chunk in the form in which that chunk will hold it.
 */
struct interner;

struct interner *interner_create(void);
void interner_destroy(struct interner *in);

frame_id interner_frame(struct interner *in, enum frame_kind kind, const char *function,
			size_t function_bytes, const char *file, size_t file_bytes, uint32_t line);
/* A frame or a parent that was never given out counts as none; a parent and no frame is the parent.
 * Where a ceiling of the format is reached, ids are 0 and stacks end at their parent. */
stack_id interner_stack(struct interner *in, stack_id parent, frame_id frame);
process_id interner_process(struct interner *in, const struct capture_process *process);
thread_id interner_thread(struct interner *in, process_id process, uint32_t tid);
void interner_thread_name(struct interner *in, thread_id thread, const char *name);

stack_id interner_stacks(const struct interner *in);
thread_id interner_threads(const struct interner *in);
process_id interner_processes(const struct interner *in);

/* About how large the next dictionary chunk will be; 0 if there is nothing new. */
size_t interner_pending_bytes(const struct interner *in);
/* Adds the payload of a dictionary chunk to `out`, and forgets what is new. */
void interner_take(struct interner *in, struct buffer *out);
