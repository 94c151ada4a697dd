#include "cmd/command.h"
#include "cmd/reading.h"

#define ROWS_DEFAULT 25

static const struct option table_options[] = {
	READING_OPTION_MAX_ROWS("show the N largest, 0 for all (25; with --json all)"),
	READING_OPTION_SPLIT_THREADS,
	READING_OPTION_LINES,
	{0},
};

static const struct option_group table_group = {"Table", table_options};

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	return reading_text(settings, arguments->items[0], "table", ROWS_DEFAULT, err);
}

static const struct command_example examples[] = {
	{"sonde table app.sonde", "the largest at the peak"},
	{"sonde table --leaks -n 0 app.sonde", "everything that was never freed"},
	{"sonde table --wall --thread MainThread app.sonde", "where one thread spent its time"},
	{"sonde table --json --total app.sonde", "every stack, for a program to read"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,  &reading_time_options,   &table_group, &reading_filter_options,
	&reading_output_options, &command_common_options, NULL,
};

const struct command command_table = {
	.name = "table",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "list which places allocated or took how much, largest first",
	.description = "Lists which stacks allocated how many bytes, in how many allocations, with "
		       "which allocator, largest first; or how much time was spent in them, as "
		       "estimated from how many samples.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
