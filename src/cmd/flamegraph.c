#include <string.h>

#include "cmd/command.h"
#include "cmd/reading.h"

enum format {
	FORMAT_HTML,
	FORMAT_SVG,
};

static const char *const format_choices[] = {[FORMAT_HTML] = "html", [FORMAT_SVG] = "svg", NULL};

static const char *const format_reports[] = {
	[FORMAT_HTML] = "flamegraph-html",
	[FORMAT_SVG] = "flamegraph-svg",
};

static const struct option page_options[] = {
	{.name = "format",
	 .kind = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .choices = format_choices,
	 .help = "html (default), a page to search and zoom in, or svg, a picture",
	 .setting = READING_OPTION(page.format)},
	READING_OPTION_INVERTED,
	READING_OPTION_SPLIT_THREADS,
	READING_OPTION_LINES,
	READING_OPTIONS_LOOK,
	{0},
};

static const struct option_group page_group = {"Page", page_options};

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct reading_settings *settings = data;
	const char *capture = arguments->items[0];
	const char *format = format_choices[settings->page.format];
	struct reading_request request = {
		.capture = capture,
		.format = format_reports[settings->page.format],
		.path = settings->output.path,
		.extension = format,
		.source_lines = true,
	};

	if (settings->output.json)
		return reading_text(settings, capture, "tree", 0, err);
	if (!request.path && strcmp(capture, "-") == 0)
		return error_set(
			err, ERROR_USAGE,
			"the capture comes from standard input and has no name; name the page "
			"with -o FILE (-o - for standard output)");
	return reading_report(settings, &request, err);
}

static const struct command_example examples[] = {
	{"sonde flamegraph app.sonde", "writes app.html: what lived at the peak"},
	{"sonde flamegraph --leaks app.sonde", "writes app.leaks.html: what was never freed"},
	{"sonde flamegraph --cpu app.sonde", "where the CPU time went, if it was recorded"},
	{"sonde flamegraph --module numpy -o numpy.html app.sonde", "one library alone"},
	{"sonde flamegraph --format svg -o - app.sonde", "a picture, on standard output"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,  &reading_time_options,   &page_group, &reading_filter_options,
	&reading_output_options, &command_common_options, NULL,
};

const struct command command_flamegraph = {
	.name = "flamegraph",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "draw which calls the memory or time belongs to, as one interactive page",
	.description =
		"Draws which calls the memory or time belongs to: each box is a call, as wide as "
		"the bytes allocated, or the time spent, in it and in what it called. One "
		"self-contained file, to be opened in a browser or sent to someone.\n\n"
		"Unless -o says otherwise the file is named after the capture: app.sonde becomes "
		"app.html, or app.leaks.html with --leaks. --json writes the same tree to standard "
		"output.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &reading_defaults,
	.settings_bytes = sizeof(reading_defaults),
	.run = run,
};
