#include "report/heading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "analysis/stats.h"
#include "base/text.h"
#include "report/amount.h"
#include "report/escape.h"
#include "report/style.h"

static const char *plural(uint64_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

static void write_total(const struct profile *profile, FILE *out)
{
	const struct amount_words *words = amount_words(profile->unit);
	char amount[32], count[32], error[40];

	fprintf(out, "%s: %s", metric_name(profile->options.metric),
		amount_text(profile->unit, profile->amount, amount, sizeof(amount)));
	fputs(amount_error_text(profile->unit, profile->amount_error, error, sizeof(error)), out);
	fprintf(out, " in %s", text_count(profile->count, count, sizeof(count)));
	if (profile->estimated && profile->unit == UNIT_BYTES)
		fprintf(out, " \u00b1 %s",
			text_count((uint64_t)profile->count_error, error, sizeof(error)));
	fprintf(out, " %s",
		profile->options.metric == METRIC_TOTAL
			? plural(profile->count, "allocation", "allocations")
			: plural(profile->count, words->count_one, words->count_many));
}

static void write_moment(const struct profile *profile, FILE *out)
{
	char text[32];

	if (profile->count == 0)
		return;
	switch (profile->options.metric) {
	case METRIC_PEAK:
		fprintf(out, " live at %s",
			text_duration(profile->memory.totals.peak_time_ns, text, sizeof(text)));
		break;
	case METRIC_LEAKS:
		fputs(" live at the end", out);
		break;
	case METRIC_TEMPORARY:
		fprintf(out, " freed within %s %s",
			text_count(profile->options.temporary_threshold, text, sizeof(text)),
			plural(profile->options.temporary_threshold, "further allocation",
			       "further allocations"));
		break;
	case METRIC_TOTAL:
		break;
	case METRIC_WALL:
	case METRIC_CPU:
	case METRIC_GIL:
		fprintf(out, " of %s %s",
			text_count(profile->time.counted_threads, text, sizeof(text)),
			plural(profile->time.counted_threads, "thread", "threads"));
		break;
	}
}

void heading_write(const struct profile *profile, const struct report_options *options, size_t rows,
		   const char *rows_name, FILE *out)
{
	char count[32];

	style_set(out, options->color, STYLE_BOLD);
	write_total(profile, out);
	write_moment(profile, out);
	fprintf(out, ", %s %.*s", text_count(rows, count, sizeof(count)),
		(int)(strlen(rows_name) - (rows == 1)), rows_name);
	style_set(out, options->color, STYLE_PLAIN);
	putc('\n', out);
	heading_write_notices(profile, options, out);
}

static void write_filters(const struct profile *profile, FILE *out)
{
	const struct profile_options *options = &profile->options;
	const struct amount_words *words = amount_words(profile->unit);
	char amount[32], count[32], from[32], to[32];

	if (options->from_ns != 0 || options->to_ns != 0) {
		fprintf(out, "window: from %s ",
			text_duration(options->from_ns, from, sizeof(from)));
		if (options->to_ns == 0 || options->to_ns == UINT64_MAX)
			fputs("to the end", out);
		else
			fprintf(out, "to %s", text_duration(options->to_ns, to, sizeof(to)));
		fputs(profile->unit == UNIT_BYTES ? "; blocks from before it are not in it\n"
						  : "\n",
		      out);
	}
	if (profile->hidden_count > 0)
		fprintf(out, "filtered out: %s in %s %s\n",
			amount_text(profile->unit, profile->hidden_amount, amount, sizeof(amount)),
			text_count(profile->hidden_count, count, sizeof(count)),
			plural(profile->hidden_count, words->count_one, words->count_many));
}

static void write_lost(const struct profile *profile, FILE *out)
{
	const uint64_t *lost = reader_lost(profile->reader);
	uint64_t events = stats_events_lost(profile->reader);
	char count[32];
	const char *separator = ": ";

	if (events > 0) {
		fprintf(out, "warning: %s %s not recorded",
			text_count(events, count, sizeof(count)),
			plural(events, "event was", "events were"));
		for (unsigned reason = 0; reason < LOST_END; reason++) {
			if (lost[reason] == 0 || reason == LOST_STACK)
				continue;
			fprintf(out, "%s%s (%s)", separator,
				text_count(lost[reason], count, sizeof(count)),
				lost_reason_name(reason));
			separator = ", ";
		}
		putc('\n', out);
	}
	if (lost[LOST_STACK] > 0)
		fprintf(out, "warning: %s %s without a stack\n",
			text_count(lost[LOST_STACK], count, sizeof(count)),
			plural(lost[LOST_STACK], "event is", "events are"));
}

/* How far samples are apart, and what of them is missing without bending the numbers. */
static void write_sampling(const struct profile *profile, FILE *out)
{
	const struct capture_sampling *sampling = reader_sampling(profile->reader);
	uint64_t asked_ns = reader_start(profile->reader)->sampling_period_ns;
	uint64_t period_ns = profile->time.period_ns;
	char period[32], asked[32], rounds[32], missed[32], percent[32];

	fprintf(out, "sampled about every %s", text_duration(period_ns, period, sizeof(period)));
	if (period_ns / 10 > asked_ns / 9 || asked_ns / 10 > period_ns / 9)
		fprintf(out, " (%s was asked for)", text_duration(asked_ns, asked, sizeof(asked)));
	fprintf(out, ", %s %s; \u00b1 is one standard error\n",
		text_count(profile->time.rounds, rounds, sizeof(rounds)),
		plural(profile->time.rounds, "time", "times"));
	if (sampling != NULL && sampling->rounds_missed > 0)
		fprintf(out, "%s of %s rounds (%s) came too late and were left out\n",
			text_count(sampling->rounds_missed, missed, sizeof(missed)),
			text_count(sampling->rounds + sampling->rounds_missed, rounds,
				   sizeof(rounds)),
			text_percent(style_share(sampling->rounds_missed,
						 sampling->rounds + sampling->rounds_missed),
				     percent, sizeof(percent)));
}

static void write_lost_samples(const struct profile *profile, FILE *out)
{
	uint64_t lost = stats_samples_lost(profile->reader);
	const struct profile_thread *all = &profile->time.all;
	char count[32], percent[32];

	if (lost > 0)
		fprintf(out, "warning: %s %s not be kept\n", text_count(lost, count, sizeof(count)),
			plural(lost, "sample could", "samples could"));
	if (all->unknown > 0)
		fprintf(out, "warning: %s %s (%s) %s no stack: it could not be read\n",
			text_count(all->unknown, count, sizeof(count)),
			plural(all->unknown, "sample", "samples"),
			text_percent(style_share(all->unknown, all->samples), percent,
				     sizeof(percent)),
			plural(all->unknown, "has", "have"));
}

void heading_write_notices(const struct profile *profile, const struct report_options *options,
			   FILE *out)
{
	const struct capture_start *start = reader_start(profile->reader);
	const char *damage = reader_damage(profile->reader);
	char text[1024];

	write_filters(profile, out);
	if (profile->unit == UNIT_NS)
		write_sampling(profile, out);
	else if (profile->estimated)
		fprintf(out, "estimated from a sample, one in %s; \u00b1 is one standard error\n",
			text_bytes(start->sample_rate_bytes, text, sizeof(text)));
	style_set(out, options->color, STYLE_WARNING);
	if (profile->unit == UNIT_NS)
		write_lost_samples(profile, out);
	else
		write_lost(profile, out);
	if (damage != NULL) {
		escape_visible(damage, false, text, sizeof(text));
		fprintf(out, "warning: the capture is damaged, this is what came before: %s\n",
			text);
	} else if (!reader_complete(profile->reader)) {
		fprintf(out,
			"warning: the capture is incomplete, recording was cut short after %s\n",
			text_duration(reader_duration_ns(profile->reader), text, sizeof(text)));
	}
	style_set(out, options->color, STYLE_PLAIN);
}

void heading_write_left_out(const struct profile *profile, size_t shown, size_t rows,
			    const char *rows_name, uint64_t left_out_amount, FILE *out)
{
	char some[32], all[32], amount[32], percent[32];

	if (shown >= rows)
		return;
	fprintf(out, "%s of %s %s are shown; the others hold %s (%s)\n",
		text_count(shown, some, sizeof(some)), text_count(rows, all, sizeof(all)),
		rows_name, amount_text(profile->unit, left_out_amount, amount, sizeof(amount)),
		text_percent(style_share(left_out_amount, profile->amount), percent,
			     sizeof(percent)));
}

/* ISO 8601 in UTC, to the microsecond. */
static void write_start_time(const struct capture_start *start, struct json *json)
{
	time_t seconds = start->wall_time_ns / 1000000000;
	int64_t rest_ns = start->wall_time_ns % 1000000000;
	char date[64], text[96];
	struct tm tm;

	if (rest_ns < 0) {
		rest_ns += 1000000000;
		seconds--;
	}
	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	snprintf(text, sizeof(text), "%s.%06" PRId64 "+00:00", date, rest_ns / 1000);
	json_key_string(json, "start_time", text);
}

/* The exit status as a shell says it: 128 + n for signal n. */
static void write_exit_status(int status, struct json *json)
{
	json_key(json, "exit_status");
	if (status != -1 && WIFEXITED(status))
		json_int(json, WEXITSTATUS(status));
	else if (status != -1 && WIFSIGNALED(status))
		json_int(json, 128 + WTERMSIG(status));
	else
		json_null(json);
}

static void write_processes(const struct capture_reader *reader, struct json *json)
{
	json_key(json, "processes");
	json_begin_array(json);
	for (process_id p = 1; p <= reader_process_count(reader); p++) {
		const struct capture_process_info *process = reader_process(reader, p);

		json_begin_object(json);
		json_key_uint(json, "pid", process->start.pid);
		json_key_uint(json, "parent_pid", process->start.parent_pid);
		json_key_string(json, "command", process->start.command);
		json_key_string(json, "python_version", process->start.python_version);
		write_exit_status(process->exit_status, json);
		json_end_object(json);
	}
	json_end_array(json);
}

/* That of the first process that has one. */
static const char *python_allocator(const struct capture_reader *reader)
{
	for (process_id p = 1; p <= reader_process_count(reader); p++) {
		const char *name = reader_process(reader, p)->start.python_allocator;

		if (name[0] != '\0')
			return name;
	}
	return "";
}

bool heading_traces_python_allocators(const struct capture_reader *reader)
{
	/* The agent traces mimalloc without being asked for it: src/agent/python.c. */
	return reader_start(reader)->python_allocators_traced ||
	       strncmp(python_allocator(reader), "mimalloc", 8) == 0;
}

static void write_lost_reasons(const struct capture_reader *reader, struct json *json)
{
	const uint64_t *lost = reader_lost(reader);
	bool any = false;

	for (unsigned reason = 0; reason < LOST_END; reason++) {
		if (lost[reason] == 0)
			continue;
		if (!any) {
			json_key(json, "lost");
			json_begin_object(json);
		}
		any = true;
		json_key_uint(json, lost_reason_name(reason), lost[reason]);
	}
	if (any)
		json_end_object(json);
}

static void write_json_sampling(const struct profile *profile, struct json *json)
{
	const struct capture_sampling *sampling = reader_sampling(profile->reader);

	json_key(json, "sampling");
	json_begin_object(json);
	json_key_seconds(json, "period_seconds", profile->time.period_ns);
	json_key_seconds(json, "period_asked_seconds",
			 reader_start(profile->reader)->sampling_period_ns);
	json_key_uint(json, "rounds", profile->time.rounds);
	json_key_uint(json, "rounds_missed", sampling != NULL ? sampling->rounds_missed : 0);
	json_key_uint(json, "samples_lost", stats_samples_lost(profile->reader));
	json_key_uint(json, "samples_without_stack", profile->time.all.unknown);
	json_end_object(json);
}

/* Keys that are there when they apply: what makes the numbers less than the whole. */
static void write_limits(const struct profile *profile, struct json *json)
{
	const struct profile_options *options = &profile->options;
	const struct capture_start *start = reader_start(profile->reader);

	write_lost_reasons(profile->reader, json);
	if (reader_damage(profile->reader) != NULL)
		json_key_string(json, "damage", reader_damage(profile->reader));
	if (start->mode == CAPTURE_AGGREGATE)
		json_key_bool(json, "aggregate", true);
	if (profile->estimated)
		json_key_bool(json, "estimated", true);
	if (profile->unit == UNIT_NS)
		write_json_sampling(profile, json);
	else if (profile->estimated)
		json_key_uint(json, "sample_rate_bytes", start->sample_rate_bytes);
	if (options->from_ns != 0 || options->to_ns != 0) {
		json_key_seconds(json, "from_seconds", options->from_ns);
		if (options->to_ns != 0 && options->to_ns != UINT64_MAX)
			json_key_seconds(json, "to_seconds", options->to_ns);
	}
	if (profile->hidden_count > 0) {
		amount_write_json(profile->unit, "filtered_out_", "", profile->hidden_amount, json);
		amount_write_json_count(profile->unit, "filtered_out_", profile->hidden_count,
					json);
	}
}

void heading_write_metadata(const struct profile *profile, struct json *json)
{
	const struct capture_reader *reader = profile->reader;
	const struct capture_start *start = reader_start(reader);

	json_key(json, "metadata");
	json_begin_object(json);
	json_key(json, "command_line");
	json_begin_array(json);
	for (const char *const *word = start->command_line; word != NULL && *word != NULL; word++)
		json_string(json, *word);
	json_end_array(json);
	write_start_time(start, json);
	json_key_seconds(json, "duration_seconds", reader_duration_ns(reader));
	json_key_string(json, "python_allocator", python_allocator(reader));
	json_key_bool(json, "native_stacks", start->native_stacks);
	json_key_bool(json, "python_allocators_traced", heading_traces_python_allocators(reader));
	json_key_bool(json, "complete", reader_complete(reader));
	json_key_uint(json, "events_lost", stats_events_lost(reader));
	write_processes(reader, json);
	write_limits(profile, json);
	json_end_object(json);
}

void heading_begin_json(const struct profile *profile, const char *schema, struct json *json,
			FILE *out)
{
	json_init(json, out);
	json_begin_object(json);
	json_key_string(json, "schema", schema);
	heading_write_metadata(profile, json);
	json_key_string(json, "metric", metric_name(profile->options.metric));
	amount_write_json(profile->unit, "", "", profile->amount, json);
	amount_write_json_count(profile->unit, "", profile->count, json);
	if (!profile->estimated)
		return;
	amount_write_json_error(profile->unit, "", profile->amount_error, json);
	if (profile->unit == UNIT_BYTES)
		json_key_double(json, "count_error", profile->count_error);
}

int heading_end_json(struct json *json, struct error *err)
{
	json_end_object(json);
	putc('\n', json->out);
	return report_finish(json->out, err);
}
