/*
 * Files of /proc with any text in them: names of programs and files are the target's choice, and
 * other kernels write other things.
 *
 * Input: the text.
 */
#include <stdlib.h>
#include <string.h>

#include "target/container.h"
#include "target/maps_text.h"
#include "target/proc.h"
#include "target/syscalls.h"
#include "target/tasks_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static void check_maps(const uint8_t *data, size_t size)
{
	struct target_maps maps = {.texts = text_of(data, size)};
	uint64_t before = 0;

	maps_parse(&maps);
	for (size_t i = 0; i < maps.count; i++) {
		const struct target_map *map = &maps.items[i];

		if (map->start < before || map->end <= map->start || strlen(map->path) > size ||
		    target_maps_find(&maps, map->start) != map ||
		    target_maps_find(&maps, map->end - 1) != map)
			abort();
		before = map->end;
	}
	target_maps_deinit(&maps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tasks_syscall call;
	struct proc_stat stat;
	uint64_t cpu_ns, switches;
	char *text;

	check_maps(data, size);
	text = text_of(data, size);
	proc_parse_stat(text, &stat);
	proc_stat_is_over(&stat);
	if (proc_parse_inner_pid(text) < 0)
		abort();
	if (tasks_parse_syscall(text, &call) && syscalls_wait(&call) >= WAIT_END)
		abort();
	tasks_parse_schedstat(text, &cpu_ns, &switches);
	container_parse_cgroup(text);
	free(text);
	return 0;
}
