#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "analysis/stats.h"
#include "base/text.h"
#include "report/escape.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/sampling.h"
#include "report/style.h"

/* Closed in order, undamaged, and nothing that happened or was seen is missing from it. A round
 * that was missed is none: it makes the rate lower, and nothing wrong. */
static bool is_whole(const struct capture_reader *reader)
{
	return reader_complete(reader) && reader_damage(reader) == NULL &&
	       stats_events_lost(reader) == 0 && stats_samples_lost(reader) == 0;
}

static void write_visible(const char *text, FILE *out)
{
	char visible[4096];

	if (escape_visible(text, false, visible, sizeof(visible)) < sizeof(visible))
		fputs(visible, out);
	else
		fprintf(out, "%s\u2026", visible);
}

static void write_field(const char *name, FILE *out)
{
	fprintf(out, "%-11s", name);
}

static void write_command(const struct capture_start *start, FILE *out)
{
	write_field("command", out);
	for (const char *const *word = start->command_line; word != NULL && *word != NULL; word++) {
		if (word != start->command_line)
			putc(' ', out);
		write_visible(*word, out);
	}
	putc('\n', out);
}

static void write_recorded(const struct capture_reader *reader, FILE *out)
{
	const struct capture_start *start = reader_start(reader);
	time_t seconds = start->wall_time_ns / 1000000000;
	char date[64] = "", text[32];
	struct tm tm;

	write_field("recorded", out);
	if (gmtime_r(&seconds, &tm) != NULL &&
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC, ", &tm) > 0)
		fputs(date, out);
	fprintf(out, "for %s, by sonde ",
		text_duration(reader_duration_ns(reader), text, sizeof(text)));
	write_visible(start->sonde_version, out);
	putc('\n', out);
	write_field("system", out);
	write_visible(start->host, out);
	fputs(": ", out);
	write_visible(start->system, out);
	putc('\n', out);
}

/* "3 threads", and what stands between it and the next. */
static void write_number(uint64_t number, const char *one, const char *many, const char *behind,
			 FILE *out)
{
	char text[32];

	fprintf(out, "%s %s%s", text_count(number, text, sizeof(text)), number == 1 ? one : many,
		behind);
}

static void write_holds(const struct capture_reader *reader, FILE *out)
{
	write_field("holds", out);
	write_number(reader_stack_count(reader), "stack", "stacks", " of ", out);
	write_number(reader_frame_count(reader), "frame", "frames", ", ", out);
	write_number(reader_thread_count(reader), "thread", "threads", ", ", out);
	write_number(reader_process_count(reader), "process", "processes", "\n", out);
}

static void write_allocations(const struct capture_reader *reader, FILE *out)
{
	const struct capture_start *start = reader_start(reader);
	char text[32];

	if (start->mode == CAPTURE_AGGREGATE)
		fprintf(out,
			"allocations, sums per stack (aggregate; temporary: within %" PRIu64 ")",
			start->temporary_threshold);
	else if (start->sample_rate_bytes > 0)
		fprintf(out, "allocations, a sample (one in %s)",
			text_bytes(start->sample_rate_bytes, text, sizeof(text)));
	else
		fputs("allocations, every event with its time", out);
	fputs(heading_traces_python_allocators(reader) ? "; Python's own allocators too" : "", out);
	fputs(start->native_stacks ? "; native stacks" : "", out);
}

static const char *time_metric_text(const struct capture_start *start)
{
	switch (start->time_metric) {
	case CAPTURE_TIME_CPU:
		return "CPU time";
	case CAPTURE_TIME_GIL:
		return "time with the GIL";
	default:
		return "wall time";
	}
}

static double rate_asked_hz(const struct capture_start *start)
{
	return 1e9 / (double)start->sampling_period_ns;
}

static void write_what(const struct capture_reader *reader, FILE *out)
{
	const struct capture_start *start = reader_start(reader);

	write_field("what", out);
	if (start->allocations)
		write_allocations(reader, out);
	if (start->sampling_period_ns > 0) {
		fputs(start->allocations ? "; stacks of all threads" : "stacks of all threads",
		      out);
		fprintf(out, " at %.6g Hz, read as %s", rate_asked_hz(start),
			time_metric_text(start));
	}
	putc('\n', out);
}

/* Bytes of each are told where all of the file is for them. */
static void write_size(const struct capture_reader *reader, FILE *out)
{
	const struct capture_start *start = reader_start(reader);
	bool events = start->allocations && start->mode != CAPTURE_AGGREGATE;
	bool samples = start->sampling_period_ns > 0;
	uint64_t bytes = reader_file_bytes(reader);
	uint64_t count = events ? reader_event_count(reader) : reader_sample_count(reader);
	char text[32];

	write_field("size", out);
	fprintf(out, "%s, format %u", text_bytes(bytes, text, sizeof(text)),
		reader_version(reader));
	if (events)
		fprintf(out, ", %s events", text_count(count, text, sizeof(text)));
	if (samples)
		fprintf(out, ", %s samples",
			text_count(reader_sample_count(reader), text, sizeof(text)));
	if (count > 0 && (start->allocations ? events && !samples : samples))
		fprintf(out, " of %.2f bytes", (double)bytes / (double)count);
	putc('\n', out);
}

/* How the sampling went is part of a profile of time. */
static const struct profile *time_profile(const struct profile *profile)
{
	return profile->unit == UNIT_NS ? profile : profile->other;
}

static void write_end(const struct capture_process_info *process, FILE *out)
{
	int status = process->exit_status;
	char text[32];

	if (status != -1 && WIFEXITED(status))
		fprintf(out, "exit status %d", WEXITSTATUS(status));
	else if (status != -1 && WIFSIGNALED(status))
		fprintf(out, "ended by signal %d", WTERMSIG(status));
	else
		fputs("end not known", out);
	if (process->end_ns > 0)
		fprintf(out, " at %s", text_duration(process->end_ns, text, sizeof(text)));
}

static void write_process_lines(const struct capture_reader *reader,
				const struct report_options *options, FILE *out)
{
	if (reader_process_count(reader) == 0)
		return;
	style_set(out, options->color, STYLE_BOLD);
	fputs("\nProcesses\n", out);
	style_set(out, options->color, STYLE_PLAIN);
	for (process_id p = 1; p <= reader_process_count(reader); p++) {
		const struct capture_process_info *process = reader_process(reader, p);

		fprintf(out, "  %u (child of %u): ", process->start.pid, process->start.parent_pid);
		write_end(process, out);
		if (process->start.python_version[0] != '\0') {
			fputs(", Python ", out);
			write_visible(process->start.python_version, out);
		}
		if (process->start.python_allocator[0] != '\0') {
			fputs(" with ", out);
			write_visible(process->start.python_allocator, out);
		}
		fputs("\n    ", out);
		write_visible(process->start.command, out);
		putc('\n', out);
	}
}

static void write_chunks(const struct capture_reader *reader, const struct report_options *options,
			 FILE *out)
{
	const struct capture_chunk_sum *sums;
	size_t count = reader_chunk_sums(reader, &sums);
	char chunks[32], raw[32], stored[32];

	if (count == 0)
		return;
	style_set(out, options->color, STYLE_BOLD);
	fprintf(out, "\n  %-16s %10s  %12s  %12s\n", "Chunks", "Number", "Raw", "Stored");
	style_set(out, options->color, STYLE_PLAIN);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  %-16s %10s  %12s  %12s\n", sums[i].type,
			text_count(sums[i].chunks, chunks, sizeof(chunks)),
			text_bytes(sums[i].raw_bytes, raw, sizeof(raw)),
			text_bytes(sums[i].stored_bytes, stored, sizeof(stored)));
}

