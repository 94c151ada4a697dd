#include "analysis/stacks.h"

#include <stdlib.h>

#include "analysis/array.h"
#include "base/map.h"

static struct stacks *stacks_create(uint32_t room)
{
	struct stacks *stacks = array_create(1, sizeof(*stacks));

	stacks->parents = array_create((size_t)room + 1, sizeof(*stacks->parents));
	stacks->frames = array_create((size_t)room + 1, sizeof(*stacks->frames));
	return stacks;
}

void stacks_destroy(struct stacks *stacks)
{
	if (stacks == NULL)
		return;
	free(stacks->parents);
	free(stacks->frames);
	free(stacks);
}

struct stacks *stacks_read(const struct capture_reader *reader)
{
	uint32_t count = reader_stack_count(reader);
	struct stacks *stacks = stacks_create(count);

	for (stack_id id = 1; id <= count; id++) {
		stack_id parent;

		reader_stack(reader, id, &parent, &stacks->frames[id]);
		stacks->parents[id] = parent < id ? parent : 0;
	}
	stacks->count = count;
	return stacks;
}

/* `known` keeps the ids by (parent, frame). */
static stack_id stacks_add(struct stacks *stacks, struct map *known, stack_id parent,
			   frame_id frame)
{
	uint64_t key = (uint64_t)parent << 32 | frame;
	uint64_t id;

	if (frame == 0)
		return parent;
	if (map_find(known, key, &id))
		return (stack_id)id;
	stacks->count++;
	stacks->parents[stacks->count] = parent;
	stacks->frames[stacks->count] = frame;
	map_put(known, key, stacks->count);
	return stacks->count;
}

struct stacks *stacks_replace(const struct stacks *stacks, const frame_id *becomes,
			      uint32_t frame_count, stack_id **moved)
{
	struct stacks *result = stacks_create(stacks->count);
	struct map known;

	map_init(&known);
	*moved = array_create((size_t)stacks->count + 1, sizeof(**moved));
	for (stack_id id = 1; id <= stacks->count; id++) {
		frame_id frame = stacks->frames[id];

		(*moved)[id] = stacks_add(result, &known, (*moved)[stacks->parents[id]],
					  frame <= frame_count ? becomes[frame] : frame);
	}
	map_deinit(&known);
	return result;
}

struct stacks *stacks_join(const struct stacks *const tables[2], frame_id *const becomes[2],
			   stack_id *moved[2])
{
	struct stacks *joined = stacks_create(tables[0]->count + tables[1]->count);
	struct map known;

	map_init(&known);
	for (size_t t = 0; t < 2; t++) {
		const struct stacks *from = tables[t];

		moved[t] = array_create((size_t)from->count + 1, sizeof(*moved[t]));
		for (stack_id id = 1; id <= from->count; id++)
			moved[t][id] = stacks_add(joined, &known, moved[t][from->parents[id]],
						  becomes[t][from->frames[id]]);
	}
	map_deinit(&known);
	return joined;
}

stack_id stacks_append(struct stacks *stacks, frame_id frame)
{
	size_t used = (size_t)stacks->count + 1, parent_room = used, frame_room = used;

	stacks->parents = array_grow(stacks->parents, used, &parent_room, sizeof(*stacks->parents));
	stacks->frames = array_grow(stacks->frames, used, &frame_room, sizeof(*stacks->frames));
	stacks->parents[used] = 0;
	stacks->frames[used] = frame;
	return ++stacks->count;
}
