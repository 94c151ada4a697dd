#include <stdio.h>
#include <string.h>

#include "analysis/functions.h"
#include "base/text.h"
#include "report/amount.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/style.h"
#include "report/threads.h"

enum {
	NAME_COLUMNS = 30, /* columns that may be left out make room for a name of so many */
	ERROR_COLUMNS = 13,
};

/* Which columns there are, and how wide those of counts. */
struct layout {
	bool error, own_share, allocations;
	int blocks, allocated;
	size_t fixed;
};

static int count_width(uint64_t highest, const char *title)
{
	char text[32];
	size_t digits = strlen(text_count(highest, text, sizeof(text)));

	return (int)(digits > strlen(title) ? digits : strlen(title));
}

static struct layout measure(const struct profile *profile, const struct functions *functions,
			     size_t shown, const struct report_options *options)
{
	const char *count_title = amount_words(profile->unit)->count_title;
	struct layout layout = {
		.error = profile->estimated,
		.own_share = true,
		.allocations = profile->unit == UNIT_BYTES,
	};
	uint64_t blocks = 0, allocated = 0;

	for (size_t i = 0; i < shown; i++) {
		const struct function_sum *sum = &functions->sums[i];

		blocks = sum->own.count > blocks ? sum->own.count : blocks;
		allocated =
			sum->own_allocated.count > allocated ? sum->own_allocated.count : allocated;
	}
	layout.blocks = count_width(blocks, count_title);
	layout.allocated = count_width(allocated, "Allocations");
	layout.fixed = 10 + 9 + 12 + 9 + 2 + (size_t)layout.blocks + 2;
	layout.fixed += layout.error ? 2 * ERROR_COLUMNS : 0;
	if (layout.allocations)
		layout.fixed += (size_t)layout.allocated + 2;
	if (options->columns == 0)
		return layout;
	/* That of all time is in the heading, and those of its parts follow from their counts. */
	if (profile->unit == UNIT_NS && layout.fixed + NAME_COLUMNS > (size_t)options->columns) {
		layout.error = false;
		layout.fixed -= 2 * ERROR_COLUMNS;
	}
	if (layout.fixed + NAME_COLUMNS > (size_t)options->columns) {
		layout.own_share = false;
		layout.fixed -= 9;
	}
	if (layout.allocations && layout.fixed + NAME_COLUMNS > (size_t)options->columns) {
		layout.allocations = false;
		layout.fixed -= (size_t)layout.allocated + 2;
	}
	return layout;
}

static void write_titles(const struct profile *profile, const struct layout *layout,
			 const struct report_options *options, FILE *out)
{
	style_set(out, options->color, STYLE_BOLD);
	fprintf(out, "%10s", "Own");
	if (layout->error)
		fprintf(out, "%*s", ERROR_COLUMNS, "Error");
	if (layout->own_share)
		fprintf(out, "%9s", "Share");
	fprintf(out, "%12s", "Total");
	if (layout->error)
		fprintf(out, "%*s", ERROR_COLUMNS, "Error");
	fprintf(out, "%9s  %*s", "Share", layout->blocks, amount_words(profile->unit)->count_title);
	if (layout->allocations)
		fprintf(out, "  %*s", layout->allocated, "Allocations");
	fputs("  Function\n", out);
	style_set(out, options->color, STYLE_PLAIN);
}

static void write_amount(const struct profile *profile, const struct layout *layout, int width,
			 const struct function_amount *sum, FILE *out)
{
	char text[32];

	fprintf(out, "%*s", width, amount_text(profile->unit, sum->amount, text, sizeof(text)));
	if (layout->error && sum->count == 0)
		fprintf(out, "%*s", ERROR_COLUMNS, "");
	else if (layout->error)
		fprintf(out, " \u00b1 %*s", ERROR_COLUMNS - 3,
			amount_text(profile->unit, (uint64_t)sum->error, text, sizeof(text)));
}

static void write_share(double share, bool color, FILE *out)
{
	char text[32];

	style_set(out, color, style_of_share(share));
	fprintf(out, "%9s", text_percent(share, text, sizeof(text)));
	style_set(out, color, STYLE_PLAIN);
}