static int write_text(const struct profile *profile, const struct report_options *options,
		      FILE *out, struct error *err)
{
	const struct capture_reader *reader = profile->reader;
	const struct profile *time = time_profile(profile);

	style_set(out, options->color, STYLE_BOLD);
	fputs(is_whole(reader) ? "whole: closed in order, no damage, nothing lost" : "not whole",
	      out);
	style_set(out, options->color, STYLE_PLAIN);
	putc('\n', out);
	heading_write_notices(profile, options, out);
	putc('\n', out);
	write_command(reader_start(reader), out);
	write_recorded(reader, out);
	write_what(reader, out);
	write_size(reader, out);
	write_holds(reader, out);
	write_process_lines(reader, options, out);
	if (time != NULL)
		sampling_write(time, options, out);
	write_chunks(reader, options, out);
	return report_finish(out, err);
}

static const char *mode_name(const struct capture_start *start)
{
	if (start->mode == CAPTURE_AGGREGATE)
		return "aggregate";
	return start->sample_rate_bytes > 0 ? "sampled" : "full";
}

static void write_json_threads(const struct profile *profile, struct json *json)
{
	const struct capture_reader *reader = profile->reader;

	json_key(json, "threads");
	json_begin_array(json);
	for (thread_id t = 1; t <= reader_thread_count(reader); t++) {
		json_begin_object(json);
		names_write_thread_json(profile, t, json);
		json_key_uint(json, "pid", names_pid(profile, reader_thread(reader, t)->process));
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_chunks(const struct capture_reader *reader, struct json *json)
{
	const struct capture_chunk_sum *sums;
	size_t count = reader_chunk_sums(reader, &sums);

	json_key(json, "chunks");
	json_begin_array(json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(json);
		json_key_string(json, "type", sums[i].type);
		json_key_uint(json, "chunks", sums[i].chunks);
		json_key_uint(json, "raw_bytes", sums[i].raw_bytes);
		json_key_uint(json, "stored_bytes", sums[i].stored_bytes);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_recorded(const struct capture_start *start, struct json *json)
{
	json_key(json, "recorded");
	json_begin_array(json);
	if (start->allocations)
		json_string(json, "allocations");
	if (start->sampling_period_ns > 0)
		json_string(json, "time");
	json_end_array(json);
}

static void write_json_sampling(const struct profile *time, struct json *json)
{
	const struct capture_start *start = reader_start(time->reader);

	json_key(json, "sampling");
	json_begin_object(json);
	json_key_double(json, "rate_asked_hz", rate_asked_hz(start));
	json_key_string(json, "metric", metric_name(time->options.metric));
	sampling_write_json(time, json);
	json_end_object(json);
}

static int write_json(const struct profile *profile, FILE *out, struct error *err)
{
	const struct capture_reader *reader = profile->reader;
	const struct capture_start *start = reader_start(reader);
	struct json json;

	json_init(&json, out);
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.info/1");
	heading_write_metadata(profile, &json);
	json_key_bool(&json, "whole", is_whole(reader));
	json_key_string(&json, "mode", mode_name(start));
	if (start->mode == CAPTURE_AGGREGATE)
		json_key_uint(&json, "temporary_threshold", start->temporary_threshold);
	json_key_uint(&json, "format_version", reader_version(reader));
	json_key_uint(&json, "file_bytes", reader_file_bytes(reader));
	write_json_recorded(start, &json);
	if (start->mode != CAPTURE_AGGREGATE)
		json_key_uint(&json, "events", reader_event_count(reader));
	json_key_uint(&json, "stacks", reader_stack_count(reader));
	json_key_uint(&json, "frames", reader_frame_count(reader));
	json_key_string(&json, "sonde_version", start->sonde_version);
	json_key_string(&json, "host", start->host);
	json_key_string(&json, "system", start->system);
	json_key_uint(&json, "page_size", start->page_size);
	if (time_profile(profile) != NULL)
		write_json_sampling(time_profile(profile), &json);
	write_json_threads(profile, &json);
	write_json_chunks(reader, &json);
	return heading_end_json(&json, err);
}

static int write_info(const struct profile *profile, const struct report_options *options,
		      FILE *out, struct error *err)
{
	reader_check(profile->reader);
	if (options->json)
		return write_json(profile, out, err);
	return write_text(profile, options, out, err);
}

const struct report_format report_info = {
	.name = "info",
	.extension = "txt",
	.description = "what is in the capture, and is it whole",
	.write = write_info,
};
