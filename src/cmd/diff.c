#include <stdlib.h>
#include <string.h>

#include "analysis/diff.h"
#include "capture/reader.h"
#include "cmd/command.h"
#include "cmd/reading.h"
#include "report/diff.h"

#define ROWS_DEFAULT 25

enum format {
	FORMAT_TABLE,
	FORMAT_HTML,
	FORMAT_SVG,
};

enum width {
	WIDTH_NEW,
	WIDTH_BASE,
};

/* Names of the registry of diff reports. */
static const char *const format_choices[] = {
	[FORMAT_TABLE] = "table",
	[FORMAT_HTML] = "html",
	[FORMAT_SVG] = "svg",
	NULL,
};
static const char *const sort_choices[] = {
	[DIFF_BY_OWN] = "own",
	[DIFF_BY_TOTAL] = "total",
	NULL,
};
static const char *const width_choices[] = {[WIDTH_NEW] = "new", [WIDTH_BASE] = "base", NULL};

struct diff_settings {
	struct reading_settings reading; /* first: the common tables write to it */
	bool normalize;
	int sort;  /* enum diff_order */
	int width; /* enum width */
};

static const struct diff_settings defaults = {
	.reading =
		{
			.which = {.metric = READING_METRIC_USUAL,
				  .temporary_threshold = 1,
				  .to_ns = UINT64_MAX},
			.shape = {.max_rows = READING_ROWS_DEFAULT},
		},
};

static const struct option diff_options[] = {
	{.name = "normalize",
	 .kind = OPTION_FLAG,
	 .help = "scale BASE to the total of NEW, to compare shares instead of amounts",
	 .setting = offsetof(struct diff_settings, normalize)},
	{.name = "lines",
	 .kind = OPTION_FLAG,
	 .help = "tell the lines of a function apart, which move when code changes",
	 .setting = READING_OPTION(shape.lines)},
	{.name = "sort",
	 .kind = OPTION_CHOICE,
	 .argument = "WHAT",
	 .choices = sort_choices,
	 .help = "largest change first of own (default), what a function did itself, or of total",
	 .setting = offsetof(struct diff_settings, sort)},
	READING_OPTION_MAX_ROWS("show the N largest changes, 0 for all (25; with --json all)"),
	{0},
};

static const struct option graph_options[] = {
	{.name = "format",
	 .kind = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .choices = format_choices,
	 .help = "table (default), or a flame graph coloured by what changed: html, a page to "
		 "search and zoom in, or svg, a picture",
	 .setting = READING_OPTION(page.format)},
	{.name = "width",
	 .kind = OPTION_CHOICE,
	 .argument = "SIDE",
	 .choices = width_choices,
	 .help = "boxes as wide as in new (default), or as in base, which shows what is gone",
	 .setting = offsetof(struct diff_settings, width)},
	READING_OPTION_INVERTED,
	READING_OPTIONS_LOOK,
	{0},
};

static const struct option_group diff_group = {"Comparing", diff_options};
static const struct option_group graph_group = {"Page", graph_options};

struct side {
	const char *capture;
	struct capture_reader *reader;
	struct profile *profile;
};

static bool holds(const struct capture_reader *reader, enum metric metric)
{
	const struct capture_start *start = reader_start(reader);

	return metric_unit(metric) == UNIT_NS ? start->sampling_period_ns != 0 : start->allocations;
}

/* What both captures hold: what NEW shows by itself, or else what BASE does. */
static int choose_metric(const struct side *base, const struct side *new, int *metric,
			 struct error *err)
{
	if (*metric != READING_METRIC_USUAL) {
		const struct side *without = !holds(base->reader, (enum metric) * metric)  ? base
					     : !holds(new->reader, (enum metric) * metric) ? new
											   : NULL;

		if (!without)
			return 0;
		return error_set(
			err, ERROR_USAGE, "%s was recorded without %s: there is no --%s to compare",
			without->capture,
			metric_unit((enum metric) * metric) == UNIT_NS ? "time" : "allocations",
			metric_name((enum metric) * metric));
	}
	*metric = metric_usual(new->reader);
	if (!holds(base->reader, (enum metric) * metric))
		*metric = metric_usual(base->reader);
	if (holds(new->reader, (enum metric) * metric))
		return 0;
	return error_set(err, ERROR_USAGE,
			 "%s holds %s and %s holds %s: there is nothing to compare", base->capture,
			 reader_start(base->reader)->allocations ? "memory" : "time", new->capture,
			 reader_start(new->reader)->allocations ? "memory" : "time");
}

static int read_side(const struct reading_settings *settings, const struct reading_request *request,
		     struct side *side, struct error *err)
{
	struct reading_request one = *request;
	struct error problem;
	int status;

	one.capture = side->capture;
	status = reading_profile(settings, &one, side->reader, &side->profile, &problem);
	if (status < 0)
		return error_set(err, (enum error_code)problem.code, "%s: %s", side->capture,
				 problem.message);
	return 0;
}

struct report {
	const struct diff *diff;
	const struct diff_report *format;
	struct diff_report_options options;
};

static int write_diff(const void *data, const struct report_options *options, FILE *out,
		      struct error *err)
{
	const struct report *report = data;
	struct diff_report_options all = report->options;

