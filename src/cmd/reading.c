#include "cmd/reading.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/profile.h"
#include "analysis/stats.h"
#include "base/text.h"
#include "capture/reader.h"
#include "cmd/destination.h"
#include "cmd/source.h"
#include "cmd/terminal.h"
#include "report/report.h"

#define STATUS_PIPE_CLOSED 141

const struct reading_settings reading_defaults = {READING_DEFAULTS};

static const struct option bytes_options[] = {
	{.name = "peak",
	 .kind = OPTION_SELECT,
	 .value = METRIC_PEAK,
	 .help = "what lived when most bytes lived (default where allocations were recorded)",
	 .setting = READING_OPTION(which.metric)},
	{.name = "leaks",
	 .kind = OPTION_SELECT,
	 .value = METRIC_LEAKS,
	 .help = "what still lives at the end",
	 .setting = READING_OPTION(which.metric)},
	{.name = "temporary",
	 .kind = OPTION_SELECT,
	 .value = METRIC_TEMPORARY,
	 .argument = "N",
	 .help = "what was freed after at most N further allocations of the same thread (1 unless "
		 "given)",
	 .setting = READING_OPTION(which.metric),
	 .amount = READING_OPTION(which.temporary_threshold)},
	{.name = "total",
	 .kind = OPTION_SELECT,
	 .value = METRIC_TOTAL,
	 .help = "everything ever allocated, freed or not",
	 .setting = READING_OPTION(which.metric)},
	{0},
};

static const struct option time_options[] = {
	{.name = "cpu",
	 .kind = OPTION_SELECT,
	 .value = METRIC_CPU,
	 .help = "time of threads on a CPU, or waiting for one",
	 .setting = READING_OPTION(which.metric)},
	{.name = "wall",
	 .kind = OPTION_SELECT,
	 .value = METRIC_WALL,
	 .also = "idle",
	 .help = "time of all threads, also of blocked and sleeping ones (also --idle)",
	 .setting = READING_OPTION(which.metric)},
	{.name = "gil",
	 .kind = OPTION_SELECT,
	 .value = METRIC_GIL,
	 .help = "time of threads that held the GIL",
	 .setting = READING_OPTION(which.metric)},
	{.name = "state",
	 .kind = OPTION_LIST,
	 .argument = "STATE",
	 .help = "of that, time in such a state alone: running, gil (waiting for it), blocked, or "
		 "on "
		 "what (futex, poll, sleep, read, write, network, child, file, other, kernel), "
		 "stopped, gc",
	 .setting = READING_OPTION(filter.states)},
	{0},
};

static const struct option filter_options[] = {
	{.name = "thread",
	 .kind = OPTION_LIST,
	 .argument = "NAME",
	 .help = "threads of this name, pattern or thread id alone; may be repeated, as all "
		 "filters may",
	 .setting = READING_OPTION(filter.threads)},
	{.name = "function",
	 .kind = OPTION_LIST,
	 .argument = "PATTERN",
	 .help = "stacks with such a function in them, as in 'load_*'",
	 .setting = READING_OPTION(filter.functions)},
	{.name = "file",
	 .kind = OPTION_LIST,
	 .argument = "PATTERN",
	 .completes = COMPLETES_FILE,
	 .help = "stacks with such a file in them, as in '*/models/*.py'",
	 .setting = READING_OPTION(filter.files)},
	{.name = "module",
	 .kind = OPTION_LIST,
	 .argument = "MODULE",
	 .completes = COMPLETES_MODULE,
	 .help = "stacks with this module or one below it in them, as in numpy.linalg",
	 .setting = READING_OPTION(filter.modules)},
	{.name = "hide-import-system",
	 .kind = OPTION_FLAG,
	 .help = "leave out the frames of importing",
	 .setting = READING_OPTION(filter.hide_import_system)},
	{.name = "hide-interpreter",
	 .kind = OPTION_FLAG,
	 .help = "leave out the interpreter's own frames",
	 .setting = READING_OPTION(filter.hide_interpreter)},
	{.name = "from",
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "leave out what came before this moment, counted from the start, as in 1.5s or 2m",
	 .setting = READING_OPTION(which.from_ns)},
	{.name = "to",
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "leave out what came after this moment",
	 .setting = READING_OPTION(which.to_ns)},
	{0},
};

