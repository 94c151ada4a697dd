#include "cmd/command.h"
#include "cmd/reading.h"

#define ROWS_DEFAULT 5

static const struct option stats_options[] = {
	READING_OPTION_MAX_ROWS("show the N largest places, 0 for all (5)"),
	{0},
};

static const struct option_group stats_group = {"Lists", stats_options};

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	struct reading_settings chosen = *(const struct reading_settings *)settings;

	if (chosen.shape.max_rows == READING_ROWS_DEFAULT)
		chosen.shape.max_rows = ROWS_DEFAULT; /* in JSON too */
	return reading_both(&chosen, arguments->items[0], "stats", ROWS_DEFAULT, err);
}

static const struct command_example examples[] = {
	{"sonde stats app.sonde", "totals, sizes, allocators, and what the rest of RSS is"},
	{"sonde stats --json app.sonde", "the same for a program to read"},
	{0},
};

static const struct option_group *const options[] = {
	&stats_group,
	&reading_output_options,
	&command_common_options,
	NULL,
};

const struct command command_stats = {
	.name = "stats",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "show totals of memory and time, and explain the resident memory",
	.description =
		"Shows how much was allocated and freed, the peak and what leaked, a histogram of "
		"sizes, the allocators, the largest places, and why the resident memory (RSS) is "
		"not what was allocated. Where time was sampled: how well that went, where most of "
		"it was spent, what the threads did, and how busy the GIL was.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
