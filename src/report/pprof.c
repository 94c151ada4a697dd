#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "analysis/array.h"
#include "analysis/stats.h"
#include "base/buffer.h"
#include "base/intern.h"
#include "report/formats.h"
#include "report/names.h"

/*
 * The Profile message of github.com/google/pprof/proto/profile.proto as a protocol buffer, gzipped.
 * Fields may come in any order, so strings, functions and locations are written when they are first
 * used, and nothing but their numbers is kept. A location's id is its frame's id.
 */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
	SAMPLE_LOCATION_ID = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,
	VALUE_TYPE = 1,
	VALUE_UNIT = 2,
	LOCATION_ID = 1,
	LOCATION_LINE = 4,
	LINE_FUNCTION_ID = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_FILENAME = 4,
};

enum {
	WIRE_VARINT = 0,
	WIRE_BYTES = 2,
	FLUSH_BYTES = 1 << 16,
	MESSAGE_CEILING = 1 << 30,
};

struct writer {
	const struct profile *profile;
	FILE *out;
	z_stream deflate;
	unsigned char packed[FLUSH_BYTES];
	struct buffer document; /* what is not deflated yet */
	struct buffer message, part;
	struct intern *strings; /* a string's id is its index in the table: index 0 is "" */
	struct intern *functions;
	bool *location_known; /* [frame] */
	uint32_t frame_count;
};

static void add_tag(struct buffer *message, unsigned field, unsigned wire)
{
	buffer_add_varint(message, field << 3 | wire);
}

static void add_uint(struct buffer *message, unsigned field, uint64_t value)
{
	add_tag(message, field, WIRE_VARINT);
	buffer_add_varint(message, value <= INT64_MAX ? value : INT64_MAX);
}

static void add_message(struct buffer *to, unsigned field, const struct buffer *message)
{
	add_tag(to, field, WIRE_BYTES);
	buffer_add_varint(to, message->used);
	buffer_add(to, message->data, message->used);
	to->failed = to->failed || message->failed;
}

/* Deflates the document so far; all of it and the trailer if `flush` is Z_FINISH. */
static void flush_document(struct writer *writer, int flush)
{
	z_stream *stream = &writer->deflate;
	int result;

	stream->next_in = writer->document.data;
	stream->avail_in = (uInt)writer->document.used;
	do {
		stream->next_out = writer->packed;
		stream->avail_out = sizeof(writer->packed);
		result = deflate(stream, flush);
		fwrite(writer->packed, 1, sizeof(writer->packed) - stream->avail_out, writer->out);
	} while (stream->avail_out == 0 && result != Z_STREAM_END);
	writer->document.used = 0;
}

static uint64_t add_string(struct writer *writer, const char *text)
{
	uint32_t before = intern_count(writer->strings);
	size_t length = strlen(text);
	uint32_t id;

	if (length == 0)
		return 0;
	id = intern_add(writer->strings, text, length);
	if (id > before) {
		add_tag(&writer->document, PROFILE_STRING_TABLE, WIRE_BYTES);
		buffer_add_varint(&writer->document, length);
		buffer_add(&writer->document, text, length);
	}
	return id;
}

static void add_value_type(struct writer *writer, unsigned field, const char *type,
			   const char *unit)
{
	uint64_t type_string = add_string(writer, type);
	uint64_t unit_string = add_string(writer, unit);

	buffer_clear(&writer->part);
	add_uint(&writer->part, VALUE_TYPE, type_string);
	add_uint(&writer->part, VALUE_UNIT, unit_string);
	add_message(&writer->document, field, &writer->part);
}

/*
 * The id of a frame's function; lines aside, frames with the same names share one. system_name
 * stays empty: where it equals the name, pprof takes it for a mangled one and strips all <...> from
 * it.
 */
