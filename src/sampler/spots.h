#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/trace_tree.h"

/*
 * What people call a place in a program: the function or the line that a node of a trace tree is
 * in. Functions are the same when name, file and first line are, whatever their code objects and
 * processes. Belongs to the thread that reads the tree, and is never larger than it.
 */
struct spots;

enum spot_level {
	SPOT_FUNCTION,
	SPOT_LINE,
	SPOT_LEVELS,
};

/* Spots of each level are numbered from 0, densely; these are of both. */
#define SPOT_NOBODY  0u /* who calls the outermost frame */
#define SPOT_EMPTY   1u /* no Python code: SAMPLE_STACK_EMPTY */
#define SPOT_UNKNOWN 2u /* SAMPLE_STACK_UNKNOWN */

struct spot {
	const char *function; /* markers are in <> */
	const char *file;     /* "" for markers */
	uint32_t line;        /* the function's first, or the line; 0: none */
};

struct spots *spots_create(struct trace_tree *tree);
void spots_destroy(struct spots *spots);

/* Makes all nodes up to this one, which a sample told of, known on a level. */
void spots_reach(struct spots *spots, enum spot_level level, uint32_t node);

/* Of nodes that were reached. */
uint32_t spots_of(const struct spots *spots, enum spot_level level, uint32_t node);
/* No node that it stands on is at the same spot: a recursion is counted there, once. */
bool spots_is_outermost(const struct spots *spots, enum spot_level level, uint32_t node);
/* SAMPLE_STACK_EMPTY below an outermost frame. */
uint32_t spots_parent(const struct spots *spots, uint32_t node);

uint32_t spots_count(const struct spots *spots, enum spot_level level);
const struct spot *spots_get(const struct spots *spots, enum spot_level level, uint32_t spot);
