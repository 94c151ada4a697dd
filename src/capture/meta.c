#include "capture/meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "capture/format.h"
#include "capture/section.h"

static void add_value(struct buffer *out, unsigned type, uint64_t value)
{
	struct buffer body;

	buffer_init(&body, 16);
	buffer_add_varint(&body, value);
	section_add(out, type, &body);
	buffer_deinit(&body);
}

static void add_text(struct buffer *out, unsigned type, const char *text)
{
	struct buffer body;

	buffer_init(&body, FORMAT_STRING_MAX);
	if (text)
		text_repair(text, strlen(text), FORMAT_STRING_MAX, &body);
	section_add(out, type, &body);
	buffer_deinit(&body);
}

void meta_write(const struct capture_start *start, struct buffer *out)
{
	add_value(out, FORMAT_META_MODE, start->mode);
	add_value(out, FORMAT_META_SAMPLE_RATE, start->sample_rate_bytes);
	add_value(out, FORMAT_META_WALL_TIME, cursor_zigzag((uint64_t)start->wall_time_ns));
	add_value(out, FORMAT_META_PAGE_SIZE, start->page_size);
	add_value(out, FORMAT_META_FLAGS,
		  (start->native_stacks ? FORMAT_NATIVE_STACKS : 0) |
			  (start->python_allocators_traced ? FORMAT_PYTHON_ALLOCATORS : 0) |
			  (start->allocations ? 0 : FORMAT_NO_ALLOCATIONS));
	add_value(out, FORMAT_META_TEMPORARY, start->temporary_threshold);
	if (start->sampling_period_ns) {
		add_value(out, FORMAT_META_SAMPLING_PERIOD, start->sampling_period_ns);
		add_value(out, FORMAT_META_TIME_METRIC, start->time_metric);
	}
	add_text(out, FORMAT_META_HOST, start->host);
	add_text(out, FORMAT_META_SYSTEM, start->system);
	add_text(out, FORMAT_META_SONDE_VERSION, start->sonde_version);
	for (size_t i = 0; start->command_line && start->command_line[i]; i++) {
		/* A command line may be larger than a payload: an ellipsis for the rest. */
		if (i + 1 >= FORMAT_ARGUMENTS_MAX ||
		    out->used > FORMAT_PAYLOAD_MAX - 2 * FORMAT_STRING_MAX) {
			add_text(out, FORMAT_META_ARGUMENT, "\xe2\x80\xa6");
			break;
		}
		add_text(out, FORMAT_META_ARGUMENT, start->command_line[i]);
	}
}

/* NULL if it is no text, or there is no memory. */
static char *read_text(const struct cursor *c)
{
	size_t length = cursor_left(c);
	char *text;

	if (!text_is_clean((const char *)c->p, length))
		return NULL;
	text = malloc(length + 1);
	if (!text)
		return NULL;
	if (length)
		memcpy(text, c->p, length);
	text[length] = 0;
	return text;
}

static bool read_argument(struct meta *meta, const struct cursor *c)
{
	char **arguments;

	if (meta->argument_count >= FORMAT_ARGUMENTS_MAX)
		return false;
	arguments = realloc(meta->arguments, (meta->argument_count + 2) * sizeof(*arguments));
	if (!arguments)
		return false;
	meta->arguments = arguments;
	arguments[meta->argument_count + 1] = NULL;
	arguments[meta->argument_count] = read_text(c);
	if (!arguments[meta->argument_count])
		return false;
	meta->argument_count++;
	return true;
}

static bool read_single_text(char **text, const struct cursor *c)
{
	if (!*text)
		*text = read_text(c);
	return *text != NULL;
}

static bool read_section(struct meta *meta, struct section *section)
{
	struct cursor *c = &section->body;
	struct capture_start *start = &meta->start;
	uint64_t flags, metric;

	switch (section->type) {
	case FORMAT_META_MODE:
		start->mode = (uint32_t)cursor_bounded(c, CAPTURE_AGGREGATE);
		break;
	case FORMAT_META_SAMPLE_RATE:
		start->sample_rate_bytes = cursor_varint(c);
		break;
	case FORMAT_META_WALL_TIME:
		start->wall_time_ns = (int64_t)cursor_unzigzag(cursor_varint(c));
		break;
	case FORMAT_META_PAGE_SIZE:
		start->page_size = (uint32_t)cursor_bounded(c, UINT32_MAX);
		break;
	case FORMAT_META_FLAGS:
		flags = cursor_varint(c);
		start->native_stacks = flags & FORMAT_NATIVE_STACKS;
		start->python_allocators_traced = flags & FORMAT_PYTHON_ALLOCATORS;
		start->allocations = !(flags & FORMAT_NO_ALLOCATIONS);
		break;
	case FORMAT_META_TEMPORARY:
		start->temporary_threshold = cursor_varint(c);
		break;
	case FORMAT_META_SAMPLING_PERIOD:
		start->sampling_period_ns = cursor_bounded(c, FORMAT_TIME_MAX_NS);
		break;
	case FORMAT_META_TIME_METRIC:
		metric = cursor_varint(c);
		start->time_metric = metric <= CAPTURE_TIME_GIL ? (uint32_t)metric : 0;
		break;
	case FORMAT_META_ARGUMENT:
		return read_argument(meta, c);
	case FORMAT_META_HOST:
		return read_single_text(&meta->host, c);
	case FORMAT_META_SYSTEM:
		return read_single_text(&meta->system, c);
	case FORMAT_META_SONDE_VERSION:
		return read_single_text(&meta->sonde_version, c);
	default: /* of a later version */
		break;
	}
	return !c->failed;
}

const char *meta_parse(struct meta *meta, const unsigned char *payload, size_t length)
{
	static const char *const no_arguments[] = {NULL};
	struct cursor c = cursor_over(payload, length);
	struct section section;

	*meta = (struct meta){.start.allocations = true};
	while (section_next(&c, &section)) {
		if (!read_section(meta, &section))
			return "what it says of its start is not right";
	}
	if (c.failed)
		return "what it says of its start breaks off";
	meta->start.command_line =
		meta->arguments ? (const char *const *)meta->arguments : no_arguments;
	meta->start.host = meta->host ? meta->host : "";
	meta->start.system = meta->system ? meta->system : "";
	meta->start.sonde_version = meta->sonde_version ? meta->sonde_version : "";
	return NULL;
}

void meta_deinit(struct meta *meta)
{
	for (size_t i = 0; i < meta->argument_count; i++)
		free(meta->arguments[i]);
	free(meta->arguments);
	free(meta->host);
	free(meta->system);
	free(meta->sonde_version);
}