#define OUTPUT_OPTIONS                                                                \
	{.name = "output",                                                            \
	 .letter = 'o',                                                               \
	 .kind = OPTION_TEXT,                                                         \
	 .argument = "FILE",                                                          \
	 .completes = COMPLETES_FILE,                                                 \
	 .help = "write to FILE instead; - is standard output",                       \
	 .setting = READING_OPTION(output.path)},                                     \
		{.name = "force",                                                     \
		 .letter = 'f',                                                       \
		 .kind = OPTION_FLAG,                                                 \
		 .help = "overwrite FILE if it exists",                               \
		 .setting = READING_OPTION(output.force),                             \
		 .mistaken_for = "format"},                                           \
		{.name = "quiet",                                                     \
		 .letter = 'q',                                                       \
		 .kind = OPTION_FLAG,                                                 \
		 .help = "no progress, no remarks; only what is wrong",               \
		 .setting = READING_OPTION(output.quiet)},                            \
	{                                                                             \
		.name = "color", .kind = OPTION_CHOICE, .argument = "WHEN",           \
		.choices = terminal_color_choices,                                    \
		.help = "auto, always or never; auto minds NO_COLOR and FORCE_COLOR", \
		.setting = READING_OPTION(output.color)                               \
	}

static const struct option output_options[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .help = "write JSON, for programs to read",
	 .setting = READING_OPTION(output.json)},
	OUTPUT_OPTIONS,
	{0},
};

static const struct option plain_output_options[] = {OUTPUT_OPTIONS, {0}};

const struct option_group reading_bytes_options = {"Which bytes", bytes_options};
const struct option_group reading_time_options = {"Which time", time_options};
const struct option_group reading_filter_options = {"Which stacks", filter_options};
const struct option_group reading_output_options = {"Output", output_options};
const struct option_group reading_plain_output_options = {"Output", plain_output_options};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

char *reading_default_path(const char *capture, const char *metric, const char *extension)
{
	static const char end[] = ".sonde";
	size_t bytes = strlen(capture), end_bytes = sizeof(end) - 1;
	char *path;

	if (strlen(last_part(capture)) > end_bytes && strcmp(capture + bytes - end_bytes, end) == 0)
		bytes -= end_bytes;
	if (asprintf(&path, "%.*s%s%s.%s", (int)bytes, capture, metric ? "." : "",
		     metric ? metric : "", extension) < 0)
		abort();
	return path;
}

static int check_window(const struct reading_settings *settings, struct error *err)
{
	if (settings->which.from_ns < settings->which.to_ns)
		return 0;
	return error_set(err, ERROR_USAGE, "--from must be a moment before --to");
}

static enum metric choose_metric(const struct reading_settings *settings,
				 const struct capture_reader *reader)
{
	if (settings->which.metric == READING_METRIC_USUAL)
		return metric_usual(reader);
	return (enum metric)settings->which.metric;
}

static void choose_profile(const struct reading_settings *settings,
			   const struct reading_request *request,
			   const struct capture_reader *reader, struct profile_options *options)
{
	const struct report_format *format = report_find(request->format);
	unsigned needs = format ? format->needs : 0;
	bool window = settings->which.from_ns > 0 || settings->which.to_ns < UINT64_MAX;

	*options = (struct profile_options){
		.metric = choose_metric(settings, reader),
		.temporary_threshold = settings->which.temporary_threshold,
		.split_threads = settings->shape.split_threads,
		.merge_lines = !settings->shape.lines || needs & REPORT_CALLS,
		.both = request->both || needs & REPORT_BOTH,
		.course = needs & REPORT_COURSE,
		.hide_import_system = settings->filter.hide_import_system,
		.hide_interpreter = settings->filter.hide_interpreter,
		.functions = settings->filter.functions.items,
		.files = settings->filter.files.items,
		.modules = settings->filter.modules.items,
		.threads = settings->filter.threads.items,
		.states = settings->filter.states.items,
		.from_ns = window ? settings->which.from_ns : 0,
		.to_ns = window ? settings->which.to_ns : 0,
	};
}

