#include "sampler/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_NODE (SAMPLE_STACK_UNKNOWN + 1)

static void *ranking_allocate(void *items, uint32_t count, size_t item_bytes)
{
	return memory_check(reallocarray(items, count, item_bytes), "a ranking");
}

void ranking_init(struct ranking *ranking)
{
	*ranking = (struct ranking){0};
}

void ranking_rows_deinit(struct ranking_rows *rows)
{
	free(rows->items);
	free(rows->of_spot);
	*rows = (struct ranking_rows){0};
}

void ranking_deinit(struct ranking *ranking)
{
	for (unsigned i = 0; i < LIVE_SPANS; i++)
		free(ranking->under_ns[i]);
	ranking_rows_deinit(&ranking->rows);
	ranking_init(ranking);
}

static void rows_clear(struct ranking_rows *rows, uint32_t spots)
{
	if (spots > rows->spots) {
		rows->spots = spots + spots / 2;
		rows->of_spot =
			ranking_allocate(rows->of_spot, rows->spots, sizeof(*rows->of_spot));
	}
	memset(rows->of_spot, 0, rows->spots * sizeof(*rows->of_spot));
	rows->count = 0;
}

static struct ranking_row *rows_at(struct ranking_rows *rows, uint32_t spot)
{
	if (!rows->of_spot[spot]) {
		if (rows->count == rows->room) {
			rows->room = rows->room ? 2 * rows->room : 64;
			rows->items =
				ranking_allocate(rows->items, rows->room, sizeof(*rows->items));
		}
		rows->items[rows->count] = (struct ranking_row){.spot = spot};
		rows->of_spot[spot] = ++rows->count;
	}
	return &rows->items[rows->of_spot[spot] - 1];
}

static bool ranking_takes(const struct ranking_options *options, const struct live_thread *thread)
{
	if (!options->one_process)
		return true;
	return thread->process == options->process &&
	       (!options->tid || thread->tid == options->tid);
}

static void ranking_room(struct ranking *ranking, uint32_t nodes)
{
	bool grow = nodes > ranking->nodes_room;

	if (grow)
		ranking->nodes_room = nodes + nodes / 2;
	for (unsigned i = 0; i < LIVE_SPANS; i++) {
		double *under_ns = ranking->under_ns[i];

		if (grow)
			under_ns =
				ranking_allocate(under_ns, ranking->nodes_room, sizeof(*under_ns));
		for (uint32_t n = 0; n < nodes; n++)
			under_ns[n] = 0;
		ranking->under_ns[i] = under_ns;
	}
	ranking->nodes = nodes;
}

/* The time of each cell, by node; the process of a cell says what a sample stands for. */
static void ranking_count(struct ranking *ranking, const struct live *live)
{
	for (uint32_t i = 0; i < live_cells(live); i++) {
		const struct live_cell *cell = live_cell(live, i);
		const struct live_thread *thread;

		if (!cell->counts[LIVE_ALL] ||
		    !live_metric_counts(ranking->options.metric, cell->flags))
			continue;
		thread = live_thread(live, cell->thread);
		if (!thread || !ranking_takes(&ranking->options, thread))
			continue;
		for (unsigned span = 0; span < LIVE_SPANS; span++) {
			double spent_ns = (double)cell->counts[span] *
					  live_sample_ns(live, thread->process, span);

			ranking->under_ns[span][cell->stack] += spent_ns;
			ranking->total_ns[span] += spent_ns;
		}
	}
}

static void ranking_own(struct ranking *ranking)
{
	for (uint32_t n = 0; n < ranking->nodes; n++) {
		struct ranking_row *row;

		if (ranking->under_ns[LIVE_ALL][n] <= 0)
			continue;
		row = rows_at(&ranking->rows, spots_of(ranking->spots, ranking->options.level, n));
		for (unsigned span = 0; span < LIVE_SPANS; span++)
			row->own_ns[span] += ranking->under_ns[span][n];
	}
}

/* Parents have smaller numbers than their children. */
static void ranking_total(struct ranking *ranking)
{
	enum spot_level level = ranking->options.level;

	for (uint32_t n = ranking->nodes; n-- > 0;) {
		uint32_t parent = spots_parent(ranking->spots, n);
		struct ranking_row *row = NULL;

		if (ranking->under_ns[LIVE_ALL][n] <= 0)
			continue;
		if (spots_is_outermost(ranking->spots, level, n))
			row = rows_at(&ranking->rows, spots_of(ranking->spots, level, n));
		for (unsigned span = 0; span < LIVE_SPANS; span++) {
			if (row)
				row->total_ns[span] += ranking->under_ns[span][n];
			if (parent >= FIRST_NODE)
				ranking->under_ns[span][parent] += ranking->under_ns[span][n];
		}
	}
}

void ranking_make(struct ranking *ranking, const struct live *live, struct spots *spots,
		  const struct ranking_options *options)
{
	uint32_t last = SAMPLE_STACK_UNKNOWN;

	for (uint32_t i = 0; i < live_cells(live); i++) {
		const struct live_cell *cell = live_cell(live, i);

		if (cell->counts[LIVE_ALL] && cell->stack > last)
			last = cell->stack;
	}
	spots_reach(spots, options->level, last);
	ranking->options = *options;
	ranking->spots = spots;
	ranking_room(ranking, last + 1);
	rows_clear(&ranking->rows, spots_count(spots, options->level));
	for (unsigned span = 0; span < LIVE_SPANS; span++) {
		ranking->watched_ns[span] = live_watched_ns(live, span);
		ranking->total_ns[span] = 0;
	}
	ranking_count(ranking, live);
	ranking_own(ranking);
	ranking_total(ranking);
}

/* The node below `node` where the path ends; false if it is not the path that leads there. */
static bool follow(const struct ranking *ranking, uint32_t node, const uint32_t *path,
		   uint32_t count, uint32_t *end)
{
	for (uint32_t i = 1; i < count; i++) {
		node = spots_parent(ranking->spots, node);
		if (node < FIRST_NODE ||
		    spots_of(ranking->spots, ranking->options.level, node) != path[i])
			return false;
	}
	*end = node;
	return true;
}

void ranking_callers(const struct ranking *ranking, const uint32_t *path, uint32_t count,
		     struct ranking_rows *callers)
{
	const struct spots *spots = ranking->spots;
	enum spot_level level = ranking->options.level;

	rows_clear(callers, spots_count(spots, level));
	for (uint32_t n = 0; n < ranking->nodes; n++) {
		struct ranking_row *row;
		uint32_t end, parent;

		if (ranking->under_ns[LIVE_ALL][n] <= 0 || spots_of(spots, level, n) != path[0] ||
		    !spots_is_outermost(spots, level, n) || !follow(ranking, n, path, count, &end))
			continue;
		parent = spots_parent(spots, end);
		row = rows_at(callers,
			      parent < FIRST_NODE ? SPOT_NOBODY : spots_of(spots, level, parent));
		for (unsigned span = 0; span < LIVE_SPANS; span++)
			row->total_ns[span] += ranking->under_ns[span][n];
	}
}
