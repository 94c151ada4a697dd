#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"

/*
 * What changed from one profile to another of the same metric, by stack and by function. Frames of
 * both are the same when their kind, function and file are, and with `lines` their line. Amounts
 * are whole numbers and add up.
 */
struct diff_amount {
	uint64_t before, after;             /* in the profiles' unit */
	uint64_t before_count, after_count; /* blocks or samples, as recorded */
	double error; /* standard error of the change; 0 when both are exact */
};

/* after - before, as far as 64 bits go. */
int64_t diff_change(const struct diff_amount *amount);
/* |after - before|. */
uint64_t diff_distance(const struct diff_amount *amount);
/* Is there a change, and is it more than chance may make of nothing: at least two standard errors?
 */
bool diff_is_significant(const struct diff_amount *amount);

enum diff_order {
	DIFF_BY_OWN, /* largest change of what is its own first, up or down */
	DIFF_BY_TOTAL,
};

struct diff_options {
	bool lines;
	/* `before` is scaled so that both come to the same total: shares are compared. Amounts and
	 * their errors are scaled, counts are not. */
	bool normalize;
	enum diff_order order;
};

/* A function (or a line of it), as in analysis/functions.h. */
struct diff_sum {
	frame_id frame; /* in the diff's frames; 0: stacks without frames */
	struct diff_amount own, total;
};

/* A stack of either profile, by itself. */
struct diff_row {
	stack_id stack;                         /* in the diff's stacks */
	struct diff_amount amount;              /* its error is squared: squares are what adds up */
	double before_variance, after_variance; /* private */
};

struct diff {
	const struct profile *before, *after; /* borrowed */
	struct diff_options options;
	enum unit unit;
	bool estimated;           /* one of them, or both */
	struct diff_amount total; /* before is that of the profile, scaled or not */
	struct diff_sum *sums;    /* in the order asked for */
	size_t sum_count;
	struct capture_frame *frames; /* [frame_count + 1], of both */
	frame_id frame_count;
	struct stacks *stacks; /* of both */
	struct diff_row *rows; /* in the order of stacks */
	size_t row_count;
};

/* For analysis alone: adds up amounts whose errors are squared. */
void diff_add(struct diff_amount *to, const struct diff_amount *more);
/* For analysis alone: what every stack with all on top of it comes to, errors squared: [stack], [0]
 * is all. The caller frees it. */
struct diff_amount *diff_stack_totals(const struct diff *diff);

/* Fails with ERROR_USAGE when one of them has nothing that could be scaled to. Time and memory:
 * O(rows + stacks + frames) of both. */
int diff_create(const struct profile *before, const struct profile *after,
		const struct diff_options *options, struct diff **out, struct error *err);
void diff_destroy(struct diff *diff);