static struct source *open_sources(struct capture_reader *reader)
{
	int64_t begun_ns = reader_start(reader)->wall_time_ns;
	uint64_t duration_ns = reader_duration_ns(reader);

	/* A hostile capture may claim anything. */
	if (duration_ns > INT64_MAX / 4 || begun_ns > INT64_MAX / 2)
		return source_create(INT64_MAX);
	return source_create(begun_ns + (int64_t)duration_ns);
}

int reading_write(const struct reading_settings *settings, const struct reading_request *request,
		  struct capture_reader *reader, reading_writer *writer, const void *data,
		  struct error *err)
{
	struct report_options options = {
		.json = settings->output.json,
		.dark = settings->page.dark,
		.inverted = settings->shape.inverted,
		.icicle = settings->page.layout == LAYOUT_ICICLE,
		.split_threads = settings->shape.split_threads,
		.by_own = settings->shape.order == ORDER_OWN,
		.title = settings->page.title,
		.max_rows = settings->shape.max_rows,
	};
	struct source *source = NULL;
	struct destination destination;
	int status;

	status = destination_open(request->path, settings->output.force, &destination, err);
	if (status < 0)
		return status;
	options.color = terminal_color((enum terminal_color)settings->output.color,
				       fileno(destination.stream));
	options.columns = destination.path ? 0 : terminal_columns(STDOUT_FILENO);
	if (options.max_rows == READING_ROWS_DEFAULT)
		options.max_rows = options.json ? 0 : request->max_rows;
	if (request->source_lines) {
		source = open_sources(reader);
		options.source_line = source_line;
		options.source_data = source;
	}
	status = writer(data, &options, destination.stream, err);
	if (status == 0) {
		status = destination_commit(&destination, err);
	} else {
		bool pipe_closed = errno == EPIPE && destination.stream == stdout && ferror(stdout);

		destination_abandon(&destination);
		if (pipe_closed) {
			clearerr(stdout);
			status = STATUS_PIPE_CLOSED;
		}
	}
	source_destroy(source);
	if (status == 0 && request->path && strcmp(request->path, "-") != 0 &&
	    !settings->output.quiet)
		fprintf(stderr, "sonde: wrote %s\n", request->path);
	return status;
}

/* Texts say it themselves; other formats have no place for it, or nobody looks there. */
static void remark_damage(const struct reading_request *request, struct capture_reader *reader)
{
	const char *damage = reader_damage(reader);
	uint64_t lost = stats_events_lost(reader);
	struct error remark;
	char count[32];

	if (damage) {
		error_set(&remark, ERROR_CAPTURE, "%s is damaged: %s; this is what came before",
			  request->capture, damage);
		command_print_error(&remark);
	} else if (!reader_complete(reader)) {
		error_set(&remark, ERROR_CAPTURE, "%s is incomplete: recording was cut short",
			  request->capture);
		command_print_error(&remark);
	}
	if (lost) {
		error_set(&remark, ERROR_CAPTURE, "%s lacks %s events that were not recorded",
			  request->capture, text_count(lost, count, sizeof(count)));
		command_print_error(&remark);
	}
	lost = stats_samples_lost(reader);
	if (lost) {
		error_set(&remark, ERROR_CAPTURE, "%s lacks %s samples that could not be kept",
			  request->capture, text_count(lost, count, sizeof(count)));
		command_print_error(&remark);
	}
}

