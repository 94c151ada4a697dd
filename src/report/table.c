#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/amount.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/style.h"

enum {
	CALLERS_UNLIMITED = 4, /* how many callers a line shows when its width has no limit */
	CALLER_COLUMNS = 24,   /* a caller with less room than this is not begun */
};

/* The columns of the text table: their widths, 0 for those that are not shown. */
struct layout {
	const struct amount_words *words;
	int count, error, allocator, pid, thread;
	size_t fixed; /* what all but the last column take */
};

static size_t shown_rows(const struct profile *profile, const struct report_options *options)
{
	if (options->max_rows > 0 && (size_t)options->max_rows < profile->row_count)
		return (size_t)options->max_rows;
	return profile->row_count;
}

static void widen(int *width, size_t columns)
{
	if ((int)columns > *width)
		*width = (int)columns;
}

static struct layout measure(const struct profile *profile, size_t shown)
{
	struct layout layout = {
		.words = amount_words(profile->unit),
		.allocator = profile->unit == UNIT_BYTES ? sizeof("Allocator") - 1 : 0,
	};
	char text[256];

	layout.count = (int)strlen(layout.words->count_title);
	for (size_t i = 0; i < shown; i++) {
		const struct profile_row *row = &profile->rows[i];

		widen(&layout.count, strlen(text_count(row->count, text, sizeof(text))));
		if (layout.allocator > 0)
			widen(&layout.allocator, strlen(allocator_name(row->memory.allocator)));
		if (reader_process_count(profile->reader) > 1)
			widen(&layout.pid, (size_t)snprintf(text, sizeof(text), "%u",
							    names_pid(profile, row->process)));
		if (!profile->options.split_threads)
			continue;
		names_thread(profile, row->thread, text, sizeof(text));
		widen(&layout.thread, text_columns(text));
	}
	if (profile->options.split_threads)
		widen(&layout.thread, sizeof("Thread") - 1);
	if (layout.pid > 0)
		widen(&layout.pid, sizeof("PID") - 1);
	if (layout.thread > 20)
		layout.thread = 20;
	if (profile->estimated)
		layout.error = 12;
	layout.fixed = 10 + 9 + 2 + (size_t)layout.count + 2;
	layout.fixed += (size_t)layout.error;
	layout.fixed += layout.allocator > 0 ? (size_t)layout.allocator + 2 : 0;
	layout.fixed += layout.pid > 0 ? (size_t)layout.pid + 2 : 0;
	layout.fixed += layout.thread > 0 ? (size_t)layout.thread + 2 : 0;
	return layout;
}

static void write_titles(const struct layout *layout, const struct report_options *options,
			 FILE *out)
{
	style_set(out, options->color, STYLE_BOLD);
	fprintf(out, "%10s", layout->words->title);
	if (layout->error > 0)
		fprintf(out, "%*s", layout->error, "Error");
	fprintf(out, "%9s  %*s", "Share", layout->count, layout->words->count_title);
	if (layout->allocator > 0)
		fprintf(out, "  %-*s", layout->allocator, "Allocator");
	if (layout->pid > 0)
		fprintf(out, "  %*s", layout->pid, "PID");
	if (layout->thread > 0)
		fprintf(out, "  %-*s", layout->thread, "Thread");
	fputs(layout->allocator > 0 ? "  Allocated in\n" : "  Spent in\n", out);
	style_set(out, options->color, STYLE_PLAIN);
}

/* The innermost frame, then as many of its callers as the line has room for. */
static void write_stack(const struct profile *profile, stack_id stack, size_t columns, bool limited,
			bool color, FILE *out)
{
	struct names_location location;
	frame_id frame;
	unsigned callers = 0;

	do {
		size_t taken;

		profile_stack(profile, stack, &stack, &frame);
		names_location(profile_frame(profile, frame), true, false, &location);
		taken = names_fit(&location, limited ? columns : 0);
		names_write(&location, color, out);
		if (stack == 0)
			return;
		columns = taken < columns ? columns - taken : 0;
		if (limited ? columns < CALLER_COLUMNS + 3 : callers == CALLERS_UNLIMITED)
			break;
		callers++;
		fputs(" \u2190 ", out);
		columns -= limited ? 3 : 0;
	} while (stack != 0);
	if (!limited || columns >= 2)
		fputs(" \u2026", out);
}

