#include "sampler/spots.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/intern.h"
#include "base/map.h"
#include "base/memory.h"
#include "sampler/sample.h"

#define FIRST_NODE (SAMPLE_STACK_UNKNOWN + 1)
#define FIRST_SPOT (SPOT_UNKNOWN + 1)
#define OUTERMOST  0x80000000u /* beside a spot's number */
#define KEY_BYTES  (1u << 24)

struct level {
	struct spot *spots;
	uint32_t count, room;
	uint32_t *of_node;
	uint32_t nodes, nodes_room; /* reached: below this number */
};

struct spots {
	struct trace_tree *tree;
	struct level levels[SPOT_LEVELS];
	struct map of_code;       /* code + 1 -> function */
	struct intern *functions; /* number n is spot FIRST_SPOT - 1 + n */
	struct map lines;         /* function and line -> line */
	struct buffer key;
};

static const char purpose[] = "places";

static void *spots_grow(void *items, uint32_t wanted, uint32_t *room, size_t item_bytes)
{
	if (wanted <= *room)
		return items;
	while (*room < wanted)
		*room = *room ? 2 * *room : 64;
	return memory_check(reallocarray(items, *room, item_bytes), purpose);
}

static uint32_t level_add(struct level *level, const struct spot *spot)
{
	level->spots =
		spots_grow(level->spots, level->count + 1, &level->room, sizeof(*level->spots));
	level->spots[level->count] = *spot;
	return level->count++;
}

static void level_init(struct level *level)
{
	static const struct spot markers[FIRST_SPOT] = {
		[SPOT_NOBODY] = {"<outermost>", "", 0},
		[SPOT_EMPTY] = {"<no Python frame>", "", 0},
		[SPOT_UNKNOWN] = {"<stack unknown>", "", 0},
	};

	for (uint32_t i = 0; i < FIRST_SPOT; i++)
		level_add(level, &markers[i]);
	level->of_node = spots_grow(NULL, FIRST_NODE, &level->nodes_room, sizeof(uint32_t));
	level->of_node[SAMPLE_STACK_EMPTY] = SPOT_EMPTY | OUTERMOST;
	level->of_node[SAMPLE_STACK_UNKNOWN] = SPOT_UNKNOWN | OUTERMOST;
	level->nodes = FIRST_NODE;
}

struct spots *spots_create(struct trace_tree *tree)
{
	struct spots *spots = memory_check(calloc(1, sizeof(*spots)), purpose);

	spots->tree = tree;
	for (unsigned i = 0; i < SPOT_LEVELS; i++)
		level_init(&spots->levels[i]);
	map_init(&spots->of_code);
	map_init(&spots->lines);
	spots->functions = intern_create();
	buffer_init(&spots->key, KEY_BYTES);
	return spots;
}

void spots_destroy(struct spots *spots)
{
	if (!spots)
		return;
	for (unsigned i = 0; i < SPOT_LEVELS; i++) {
		free(spots->levels[i].spots);
		free(spots->levels[i].of_node);
	}
	map_deinit(&spots->of_code);
	map_deinit(&spots->lines);
	intern_destroy(spots->functions);
	buffer_deinit(&spots->key);
	free(spots);
}

static uint32_t spots_function(struct spots *spots, uint32_t number)
{
	struct level *level = &spots->levels[SPOT_FUNCTION];
	const struct trace_code *code = trace_tree_code(spots->tree, number);
	uint64_t known;
	uint32_t spot;

	if (map_find(&spots->of_code, (uint64_t)number + 1, &known))
		return (uint32_t)known;
	if (!code->function)
		return SPOT_UNKNOWN;
	buffer_clear(&spots->key);
	buffer_add(&spots->key, code->function, strlen(code->function) + 1);
	buffer_add(&spots->key, code->file, strlen(code->file) + 1);
	buffer_add(&spots->key, &code->first_line, sizeof(code->first_line));
	spot = FIRST_SPOT - 1 + intern_add(spots->functions, spots->key.data, spots->key.used);
	if (spot == level->count)
		level_add(level,
			  &(struct spot){code->function, code->file,
					 code->first_line > 0 ? (uint32_t)code->first_line : 0});
	map_put(&spots->of_code, (uint64_t)number + 1, spot);
	return spot;
}

static uint32_t spots_line(struct spots *spots, uint32_t node, uint32_t function)
{
	uint32_t line = trace_tree_line(spots->tree, node);
	uint64_t key = (uint64_t)function << 32 | line, known;
	struct spot spot;

	if (function == SPOT_UNKNOWN)
		return SPOT_UNKNOWN;
	if (map_find(&spots->lines, key, &known))
		return (uint32_t)known;
	spot = spots->levels[SPOT_FUNCTION].spots[function];
	spot.line = line;
	known = level_add(&spots->levels[SPOT_LINE], &spot);
	map_put(&spots->lines, key, known);
	return (uint32_t)known;
}

uint32_t spots_parent(const struct spots *spots, uint32_t node)
{
	uint32_t parent = trace_tree_node(spots->tree, node)->parent;

	/* Parents come before their children; SAMPLE_STACK_UNKNOWN stands for one that had no room.
	 */
	return parent < node ? parent : SAMPLE_STACK_EMPTY;
}

void spots_reach(struct spots *spots, enum spot_level which, uint32_t node)
{
	struct level *level = &spots->levels[which];

	if (node < level->nodes)
		return;
	level->of_node =
		spots_grow(level->of_node, node + 1, &level->nodes_room, sizeof(*level->of_node));
	for (; level->nodes <= node; level->nodes++) {
		uint32_t at = level->nodes;
		uint32_t spot = spots_function(spots, trace_tree_node(spots->tree, at)->code);
		uint32_t below = spots_parent(spots, at);

		if (which == SPOT_LINE)
			spot = spots_line(spots, at, spot);
		while (below != SAMPLE_STACK_EMPTY && spots_of(spots, which, below) != spot)
			below = spots_parent(spots, below);
		level->of_node[at] = spot | (below == SAMPLE_STACK_EMPTY ? OUTERMOST : 0);
	}
}

uint32_t spots_of(const struct spots *spots, enum spot_level level, uint32_t node)
{
	return spots->levels[level].of_node[node] & ~OUTERMOST;
}

bool spots_is_outermost(const struct spots *spots, enum spot_level level, uint32_t node)
{
	return spots->levels[level].of_node[node] & OUTERMOST;
}

uint32_t spots_count(const struct spots *spots, enum spot_level level)
{
	return spots->levels[level].count;
}

const struct spot *spots_get(const struct spots *spots, enum spot_level level, uint32_t spot)
{
	return &spots->levels[level].spots[spot];
}