static int check_destination(const struct reading_settings *settings,
			     const struct reading_request *request, struct error *err)
{
	bool to_stdout = !request->path || strcmp(request->path, "-") == 0;

	if (request->binary && to_stdout && isatty(STDOUT_FILENO))
		return error_set(
			err, ERROR_USAGE,
			"%s is no text for a terminal; name a file with -o FILE, or pipe it",
			request->format);
	return destination_check(request->path, settings->output.force, err);
}

/* The path asked for, or that of a file named after the capture; to be freed. NULL: none. */
static char *choose_path(const struct reading_settings *settings,
			 const struct reading_request *request, const struct capture_reader *reader)
{
	enum metric metric = choose_metric(settings, reader);
	char *path;

	if (!request->path && request->extension)
		return reading_default_path(request->capture,
					    metric == metric_usual(reader) ? NULL
									   : metric_name(metric),
					    request->extension);
	if (!request->path)
		return NULL;
	path = strdup(request->path);
	if (!path)
		abort();
	return path;
}

int reading_check(const struct reading_settings *settings, const struct reading_request *request,
		  struct error *err)
{
	int status = check_window(settings, err);

	if (status < 0 || !request->path)
		return status;
	return check_destination(settings, request, err);
}

int reading_profile(const struct reading_settings *settings, const struct reading_request *request,
		    struct capture_reader *reader, struct profile **out, struct error *err)
{
	struct profile_options options;
	struct terminal_progress progress;
	int status;

	choose_profile(settings, request, reader, &options);
	terminal_progress_begin(&progress, "reading", settings->output.quiet);
	options.progress = terminal_progress_draw;
	options.progress_data = &progress;
	status = profile_create(reader, &options, out, err);
	terminal_progress_end(&progress);
	if (status == 0 && (!request->is_text || settings->output.json))
		remark_damage(request, reader);
	return status;
}

struct report {
	const struct report_format *format;
	const struct profile *profile;
};

static int write_report(const void *data, const struct report_options *options, FILE *out,
			struct error *err)
{
	const struct report *report = data;

	return report->format->write(report->profile, options, out, err);
}

/* The request's path is settled. */
static int read_and_write(const struct reading_settings *settings,
			  const struct reading_request *request, struct capture_reader *reader,
			  struct error *err)
{
	struct profile *profile = NULL;
	struct report report = {.format = report_find(request->format)};
	int status = check_destination(settings, request, err);

	if (status < 0)
		return status;
	if (!report.format)
		return error_set(err, ERROR_FAILED, "no report format '%s' in this sonde",
				 request->format);
	status = reading_profile(settings, request, reader, &profile, err);
	if (status < 0)
		return status;
	report.profile = profile;
	status = reading_write(settings, request, reader, write_report, &report, err);
	profile_destroy(profile);
	return status;
}

int reading_report(const struct reading_settings *settings, const struct reading_request *request,
		   struct error *err)
{
	struct reading_request settled = *request;
	struct capture_reader *reader;
	char *path;
	int status = reading_check(settings, request, err);

	if (!status)
		status = reader_open(request->capture, &reader, err);
	if (status < 0)
		return status;
	path = choose_path(settings, request, reader);
	settled.path = path;
	status = read_and_write(settings, &settled, reader, err);
	free(path);
	reader_close(reader);
	return status;
}

static int read_text(const struct reading_settings *settings, const char *capture,
		     const char *format, long max_rows, bool both, struct error *err)
{
	struct reading_request request = {
		.capture = capture,
		.format = format,
		.path = settings->output.path,
		.max_rows = max_rows,
		.is_text = true,
		.both = both,
	};

	return reading_report(settings, &request, err);
}

int reading_text(const struct reading_settings *settings, const char *capture, const char *format,
		 long max_rows, struct error *err)
{
	return read_text(settings, capture, format, max_rows, false, err);
}

int reading_both(const struct reading_settings *settings, const char *capture, const char *format,
		 long max_rows, struct error *err)
{
	return read_text(settings, capture, format, max_rows, true, err);
}