static void write_sum(const struct profile *profile, const struct function_sum *sum,
		      const struct layout *layout, const struct report_options *options, FILE *out)
{
	struct names_location location;
	size_t columns = 0;
	char text[32];

	write_amount(profile, layout, 10, &sum->own, out);
	if (layout->own_share)
		write_share(style_share(sum->own.amount, profile->amount), options->color, out);
	write_amount(profile, layout, 12, &sum->total, out);
	write_share(style_share(sum->total.amount, profile->amount), options->color, out);
	fprintf(out, "  %*s", layout->blocks, text_count(sum->own.count, text, sizeof(text)));
	if (layout->allocations)
		fprintf(out, "  %*s", layout->allocated,
			text_count(sum->own_allocated.count, text, sizeof(text)));
	names_location(profile_frame(profile, sum->frame), false, false, &location);
	if (options->columns > 0)
		columns = (size_t)options->columns > layout->fixed + 16
				  ? (size_t)options->columns - layout->fixed
				  : 16;
	names_fit(&location, columns);
	fputs("  ", out);
	names_write(&location, options->color, out);
	putc('\n', out);
}

static int write_text(const struct profile *profile, const struct report_options *options,
		      const struct functions *functions, size_t shown, FILE *out, struct error *err)
{
	struct layout layout = measure(profile, functions, shown, options);
	uint64_t left_out = 0;

	for (size_t i = shown; i < functions->count; i++)
		left_out += functions->sums[i].own.amount;
	heading_write(profile, options, functions->count, "functions", out);
	if (shown > 0) {
		putc('\n', out);
		write_titles(profile, &layout, options, out);
	}
	for (size_t i = 0; i < shown; i++)
		write_sum(profile, &functions->sums[i], &layout, options, out);
	if (shown < functions->count)
		putc('\n', out);
	heading_write_left_out(profile, shown, functions->count, "functions", left_out, out);
	if (profile->unit == UNIT_NS)
		threads_write(profile, options, out);
	return report_finish(out, err);
}

static void write_json_sum(const struct profile *profile, const struct function_sum *sum,
			   struct json *json)
{
	json_line(json);
	json_begin_object(json);
	names_write_json(profile_frame(profile, sum->frame), false, json);
	amount_write_json(profile->unit, "own_", "", sum->own.amount, json);
	amount_write_json_count(profile->unit, "own_", sum->own.count, json);
	amount_write_json(profile->unit, "total_", "", sum->total.amount, json);
	amount_write_json_count(profile->unit, "total_", sum->total.count, json);
	if (profile->estimated) {
		amount_write_json_error(profile->unit, "own_", sum->own.error, json);
		amount_write_json_error(profile->unit, "total_", sum->total.error, json);
	}
	if (profile->unit == UNIT_BYTES) {
		json_key_uint(json, "own_allocated_bytes", sum->own_allocated.bytes);
		json_key_uint(json, "own_allocations", sum->own_allocated.count);
		json_key_uint(json, "total_allocated_bytes", sum->total_allocated.bytes);
		json_key_uint(json, "total_allocations", sum->total_allocated.count);
	}
	json_end_object(json);
}

static int write_json(const struct profile *profile, const struct functions *functions,
		      size_t shown, FILE *out, struct error *err)
{
	struct json json;

	heading_begin_json(profile, "sonde.summary/1", &json, out);
	if (shown < functions->count)
		json_key_uint(&json, "functions_left_out", functions->count - shown);
	json_key(&json, "functions");
	json_begin_array(&json);
	for (size_t i = 0; i < shown; i++)
		write_json_sum(profile, &functions->sums[i], &json);
	json_line(&json);
	json_end_array(&json);
	if (profile->unit == UNIT_NS)
		threads_write_json(profile, &json);
	return heading_end_json(&json, err);
}

static int write_summary(const struct profile *profile, const struct report_options *options,
			 FILE *out, struct error *err)
{
	struct functions *functions = functions_create(profile);
	size_t shown = functions->count;
	int result;

	if (options->by_own)
		functions_sort_by_own(functions);
	if (options->max_rows > 0 && (size_t)options->max_rows < shown)
		shown = (size_t)options->max_rows;
	if (options->json)
		result = write_json(profile, functions, shown, out, err);
	else
		result = write_text(profile, options, functions, shown, out, err);
	functions_destroy(functions);
	return result;
}

const struct report_format report_summary = {
	.name = "summary",
	.extension = "txt",
	.description = "own and total bytes or time of each function",
	.write = write_summary,
};
