#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/amount.h"
#include "report/diff_words.h"
#include "report/names.h"

enum {
	NAME_COLUMNS = 26, /* columns that may be left out make room for a name of so many */
	AMOUNT_COLUMNS = 11,
	CHANGE_COLUMNS = 12,
	ERROR_COLUMNS = 13,
	RELATIVE_COLUMNS = 10,
};

/* Which columns there are besides changes and what is now. */
struct layout {
	bool before, error, relative;
	size_t fixed; /* what all but the last column take */
};

static size_t fixed_columns(const struct layout *layout)
{
	size_t half = AMOUNT_COLUMNS + CHANGE_COLUMNS + 1;

	half += layout->before ? AMOUNT_COLUMNS : 0;
	half += layout->error ? ERROR_COLUMNS : 0;
	return half * 2 + (layout->relative ? RELATIVE_COLUMNS : 0) + 2;
}

/* What was is what is without the change, and errors follow from counts. */
static struct layout measure(const struct diff *diff, const struct report_options *options)
{
	struct layout layout = {.before = true, .error = diff->estimated, .relative = true};
	size_t columns = options->columns > 0 ? (size_t)options->columns : SIZE_MAX;
	bool *const optional[] = {&layout.before, &layout.error, &layout.relative};

	for (size_t i = 0; i < 3 && fixed_columns(&layout) + NAME_COLUMNS > columns; i++)
		*optional[i] = false;
	layout.fixed = fixed_columns(&layout);
	return layout;
}

static void write_half_titles(const struct layout *layout, const char *what, FILE *out)
{
	char title[32];

	if (layout->before) {
		snprintf(title, sizeof(title), "%s base", what);
		fprintf(out, "%*s", AMOUNT_COLUMNS, title);
	}
	snprintf(title, sizeof(title), "%s new", what);
	fprintf(out, "%*s%*s", AMOUNT_COLUMNS, title, CHANGE_COLUMNS, "Change");
	if (layout->error)
		fprintf(out, "%*s", ERROR_COLUMNS, "Error");
	putc(' ', out);
}

static void write_titles(const struct layout *layout, const struct diff *diff,
			 const struct report_options *options, FILE *out)
{
	style_set(out, options->color, STYLE_BOLD);
	write_half_titles(layout, "Own", out);
	if (layout->relative)
		fprintf(out, "%*s", RELATIVE_COLUMNS, "");
	write_half_titles(layout, "Total", out);
	fprintf(out, "  %s\n", diff->options.lines ? "Line" : "Function");
	style_set(out, options->color, STYLE_PLAIN);
}

static enum style change_style(const struct diff_amount *amount)
{
	if (amount->after == amount->before)
		return STYLE_PLAIN;
	if (diff_words_is_doubtful(amount))
		return STYLE_DIM;
	return amount->after > amount->before ? STYLE_HOT : STYLE_COLD;
}

static void write_half(const struct diff *diff, const struct layout *layout,
		       const struct diff_amount *amount, bool color, FILE *out)
{
	bool changed = amount->after != amount->before;
	char text[40];

	if (layout->before)
		fprintf(out, "%*s", AMOUNT_COLUMNS,
			amount_text(diff->unit, amount->before, text, sizeof(text)));
	fprintf(out, "%*s", AMOUNT_COLUMNS,
		amount_text(diff->unit, amount->after, text, sizeof(text)));
	style_set(out, color, change_style(amount));
	fprintf(out, "%*s", CHANGE_COLUMNS,
		changed ? diff_words_change(diff->unit, amount, text, sizeof(text)) : "");
	style_set(out, color, STYLE_PLAIN);
	if (layout->error && changed && amount->error > 0)
		fprintf(out, " \u00b1 %*s", ERROR_COLUMNS - 3,
			amount_text(diff->unit, (uint64_t)amount->error, text, sizeof(text)));
	else if (layout->error)
		fprintf(out, "%*s", ERROR_COLUMNS, "");
	putc(diff_words_is_doubtful(amount) ? '~' : ' ', out);
}

static void write_sum(const struct diff *diff, const struct diff_sum *sum,
		      const struct layout *layout, const struct report_options *options, FILE *out)
{
	struct names_location location;
	size_t columns = 0;
	char text[40];

	write_half(diff, layout, &sum->own, options->color, out);
	if (layout->relative)
		fprintf(out, "%*s", RELATIVE_COLUMNS,
			diff_words_relative(&sum->own, text, sizeof(text)));
	write_half(diff, layout, &sum->total, options->color, out);
	names_location(&diff->frames[sum->frame], true, false, &location);
	if (options->columns > 0)
		columns = (size_t)options->columns > layout->fixed + 16
				  ? (size_t)options->columns - layout->fixed
				  : 16;
	names_fit(&location, columns);
	fputs("  ", out);
	names_write(&location, options->color, out);
	putc('\n', out);
}

/* Functions of which neither the own nor the total changed are in no row. */
static bool is_shown(const struct diff_sum *sum)
{
	return diff_distance(&sum->own) > 0 || diff_distance(&sum->total) > 0;
}

static int write_text(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		      struct error *err)
{
	size_t limit = options->report.max_rows > 0 ? (size_t)options->report.max_rows : SIZE_MAX;
	struct layout layout = measure(diff, &options->report);
	size_t shown = 0, changed = 0;
	char some[32], all[32];

	diff_words_heading(diff, options, out);
	if (diff->estimated)
		fputs("~ marks what is less than two standard errors: it may be chance\n", out);
	for (size_t i = 0; i < diff->sum_count; i++) {
		if (!is_shown(&diff->sums[i]))
			continue;
		if (changed++ >= limit)
			continue;
		if (shown++ == 0) {
			putc('\n', out);
			write_titles(&layout, diff, &options->report, out);
		}
		write_sum(diff, &diff->sums[i], &layout, &options->report, out);
	}
	if (shown < changed)
		fprintf(out, "\n%s of %s %s that changed are shown\n",
			text_count(shown, some, sizeof(some)),
			text_count(changed, all, sizeof(all)),
			diff->options.lines ? "lines" : "functions");
	return report_finish(out, err);
}

static int write_table(const struct diff *diff, const struct diff_report_options *options,
		       FILE *out, struct error *err)
{
	return (options->report.json ? diff_json_write : write_text)(diff, options, out, err);
}

const struct diff_report diff_report_table = {
	.name = "table",
	.extension = "txt",
	.description = "what changed in each function, largest first",
	.write = write_table,
};
