#include "report/frametable.h"

#include <stdlib.h>
#include <string.h>

#include "report/names.h"

enum {
	SOURCE_BYTES_MAX = 200,
};

bool frametable_init(struct frametable *table, uint32_t room, const struct report_options *options)
{
	*table = (struct frametable){
		.options = options,
		.texts = intern_create(),
		.frames = calloc((size_t)room + 1, sizeof(*table->frames)),
	};
	intern_add(table->texts, "", 0); /* text 0: nothing is known */
	return table->frames != NULL;
}

void frametable_deinit(struct frametable *table)
{
	if (table->texts != NULL)
		intern_destroy(table->texts);
	free(table->frames);
}

static uint32_t add_text(struct frametable *table, const char *text, size_t bytes)
{
	return intern_add(table->texts, text, bytes) - 1;
}

/* The line as it stands in the file, without what surrounds it; cut between characters. */
static uint32_t add_source(struct frametable *table, const struct capture_frame *frame)
{
	const struct report_options *options = table->options;
	const char *text = NULL;
	size_t bytes;

	if (options->source_line != NULL && frame->line != 0 && frame->file[0] != '\0')
		text = options->source_line(frame->file, frame->line, options->source_data);
	if (text == NULL)
		return 0;
	text += strspn(text, " \t\f");
	bytes = strcspn(text, "\r\n");
	if (bytes > SOURCE_BYTES_MAX) {
		bytes = SOURCE_BYTES_MAX;
		while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes--;
	}
	return add_text(table, text, bytes);
}

uint32_t frametable_add(struct frametable *table, const struct capture_frame *frame)
{
	struct names_location location;
	struct frametable_frame *to = &table->frames[table->count];

	names_location(frame, false, false, &location);
	*to = (struct frametable_frame){
		.function = add_text(table, location.function, strlen(location.function)),
		.file = add_text(table, location.place, strlen(location.place)),
		.source = add_source(table, frame),
		.line = frame->line,
		.kind = frame->kind,
	};
	return ++table->count;
}

static void write_texts(const struct frametable *table, struct json *json)
{
	json_key(json, "strings");
	json_begin_array(json);
	for (uint32_t id = 1; id <= intern_count(table->texts); id++)
		json_string(json, intern_text(table->texts, id, NULL));
	json_end_array(json);
}

static uint32_t frame_column(const struct frametable_frame *frame, int column)
{
	switch (column) {
	case 0:
		return frame->function;
	case 1:
		return frame->file;
	case 2:
		return frame->line;
	case 3:
		return frame->kind;
	default:
		return frame->source;
	}
}

void frametable_write(const struct frametable *table, struct json *json)
{
	static const char *const names[] = {"functions", "files", "lines", "kinds", "sources"};

	write_texts(table, json);
	for (int column = 0; column < 5; column++) {
		json_line(json);
		json_key(json, names[column]);
		json_begin_array(json);
		for (uint32_t i = 0; i < table->count; i++)
			json_uint(json, frame_column(&table->frames[i], column));
		json_end_array(json);
	}
}