static uint64_t add_function(struct writer *writer, const struct capture_frame *frame)
{
	uint32_t before = intern_count(writer->functions);
	struct names_location location;
	uint64_t name, file;
	uint32_t id;

	names_location(frame, false, false, &location);
	name = add_string(writer, location.function);
	file = add_string(writer, frame->file);
	id = intern_add(writer->functions, (uint64_t[]){name, file}, 2 * sizeof(uint64_t));
	if (id == before + 1) {
		buffer_clear(&writer->part);
		add_uint(&writer->part, FUNCTION_ID, id);
		add_uint(&writer->part, FUNCTION_NAME, name);
		add_uint(&writer->part, FUNCTION_FILENAME, file);
		add_message(&writer->document, PROFILE_FUNCTION, &writer->part);
	}
	return id;
}

/* The id of a frame's location. Stacks without frames get one behind all frames. */
static uint64_t add_location(struct writer *writer, frame_id frame)
{
	uint64_t id = frame != 0 && frame <= writer->frame_count ? frame : writer->frame_count + 1;
	const struct capture_frame *here;
	struct buffer line;
	uint64_t function;

	if (writer->location_known[id])
		return id;
	writer->location_known[id] = true;
	here = profile_frame(writer->profile, id <= writer->frame_count ? (frame_id)id : 0);
	function = add_function(writer, here);
	buffer_init(&line, 64);
	add_uint(&line, LINE_FUNCTION_ID, function);
	add_uint(&line, LINE_LINE, here->line);
	buffer_clear(&writer->part);
	add_uint(&writer->part, LOCATION_ID, id);
	add_message(&writer->part, LOCATION_LINE, &line);
	add_message(&writer->document, PROFILE_LOCATION, &writer->part);
	buffer_deinit(&line);
	return id;
}

static void add_label(struct writer *writer, const char *key, const char *text, uint64_t number)
{
	uint64_t key_string = add_string(writer, key);
	uint64_t text_string = text != NULL ? add_string(writer, text) : 0;

	buffer_clear(&writer->part);
	add_uint(&writer->part, LABEL_KEY, key_string);
	if (text != NULL)
		add_uint(&writer->part, LABEL_STR, text_string);
	else
		add_uint(&writer->part, LABEL_NUM, number);
	add_message(&writer->message, SAMPLE_LABEL, &writer->part);
}

static void add_labels(struct writer *writer, const struct profile_row *row)
{
	const struct profile *profile = writer->profile;
	char name[256];

	if (profile->unit == UNIT_BYTES)
		add_label(writer, "allocator", allocator_name(row->memory.allocator), 0);
	if (reader_process_count(profile->reader) > 1)
		add_label(writer, "pid", NULL, names_pid(profile, row->process));
	if (row->thread == 0)
		return;
	names_thread(profile, row->thread, name, sizeof(name));
	add_label(writer, "thread", name, 0);
	add_label(writer, "tid", NULL, names_tid(profile, row->thread));
}

static void add_sample(struct writer *writer, const struct profile_row *row)
{
	stack_id stack = row->stack;
	frame_id frame = 0;

	buffer_clear(&writer->message);
	do {
		if (stack != 0)
			profile_stack(writer->profile, stack, &stack, &frame);
		add_uint(&writer->message, SAMPLE_LOCATION_ID, add_location(writer, frame));
	} while (stack != 0);
	add_uint(&writer->message, SAMPLE_VALUE, row->count);
	add_uint(&writer->message, SAMPLE_VALUE, row->amount);
	add_labels(writer, row);
	add_message(&writer->document, PROFILE_SAMPLE, &writer->message);
	if (writer->document.used >= FLUSH_BYTES)
		flush_document(writer, Z_NO_FLUSH);
}

/* What would otherwise be missing from the numbers, in words. */
static void add_comments(struct writer *writer)
{
	const struct capture_reader *reader = writer->profile->reader;
	uint64_t lost = stats_events_lost(reader);
	char text[256];

	snprintf(text, sizeof(text), "sonde: %s%s%s", metric_name(writer->profile->options.metric),
		 writer->profile->estimated ? ", estimated from a sample" : "",
		 reader_complete(reader) ? "" : ", the capture is incomplete");
	add_uint(&writer->document, PROFILE_COMMENT, add_string(writer, text));
	if (lost > 0) {
		snprintf(text, sizeof(text), "sonde: %llu events were not recorded",
			 (unsigned long long)lost);
		add_uint(&writer->document, PROFILE_COMMENT, add_string(writer, text));
	}
	if (reader_damage(reader) != NULL)
		add_uint(&writer->document, PROFILE_COMMENT,
			 add_string(writer, reader_damage(reader)));
}

