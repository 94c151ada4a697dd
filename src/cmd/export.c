#include "cmd/command.h"
#include "cmd/reading.h"
#include "report/report.h"

#define FORMAT_NONE (-1)

/* Names of the registry of reports. */
static const char *const format_choices[] = {
	"collapsed", "speedscope",  "csv",    "gprof2dot", "pprof",
	"gecko",     "chrometrace", "pstats", NULL,
};

static const struct reading_settings defaults = {
	READING_DEFAULTS,
	.page = {.format = FORMAT_NONE},
};

static const struct option format_options[] = {
	{.name = "format",
	 .kind = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .choices = format_choices,
	 .help = "collapsed (a line a stack), csv, speedscope, gprof2dot (their JSON), pprof, "
		 "gecko "
		 "(the Firefox Profiler), chrometrace (Perfetto) or pstats (Python's own)",
	 .setting = READING_OPTION(page.format)},
	READING_OPTION_SPLIT_THREADS,
	READING_OPTION_LINES,
	{0},
};

static const struct option_group format_group = {"Format", format_options};

static int run(const void *data, const struct arguments *arguments, struct error *err)
{
	const struct reading_settings *settings = data;
	struct reading_request request = {
		.capture = arguments->items[0],
		.path = settings->output.path,
	};

	if (settings->page.format == FORMAT_NONE)
		return error_set(err, ERROR_USAGE,
				 "choose what to write with --format: collapsed, speedscope, csv, "
				 "gprof2dot, pprof, gecko, chrometrace or pstats");
	request.format = format_choices[settings->page.format];
	request.binary = report_find(request.format)->binary;
	return reading_report(settings, &request, err);
}

static const struct command_example examples[] = {
	{"sonde export --format speedscope -o app.json app.sonde", "for speedscope.app"},
	{"sonde export --format collapsed app.sonde | flamegraph.pl > app.svg", "for FlameGraph"},
	{"sonde export --cpu --format speedscope -o cpu.json app.sonde", "where the CPU time went"},
	{"sonde export --format pprof -o app.pb.gz app.sonde", "for go tool pprof and Pyroscope"},
	{"sonde export --wall --format gecko -o app.json app.sonde",
	 "the course of time, for profiler.firefox.com"},
	{"sonde export --format chrometrace -o trace.json app.sonde", "for ui.perfetto.dev"},
	{"sonde export --cpu --format pstats -o app.pstats app.sonde",
	 "for python -m pstats and its readers"},
	{0},
};

static const struct option_group *const options[] = {
	&reading_bytes_options,
	&reading_time_options,
	&format_group,
	&reading_filter_options,
	&reading_plain_output_options,
	&command_common_options,
	NULL,
};

const struct command command_export = {
	.name = "export",
	.group = COMMAND_READ,
	.arguments = "CAPTURE",
	.summary = "write a capture in the format of another tool",
	.description =
		"Writes the stacks of a capture in a format that other tools read, to standard "
		"output unless -o names a file.\n\n"
		"gecko and chrometrace have the course of time: what each thread did when. gecko "
		"and pstats are of time alone; chrometrace shows the heap and RSS over time as "
		"well, where they were recorded. pstats says how often a function was sampled "
		"where others say how often it was called, which samples do not tell.",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.completes = COMPLETES_CAPTURE,
	.defaults = &defaults,
	.settings_bytes = sizeof(defaults),
	.run = run,
};
