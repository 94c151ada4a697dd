#pragma once

#include <stdbool.h>

#include "analysis/profile.h"

/* Numbers for the frames of a document, dense from 0, in the order in which they are first used. */
struct numbers {
	uint32_t *of_frame; /* [frame]: number + 1; 0: none yet */
	uint32_t frame_count;
	uint32_t used;
};

void numbers_init(struct numbers *numbers, const struct profile *profile);
void numbers_deinit(struct numbers *numbers);

/* Frames that the capture does not define are taken for frame 0. */
frame_id numbers_frame(const struct numbers *numbers, frame_id frame);
/* Gives the frame a number; false if it has one. */
bool numbers_add(struct numbers *numbers, frame_id frame);
/* The number of a frame that has one. */
uint32_t numbers_get(const struct numbers *numbers, frame_id frame);
