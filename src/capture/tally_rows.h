#pragma once

#include "capture/tally.h"

/* What the writer of an aggregate capture needs of a tally: the rows unsettled (row i stays row i),
 * and the epoch. The peak of a row holds if its peak_epoch is this one; else its peak is its live.
 */
size_t tally_rows(const struct tally *tally, const struct tally_row **rows, uint32_t *epoch);
