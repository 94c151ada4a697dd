#include "cmd/command.h"
#include "cmd/reading.h"

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	return reading_both(settings, arguments->items[0], "info", 0, err);
}

static const struct command_example examples[] = {
	{"sonde info app.sonde", "what was recorded, how, and whether the file is whole"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_output_options,
	&command_common_options,
	NULL,
};

const struct command command_info = {
	.name = "info",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "say what is in a capture and whether it is whole",
	.description = "Says what was recorded, when, where and how, what the file is made of, and "
		       "whether it is "
		       "whole: all of it is read and checked.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