	all.report = *options;
	return report->format->write(report->diff, &all, out, err);
}

static int compare(const struct diff_settings *settings, const struct reading_request *request,
		   const struct side *base, const struct side *new, struct error *err)
{
	const struct diff_options options = {
		.lines = settings->reading.shape.lines,
		.normalize = settings->normalize,
		.order = (enum diff_order)settings->sort,
	};
	struct report report = {
		.format = diff_report_find(request->format),
		.options =
			{
				.before_name = base->capture,
				.after_name = new->capture,
				.width_before = settings->width == WIDTH_BASE,
			},
	};
	struct diff *diff;
	int status = diff_create(base->profile, new->profile, &options, &diff, err);

	if (status < 0)
		return status;
	report.diff = diff;
	status = reading_write(&settings->reading, request, new->reader, write_diff, &report, err);
	diff_destroy(diff);
	return status;
}

/* "new.diff.html", or "new.diff.leaks.html" of a metric that NEW does not show by itself. */
static char *default_path(const struct side *new, enum metric metric, const char *extension)
{
	char what[64];

	snprintf(what, sizeof(what), "diff%s%s", metric == metric_usual(new->reader) ? "" : ".",
		 metric == metric_usual(new->reader) ? "" : metric_name(metric));
	return reading_default_path(new->capture, what, extension);
}

/* Both captures are open. */
static int read_and_compare(const struct diff_settings *settings, struct reading_request *request,
			    struct side *base, struct side *new, struct error *err)
{
	struct diff_settings chosen = *settings;
	char *path = NULL;
	int status = choose_metric(base, new, &chosen.reading.which.metric, err);

	if (status < 0)
		return status;
	if (!request->path && request->extension) {
		path = default_path(new, (enum metric)chosen.reading.which.metric,
				    request->extension);
		request->path = path;
		status = reading_check(&chosen.reading, request, err);
	}
	if (!status)
		status = read_side(&chosen.reading, request, base, err);
	if (!status)
		status = read_side(&chosen.reading, request, new, err);
	if (!status)
		status = compare(&chosen, request, base, new, err);
	free(path);
	return status;
}

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct diff_settings *settings = data;
	int format = settings->reading.output.json ? FORMAT_TABLE : settings->reading.page.format;
	struct side base = {.capture = arguments->items[0]}, new = {.capture = arguments->items[1]};
	struct reading_request request = {
		.format = format_choices[format],
		.path = settings->reading.output.path,
		.extension = format == FORMAT_TABLE ? NULL : format_choices[format],
		.max_rows = format == FORMAT_TABLE ? ROWS_DEFAULT : 0,
		.is_text = format == FORMAT_TABLE,
		.source_lines = format == FORMAT_HTML,
	};
	int status;

	if (strcmp(base.capture, "-") == 0 && strcmp(new.capture, "-") == 0)
		return error_set(err, ERROR_USAGE,
				 "only one of both captures can come from standard input");
	if (!request.path && request.extension && strcmp(new.capture, "-") == 0)
		return error_set(
			err, ERROR_USAGE,
			"the capture comes from standard input and has no name; name the page "
			"with -o FILE (-o - for standard output)");
	status = reading_check(&settings->reading, &request, err);
	if (!status)
		status = reader_open(base.capture, &base.reader, err);
	if (!status)
		status = reader_open(new.capture, &new.reader, err);
	if (!status)
		status = read_and_compare(settings, &request, &base, &new, err);
	profile_destroy(base.profile);
	profile_destroy(new.profile);
	reader_close(base.reader);
	reader_close(new.reader);
	return status;
}

static const struct command_example examples[] = {
	{"sonde diff before.sonde after.sonde", "which functions changed most"},
	{"sonde diff --leaks before.sonde after.sonde", "what leaks that did not leak before"},
	{"sonde diff --cpu --format html before.sonde after.sonde",
	 "writes after.diff.html: red grew, blue shrank"},
	{"sonde diff --wall --normalize before.sonde after.sonde",
	 "shares of the time, where one run was longer than the other"},
	{"sonde diff --json before.sonde after.sonde", "every function and call, for a program"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,
	&reading_time_options,
	&diff_group,
	&graph_group,
	&reading_filter_options,
	&reading_output_options,
	&command_common_options,
	NULL,
};

const struct command command_diff = {
	.name = "diff",
	.group = COMMAND_READ,
	.arguments = "BASE NEW",
	.summary = "show what changed from one capture to another",
	.description =
		"Compares two captures, of memory or of time: which functions have how much more "
		"or less in NEW than in BASE, themselves (own) and with all that they called "
		"(total). Functions are the same when their name and file are, whatever the "
		"line.\n\n"
		"Amounts are compared as they are; where one run did more than the other, "
		"--normalize compares shares. Of what was sampled a change has a standard error; "
		"a change of less than two of them is marked with ~, it may be chance.\n\n"
		"--format html and svg draw the flame graph of NEW: red grew, blue shrank, the "
		"deeper the colour the more of it. Unless -o says otherwise it is named after "
		"NEW: new.sonde becomes new.diff.html.",
	.examples = examples,
	.options = options,
	.arguments_min = 2,
	.arguments_max = 2,
	.completes = COMPLETES_CAPTURE,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
