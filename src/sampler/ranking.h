#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/live.h"
#include "sampler/spots.h"

/*
 * The functions or lines of what was sampled so far, with the time that was spent in them: own, and
 * together with what they called. A recursion is counted once. Made anew for each drawing; its
 * memory is used again, and is O(nodes of the tree).
 */
struct ranking_options {
	enum live_metric metric;
	enum spot_level level;
	bool one_process;
	uint32_t process;
	pid_t tid; /* of that process; 0: all its threads */
};

struct ranking_row {
	uint32_t spot;
	double own_ns[LIVE_SPANS], total_ns[LIVE_SPANS];
};

struct ranking_rows {
	struct ranking_row *items; /* by no order that means anything */
	uint32_t count, room;
	uint32_t *of_spot; /* row + 1 */
	uint32_t spots;
};

struct ranking {
	struct ranking_options options;
	const struct spots *spots;
	struct ranking_rows rows;
	double watched_ns[LIVE_SPANS]; /* what one thread could have spent */
	double total_ns[LIVE_SPANS];   /* what all of them spent, by the metric */

	/* By node: what was spent in it and in what stands on it. */
	double *under_ns[LIVE_SPANS];
	uint32_t nodes, nodes_room;
};

void ranking_init(struct ranking *ranking);
void ranking_deinit(struct ranking *ranking);

void ranking_make(struct ranking *ranking, const struct live *live, struct spots *spots,
		  const struct ranking_options *options);

/*
 * Who called path[0], called by path[1], .. up to path[count - 1]: rows of their callers,
 * SPOT_NOBODY among them. total_ns is the part of path[0]'s time that came by this caller; own_ns
 * is 0. The parts of all callers add up to the whole. Goes with the spots and the live that the
 * ranking was made of.
 */
void ranking_callers(const struct ranking *ranking, const uint32_t *path, uint32_t count,
		     struct ranking_rows *callers);
void ranking_rows_deinit(struct ranking_rows *rows);
