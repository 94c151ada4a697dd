#pragma once

#include <stdint.h>

#include "base/map.h"
#include "capture/model.h"

/*
 * Which processes and threads the capture knows already: two recorders that see the same ones tell
 * it of each once.
 */
struct census {
	struct map processes; /* pid -> process, the last of that pid */
	struct map threads;   /* process << 32 | tid -> thread, and whether it was taken */
};

void census_init(struct census *census);
void census_deinit(struct census *census);

void census_put_process(struct census *census, uint32_t pid, process_id process);
process_id census_process(const struct census *census, uint32_t pid); /* 0: not known */

/* A thread that the recorder of allocations met: a new one, whatever had its tid before. */
void census_put_thread(struct census *census, process_id process, uint32_t tid, thread_id thread);
/* One that the sampler met first: the other recorder may take it for the same one, once. */
void census_offer_thread(struct census *census, process_id process, uint32_t tid, thread_id thread);
thread_id census_take_thread(struct census *census, process_id process, uint32_t tid);
thread_id census_thread(const struct census *census, process_id process, uint32_t tid);