static void write_row(const struct profile *profile, const struct profile_row *row,
		      const struct layout *layout, const struct report_options *options, FILE *out)
{
	double share = style_share(row->amount, profile->amount);
	size_t columns = 0;
	char text[256];

	fprintf(out, "%10s", amount_text(profile->unit, row->amount, text, sizeof(text)));
	if (layout->error > 0)
		fprintf(out, " \u00b1 %*s", layout->error - 3,
			amount_text(profile->unit, (uint64_t)row->amount_error, text,
				    sizeof(text)));
	style_set(out, options->color, style_of_share(share));
	fprintf(out, "%9s", text_percent(share, text, sizeof(text)));
	style_set(out, options->color, STYLE_PLAIN);
	fprintf(out, "  %*s", layout->count, text_count(row->count, text, sizeof(text)));
	if (layout->allocator > 0)
		fprintf(out, "  %-*s", layout->allocator, allocator_name(row->memory.allocator));
	if (layout->pid > 0)
		fprintf(out, "  %*u", layout->pid, names_pid(profile, row->process));
	if (layout->thread > 0) {
		struct names_location name = {0};
		size_t taken;

		names_thread(profile, row->thread, name.function, sizeof(name.function));
		taken = names_fit(&name, (size_t)layout->thread);
		fprintf(out, "  %s%*s", name.function, layout->thread - (int)taken, "");
	}
	fputs("  ", out);
	if (options->columns > 0)
		columns = (size_t)options->columns > layout->fixed + 16
				  ? (size_t)options->columns - layout->fixed
				  : 16;
	write_stack(profile, row->stack, columns, options->columns > 0, options->color, out);
	putc('\n', out);
}

static uint64_t amount_from(const struct profile *profile, size_t row)
{
	uint64_t amount = 0;

	for (; row < profile->row_count; row++)
		amount += profile->rows[row].amount;
	return amount;
}

static int write_text(const struct profile *profile, const struct report_options *options,
		      FILE *out, struct error *err)
{
	size_t shown = shown_rows(profile, options);
	struct layout layout = measure(profile, shown);

	heading_write(profile, options, profile->row_count, "rows", out);
	if (shown > 0) {
		putc('\n', out);
		write_titles(&layout, options, out);
	}
	for (size_t i = 0; i < shown; i++)
		write_row(profile, &profile->rows[i], &layout, options, out);
	if (shown < profile->row_count)
		putc('\n', out);
	heading_write_left_out(profile, shown, profile->row_count, "rows",
			       amount_from(profile, shown), out);
	return report_finish(out, err);
}

static void write_json_stack(const struct profile *profile, stack_id stack, struct json *json)
{
	json_key(json, "stack");
	json_begin_array(json);
	while (stack != 0) {
		const struct capture_frame *frame;
		frame_id id;

		profile_stack(profile, stack, &stack, &id);
		frame = profile_frame(profile, id);
		json_begin_object(json);
		names_write_json(frame, true, json);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_row(const struct profile *profile, const struct profile_row *row,
			   struct json *json)
{
	json_line(json);
	json_begin_object(json);
	amount_write_json(profile->unit, "", "", row->amount, json);
	amount_write_json_count(profile->unit, "", row->count, json);
	if (profile->estimated)
		amount_write_json_error(profile->unit, "", row->amount_error, json);
	if (profile->unit == UNIT_BYTES) {
		if (profile->estimated)
			json_key_double(json, "count_error", row->count_error);
		json_key_string(json, "allocator", allocator_name(row->memory.allocator));
	}
	if (names_pid(profile, row->process) != 0)
		json_key_uint(json, "pid", names_pid(profile, row->process));
	if (row->thread != 0)
		names_write_thread_json(profile, row->thread, json);
	write_json_stack(profile, row->stack, json);
	json_end_object(json);
}

static int write_json(const struct profile *profile, const struct report_options *options,
		      FILE *out, struct error *err)
{
	size_t shown = shown_rows(profile, options);
	struct json json;

	heading_begin_json(profile, "sonde.table/1", &json, out);
	if (shown < profile->row_count) {
		json_key_uint(&json, "rows_left_out", profile->row_count - shown);
		amount_write_json(profile->unit, "", "_left_out", amount_from(profile, shown),
				  &json);
	}
	json_key(&json, "rows");
	json_begin_array(&json);
	for (size_t i = 0; i < shown; i++)
		write_json_row(profile, &profile->rows[i], &json);
	json_line(&json);
	json_end_array(&json);
	return heading_end_json(&json, err);
}

static int write_table(const struct profile *profile, const struct report_options *options,
		       FILE *out, struct error *err)
{
	return (options->json ? write_json : write_text)(profile, options, out, err);
}

const struct report_format report_table = {
	.name = "table",
	.extension = "txt",
	.description = "a table of stacks, those with the most bytes or time first",
	.write = write_table,
};
