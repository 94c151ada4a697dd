#include "cmd/command.h"
#include "cmd/reading.h"

#define ROWS_DEFAULT 25

static const char *const sort_choices[] = {
	[ORDER_TOTAL] = "total",
	[ORDER_OWN] = "own",
	NULL,
};

static const struct option summary_options[] = {
	{.name = "sort",
	 .kind = OPTION_CHOICE,
	 .argument = "WHAT",
	 .choices = sort_choices,
	 .help = "largest first of total (default), with all that a function called, or of own, "
		 "what it did itself",
	 .setting = READING_OPTION(shape.order)},
	READING_OPTION_MAX_ROWS("show the N heaviest functions, 0 for all (25; with --json all)"),
	READING_OPTION_SPLIT_THREADS,
	{0},
};

static const struct option_group summary_group = {"Table", summary_options};

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	return reading_text(settings, arguments->items[0], "summary", ROWS_DEFAULT, err);
}

static const struct command_example examples[] = {
	{"sonde summary app.sonde", "functions by what they allocated themselves, and in all"},
	{"sonde summary --cpu --sort own app.sonde",
	 "functions by their own CPU time, and what the threads did"},
	{"sonde summary --total --file '*/app/*' app.sonde", "what passed through one's own code"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,  &reading_time_options,   &summary_group, &reading_filter_options,
	&reading_output_options, &command_common_options, NULL,
};

const struct command command_summary = {
	.name = "summary",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "list the functions, with what is their own and what is theirs in total",
	.description =
		"Lists the functions with the bytes that they allocated themselves (own) and the "
		"bytes allocated in them and in all they called (total). Of time the same, and "
		"below it what each thread did (ran, waited for the GIL, was blocked on what), and "
		"how much of the time the GIL was held and waited for.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
