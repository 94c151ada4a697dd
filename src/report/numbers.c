#include "report/numbers.h"

#include <assert.h>
#include <stdlib.h>

#include "analysis/array.h"

void numbers_init(struct numbers *numbers, const struct profile *profile)
{
	*numbers = (struct numbers){.frame_count = profile->frame_count};
	numbers->of_frame =
		array_create((size_t)numbers->frame_count + 1, sizeof(*numbers->of_frame));
}

void numbers_deinit(struct numbers *numbers)
{
	free(numbers->of_frame);
	*numbers = (struct numbers){0};
}

frame_id numbers_frame(const struct numbers *numbers, frame_id frame)
{
	return frame <= numbers->frame_count ? frame : 0;
}

bool numbers_add(struct numbers *numbers, frame_id frame)
{
	uint32_t *number = &numbers->of_frame[numbers_frame(numbers, frame)];

	if (*number != 0)
		return false;
	*number = ++numbers->used;
	return true;
}

uint32_t numbers_get(const struct numbers *numbers, frame_id frame)
{
	uint32_t number = numbers->of_frame[numbers_frame(numbers, frame)];

	assert(number != 0);
	return number - 1;
}
