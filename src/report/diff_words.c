#include "report/diff_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/amount.h"
#include "report/escape.h"
#include "report/flamegraph.h"
#include "report/heading.h"

char *diff_words_change(enum unit unit, const struct diff_amount *amount, char *buffer, size_t size)
{
	const char *sign = amount->after > amount->before   ? "+"
			   : amount->after < amount->before ? "-"
							    : "";
	char text[32];

	snprintf(buffer, size, "%s%s", sign,
		 amount_text(unit, diff_distance(amount), text, sizeof(text)));
	return buffer;
}

char *diff_words_relative(const struct diff_amount *amount, char *buffer, size_t size)
{
	char text[32];

	if (amount->before == amount->after)
		snprintf(buffer, size, "%s", "");
	else if (amount->before == 0)
		snprintf(buffer, size, "new");
	else if (amount->after == 0)
		snprintf(buffer, size, "gone");
	else
		snprintf(buffer, size, "%s%s", amount->after > amount->before ? "+" : "-",
			 text_percent((double)diff_distance(amount) / (double)amount->before, text,
				      sizeof(text)));
	return buffer;
}

bool diff_words_is_doubtful(const struct diff_amount *amount)
{
	return amount->before != amount->after && !diff_is_significant(amount);
}

double diff_words_scale(const struct diff *diff)
{
	return (double)diff->after->amount / (double)diff->before->amount;
}

void diff_words_title(const struct diff *diff, const struct diff_report_options *options,
		      char *buffer, size_t size)
{
	char run[512];

	flamegraph_title(diff->after, &options->report, run, sizeof(run));
	if (options->report.title != NULL && options->report.title[0] != '\0')
		snprintf(buffer, size, "%s", run);
	else
		snprintf(buffer, size, "%s: what changed", run);
}

static void write_side(const struct profile *profile, FILE *out)
{
	char text[32], error[40];

	fputs(amount_text(profile->unit, profile->amount, text, sizeof(text)), out);
	fputs(amount_error_text(profile->unit, profile->amount_error, error, sizeof(error)), out);
}

static void write_totals(const struct diff *diff, FILE *out)
{
	char change[40], error[40], relative[40];

	fprintf(out, "%s: ", metric_name(diff->after->options.metric));
	write_side(diff->before, out);
	fputs(" \u2192 ", out);
	write_side(diff->after, out);
	if (diff->options.normalize)
		return;
	fprintf(out, ", %s", diff_words_change(diff->unit, &diff->total, change, sizeof(change)));
	fputs(amount_error_text(diff->unit, diff->total.error, error, sizeof(error)), out);
	diff_words_relative(&diff->total, relative, sizeof(relative));
	if (relative[0] == '+' || relative[0] == '-')
		fprintf(out, " (%s)", relative);
	if (diff_words_is_doubtful(&diff->total))
		fputs(": may be chance", out);
}

/* How many functions changed, and of estimates how many of them by more than chance may do. */
static void write_changed(const struct diff *diff, FILE *out)
{
	const char *rows = diff->options.lines ? "lines" : "functions";
	size_t changed = 0, significant = 0;
	char text[32];

	for (size_t i = 0; i < diff->sum_count; i++) {
		const struct diff_sum *sum = &diff->sums[i];

		changed += diff_distance(&sum->own) > 0 || diff_distance(&sum->total) > 0;
		significant += diff_is_significant(&sum->own) || diff_is_significant(&sum->total);
	}
	fprintf(out, ", %s of", text_count(changed, text, sizeof(text)));
	fprintf(out, " %s %.*s changed", text_count(diff->sum_count, text, sizeof(text)),
		(int)(strlen(rows) - (diff->sum_count == 1)), rows);
	if (diff->estimated && changed > 0)
		fprintf(out, ", %s beyond chance", text_count(significant, text, sizeof(text)));
}

static void write_origin(const struct profile *profile, const char *what, const char *name,
			 FILE *out)
{
	const struct capture_reader *reader = profile->reader;
	char title[512], text[1024];

	escape_visible(name, false, text, sizeof(text));
	fprintf(out, "%s: %s", what, text);
	flamegraph_title(profile, &(struct report_options){0}, title, sizeof(title));
	escape_visible(title, false, text, sizeof(text));
	fprintf(out, ", %s", text);
	if (reader_process_count(reader) > 0 &&
	    reader_process(reader, 1)->start.python_version[0] != '\0') {
		escape_visible(reader_process(reader, 1)->start.python_version, false, text,
			       sizeof(text));
		fprintf(out, " with Python %s", text);
	}
	fprintf(out, ", %s\n", text_duration(reader_duration_ns(reader), text, sizeof(text)));
}

/* The side's own notices, each behind its name. */
static void write_notices(const struct profile *profile, const char *what,
			  const struct report_options *options, FILE *out)
{
	struct report_options plain = *options;
	char *text = NULL, *rest, *line;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (memory == NULL)
		return;
	plain.color = false;
	heading_write_notices(profile, &plain, memory);
	if (fclose(memory) == 0) {
		for (rest = text; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
			bool warns = strncmp(line, "warning: ", 9) == 0;

			style_set(out, warns && options->color, STYLE_WARNING);
			if (warns)
				fprintf(out, "warning: %s: %s\n", what, line + 9);
			else
				fprintf(out, "%s: %s\n", what, line);
			style_set(out, warns && options->color, STYLE_PLAIN);
		}
	}
	free(text);
}

void diff_words_heading(const struct diff *diff, const struct diff_report_options *options,
			FILE *out)
{
	style_set(out, options->report.color, STYLE_BOLD);
	write_totals(diff, out);
	write_changed(diff, out);
	style_set(out, options->report.color, STYLE_PLAIN);
	putc('\n', out);
	write_origin(diff->before, "base", options->before_name, out);
	write_origin(diff->after, "new", options->after_name, out);
	write_notices(diff->before, "base", &options->report, out);
	write_notices(diff->after, "new", &options->report, out);
	if (diff->options.normalize)
		fprintf(out,
			"normalized: base is multiplied by %.4g, so that both come to the same "
			"total\n",
			diff_words_scale(diff));
}