/* What the two values of a sample are, and how far samples are apart. */
static void add_value_types(struct writer *writer)
{
	const struct profile *profile = writer->profile;
	const struct capture_start *start = reader_start(profile->reader);
	enum metric metric = profile->options.metric;
	bool is_time = profile->unit == UNIT_NS;
	bool live = metric == METRIC_PEAK || metric == METRIC_LEAKS;
	const char *count = is_time ? "samples" : live ? "inuse_objects" : "alloc_objects";
	const char *amount = is_time ? metric_name(metric) : live ? "inuse_space" : "alloc_space";

	add_value_type(writer, PROFILE_SAMPLE_TYPE, count, "count");
	add_value_type(writer, PROFILE_SAMPLE_TYPE, amount, is_time ? "nanoseconds" : "bytes");
	add_uint(&writer->document, PROFILE_DEFAULT_SAMPLE_TYPE, add_string(writer, amount));
	if (is_time) {
		add_value_type(writer, PROFILE_PERIOD_TYPE, amount, "nanoseconds");
		add_uint(&writer->document, PROFILE_PERIOD, profile->time.period_ns);
	} else if (start->sample_rate_bytes > 0) {
		add_value_type(writer, PROFILE_PERIOD_TYPE, "space", "bytes");
		add_uint(&writer->document, PROFILE_PERIOD, start->sample_rate_bytes);
	}
}

static void add_header(struct writer *writer)
{
	const struct capture_start *start = reader_start(writer->profile->reader);

	add_tag(&writer->document, PROFILE_STRING_TABLE, WIRE_BYTES);
	buffer_add_varint(&writer->document, 0);
	add_value_types(writer);
	if (start->wall_time_ns > 0)
		add_uint(&writer->document, PROFILE_TIME_NANOS, (uint64_t)start->wall_time_ns);
	add_uint(&writer->document, PROFILE_DURATION_NANOS,
		 reader_duration_ns(writer->profile->reader));
	add_comments(writer);
}

static void write_document(struct writer *writer)
{
	const struct profile *profile = writer->profile;

	add_header(writer);
	for (size_t i = 0; i < profile->row_count && !writer->document.failed; i++)
		add_sample(writer, &profile->rows[i]);
	if (!writer->document.failed)
		flush_document(writer, Z_FINISH);
}

static int write_pprof(const struct profile *profile, const struct report_options *options,
		       FILE *out, struct error *err)
{
	struct writer *writer = array_create(1, sizeof(*writer));
	bool failed;

	(void)options;
	writer->profile = profile;
	writer->out = out;
	/* 15 bits of window, and 16 for a gzip header. */
	if (deflateInit2(&writer->deflate, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(writer);
		return error_set(err, ERROR_FAILED, "cannot start compression: out of memory");
	}
	buffer_init(&writer->document, MESSAGE_CEILING);
	buffer_init(&writer->message, MESSAGE_CEILING);
	buffer_init(&writer->part, MESSAGE_CEILING);
	writer->strings = intern_create();
	writer->functions = intern_create();
	writer->frame_count = profile->frame_count;
	writer->location_known = array_create((size_t)writer->frame_count + 2, sizeof(bool));
	write_document(writer);
	failed = writer->document.failed;
	deflateEnd(&writer->deflate);
	buffer_deinit(&writer->document);
	buffer_deinit(&writer->message);
	buffer_deinit(&writer->part);
	intern_destroy(writer->strings);
	intern_destroy(writer->functions);
	free(writer->location_known);
	free(writer);
	if (failed)
		return error_set(err, ERROR_FAILED, "a stack is too deep for the pprof format");
	return report_finish(out, err);
}

const struct report_format report_pprof = {
	.name = "pprof",
	.extension = "pb.gz",
	.binary = true,
	.description = "for go tool pprof and other readers of its profiles",
	.write = write_pprof,
};
