#include "cmd/command.h"
#include "cmd/reading.h"

#define ROWS_DEFAULT 200

static const struct option tree_options[] = {
	READING_OPTION_MAX_ROWS("show the N heaviest lines, 0 for all (200; with --json all)"),
	READING_OPTION_INVERTED,
	READING_OPTION_SPLIT_THREADS,
	READING_OPTION_LINES,
	{0},
};

static const struct option_group tree_group = {"Tree", tree_options};

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	return reading_text(settings, arguments->items[0], "tree", ROWS_DEFAULT, err);
}

static const struct command_example examples[] = {
	{"sonde tree app.sonde", "who called whom, with the bytes at the peak"},
	{"sonde tree --cpu --no-lines app.sonde", "where the CPU time went, function by function"},
	{"sonde tree --inverted --leaks app.sonde", "what leaked, and who asked for it"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,  &reading_time_options,   &tree_group, &reading_filter_options,
	&reading_output_options, &command_common_options, NULL,
};

const struct command command_tree = {
	.name = "tree",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "show which calls the memory or time belongs to, as text",
	.description = "Shows the calls as a tree, heaviest first, each with the bytes allocated, "
		       "or the time spent, in it and in what it called.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
