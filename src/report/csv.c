#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "report/escape.h"
#include "report/formats.h"
#include "report/names.h"

/*
 * RFC 4180, with a line of titles. The last field is the stack, innermost frame first: frames
 * separated by |, each "function;file;line"; a backslash stands before |, ; and backslashes that
 * are part of a name.
 */
enum {
	FIELD_CEILING = 1 << 30,
	NS_PER_SECOND = 1000000000,
};

static void add_escaped(struct buffer *field, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '|' || *text == ';')
			buffer_add_byte(field, '\\');
		buffer_add_byte(field, (uint8_t)*text);
	}
}

static void add_stack(const struct profile *profile, stack_id stack, struct buffer *field)
{
	bool first = true;

	buffer_clear(field);
	while (stack != 0) {
		const struct capture_frame *frame;
		frame_id id;

		profile_stack(profile, stack, &stack, &id);
		frame = profile_frame(profile, id);
		if (!first)
			buffer_add_byte(field, '|');
		first = false;
		add_escaped(field, frame->function);
		buffer_add_byte(field, ';');
		add_escaped(field, frame->file);
		buffer_add_format(field, ";%u", frame->line);
	}
	buffer_add_byte(field, '\0');
}

static void write_titles(const struct profile *profile, FILE *out)
{
	if (profile->unit == UNIT_NS)
		fputs("seconds,samples,seconds_error", out);
	else if (profile->estimated)
		fputs("bytes,count,bytes_error,count_error,allocator", out);
	else
		fputs("bytes,count,allocator", out);
	fputs(",pid", out);
	if (profile->options.split_threads)
		fputs(",tid,thread", out);
	fputs(",function,file,line,stack\r\n", out);
}

/* With a point in every locale. */
static void write_seconds(uint64_t ns, FILE *out)
{
	fprintf(out, "%" PRIu64 ".%09u", ns / NS_PER_SECOND, (unsigned)(ns % NS_PER_SECOND));
}

/* Errors are rounded: an error is no exact number. */
static void write_numbers(const struct profile *profile, const struct profile_row *row, FILE *out)
{
	if (profile->unit == UNIT_NS) {
		write_seconds(row->amount, out);
		fprintf(out, ",%" PRIu64 ",", row->count);
		write_seconds((uint64_t)(row->amount_error + 0.5), out);
		return;
	}
	fprintf(out, "%" PRIu64 ",%" PRIu64, row->amount, row->count);
	if (profile->estimated)
		fprintf(out, ",%" PRIu64 ",%" PRIu64, (uint64_t)(row->amount_error + 0.5),
			(uint64_t)(row->count_error + 0.5));
	fprintf(out, ",%s", allocator_name(row->memory.allocator));
}

static void write_row(const struct profile *profile, const struct profile_row *row,
		      struct buffer *field, FILE *out)
{
	const struct capture_frame *frame;
	stack_id parent;
	frame_id id;

	write_numbers(profile, row, out);
	fprintf(out, ",%u", names_pid(profile, row->process));
	if (profile->options.split_threads) {
		char name[256];

		names_thread(profile, row->thread, name, sizeof(name));
		fprintf(out, ",%u,", names_tid(profile, row->thread));
		escape_csv(out, name);
	}
	profile_stack(profile, row->stack, &parent, &id);
	frame = profile_frame(profile, row->stack != 0 ? id : 0);
	putc(',', out);
	escape_csv(out, frame->function);
	putc(',', out);
	escape_csv(out, frame->file);
	fprintf(out, ",%u,", frame->line);
	add_stack(profile, row->stack, field);
	if (!field->failed)
		escape_csv(out, (const char *)field->data);
	fputs("\r\n", out);
}

static int write_csv(const struct profile *profile, const struct report_options *options, FILE *out,
		     struct error *err)
{
	struct buffer field;
	bool failed = false;

	(void)options;
	buffer_init(&field, FIELD_CEILING);
	write_titles(profile, out);
	for (size_t i = 0; i < profile->row_count && !failed; i++) {
		write_row(profile, &profile->rows[i], &field, out);
		failed = field.failed;
	}
	buffer_deinit(&field);
	if (failed)
		return error_set(err, ERROR_FAILED,
				 "a stack takes more than 1 GiB as text and cannot be a CSV field");
	return report_finish(out, err);
}

const struct report_format report_csv = {
	.name = "csv",
	.extension = "csv",
	.description = "one line a stack, for spreadsheets and data frames",
	.write = write_csv,
};
