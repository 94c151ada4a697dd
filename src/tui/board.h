#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/live.h"
#include "sampler/ranking.h"
#include "sampler/spots.h"
#include "tui/canvas.h"
#include "tui/feed.h"
#include "tui/needle.h"
#include "tui/list.h"

/*
 * What a watched sampling looks like, and what keys do to it: everything about the screen but the
 * terminal. It draws live as it is, or, while it is paused, as it was.
 */
enum board_pane {
	PANE_SPOTS,
	PANE_CALLERS,
	PANE_THREADS,
	PANE_PROCESSES,
	PANES,
};

#define BOARD_PATH_MAX 64
#define BOARD_VALUES   4

struct board_options {
	enum live_metric metric;
	enum spot_level level;
	enum board_pane pane;
	uint64_t interval_ns;
	uint64_t window_ns;
	bool plain;  /* for a stream: neither cursor nor keys */
	size_t rows; /* at most so many in a table; 0: as many as there is room for */
};

/* One row of a table: what it is about, and the numbers in its columns. */
struct board_row {
	uint64_t id;     /* stays with what the row is about */
	uint32_t number; /* of the spot, thread or process */
	double values[BOARD_VALUES];
};

struct board_table {
	struct board_row *rows;
	uint64_t *ids; /* of the rows */
	size_t count, room;
	size_t page; /* rows on the screen */
};

struct board {
	struct board_options options;
	struct live *live;   /* the caller's */
	struct live *frozen; /* while paused */
	struct spots *spots;
	struct ranking ranking;
	struct ranking_rows callers;
	struct feed_facts facts;
	struct board_table table;

	enum board_pane pane;
	enum live_metric metric;
	enum spot_level level;
	enum live_span span; /* of shares; times are since the start */
	bool help;
	unsigned sort[PANES]; /* columns */
	struct list lists[PANES];

	/* What the table of functions is about. */
	struct {
		bool one_process;
		uint32_t process;
		pid_t tid;     /* 0: all its threads */
		char name[64]; /* of the thread */
	} focus;

	struct needle filter;

	/* PANE_CALLERS: the spot, its caller, .. */
	uint32_t path[BOARD_PATH_MAX];
	uint32_t path_count;
};

/* live must not be told of stacks that are not in the tree. */
void board_init(struct board *board, const struct board_options *options, struct live *live,
		struct trace_tree *tree);
void board_deinit(struct board *board);

/* Takes what is known now, unless it is paused. */
void board_look(struct board *board, const struct feed *feed);

void board_draw(struct board *board, struct canvas *canvas);

/* A character or an enum key. False: it says to end. */
bool board_key(struct board *board, uint32_t key);

/* Between two drawings. */
uint64_t board_interval_ns(const struct board *board);

/* What is drawn. */
const struct live *board_live(const struct board *board);
