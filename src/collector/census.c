#include "collector/census.h"

#define OFFERED (1ull << 32)

void census_init(struct census *census)
{
	map_init(&census->processes);
	map_init(&census->threads);
}

void census_deinit(struct census *census)
{
	map_deinit(&census->processes);
	map_deinit(&census->threads);
}

void census_put_process(struct census *census, uint32_t pid, process_id process)
{
	map_put(&census->processes, pid, process);
}

process_id census_process(const struct census *census, uint32_t pid)
{
	uint64_t process;

	return map_find(&census->processes, pid, &process) ? (process_id)process : 0;
}

static uint64_t thread_key(process_id process, uint32_t tid)
{
	return (uint64_t)process << 32 | tid;
}

void census_put_thread(struct census *census, process_id process, uint32_t tid, thread_id thread)
{
	map_put(&census->threads, thread_key(process, tid), thread);
}

void census_offer_thread(struct census *census, process_id process, uint32_t tid, thread_id thread)
{
	map_put(&census->threads, thread_key(process, tid), OFFERED | thread);
}

thread_id census_take_thread(struct census *census, process_id process, uint32_t tid)
{
	uint64_t value;

	if (!map_find(&census->threads, thread_key(process, tid), &value) || !(value & OFFERED))
		return 0;
	map_put(&census->threads, thread_key(process, tid), (thread_id)value);
	return (thread_id)value;
}

thread_id census_thread(const struct census *census, process_id process, uint32_t tid)
{
	uint64_t value;

	return map_find(&census->threads, thread_key(process, tid), &value) ? (thread_id)value : 0;
}
