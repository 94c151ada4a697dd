#include "report/names.h"

#include <string.h>

#include "base/text.h"
#include "report/escape.h"
#include "report/style.h"

const char *names_kind(unsigned kind)
{
	static const char *const names[] = {
		[FRAME_PYTHON] = "python",
		[FRAME_NATIVE] = "native",
		[FRAME_KERNEL] = "kernel",
		[FRAME_MARKER] = "marker",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "marker";
}

void names_location(const struct capture_frame *frame, bool with_line, bool semicolon,
		    struct names_location *location)
{
	char *function = location->function;
	/* Room for what is added around the name and behind the file. */
	size_t room = sizeof(location->function) - 8;
	size_t length;
	bool bare = frame->kind == FRAME_MARKER && frame->function[0] != '<';

	function[0] = '<';
	escape_visible(frame->function, semicolon, function + bare, room);
	length = strlen(function);
	if (bare)
		memcpy(function + length, ">", sizeof(">"));
	else if (frame->kind == FRAME_KERNEL)
		memcpy(function + length, "_[k]", sizeof("_[k]"));
	location->place[0] = '\0';
	if (frame->file[0] == '\0')
		return;
	escape_visible(frame->file, semicolon, location->place, sizeof(location->place) - 16);
	length = strlen(location->place);
	if (with_line && frame->line != 0)
		snprintf(location->place + length, sizeof(location->place) - length, ":%u",
			 frame->line);
}

/* Leaves at most `columns` of the text and puts an ellipsis behind it. */
static void cut_end(char *text, size_t columns)
{
	const char *p = text;
	size_t used = 0;

	for (;;) {
		const char *next = p;
		char character[5];
		size_t width;

		if (escape_next(&next) == 0)
			return;
		memcpy(character, p, (size_t)(next - p));
		character[next - p] = '\0';
		width = text_columns(character);
		if (used + width + 1 > columns)
			break;
		used += width;
		p = next;
	}
	memcpy(text + (p - text), "\u2026", sizeof("\u2026"));
}

/* Drops leading folders until the path takes at most `columns`, an ellipsis in their place; false
 * when even the bare name is too long. */
static bool cut_folders(char *path, size_t columns)
{
	const char *slash = path;
	char *rest;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		if (text_columns(slash) + 1 <= columns)
			break;
	}
	if (slash == NULL) {
		slash = strrchr(path, '/');
		if (slash == NULL || text_columns(slash + 1) > columns)
			return false;
		memmove(path, slash + 1, strlen(slash + 1) + 1);
		return true;
	}
	/* An ellipsis is three bytes: in front of it there are at least as many, or there is room.
	 */
	rest = path + (slash - path);
	memmove(path + 3, rest, strlen(rest) + 1);
	memcpy(path, "\u2026", 3);
	return true;
}

size_t names_fit(struct names_location *location, size_t columns)
{
	size_t function = text_columns(location->function);
	size_t place = text_columns(location->place);
	size_t brackets = sizeof(" ()") - 1;

	if (location->place[0] == '\0') {
		if (columns == 0 || function <= columns)
			return function;
		cut_end(location->function, columns);
		return text_columns(location->function);
	}
	if (columns == 0 || function + place + brackets <= columns)
		return function + place + brackets;
	if (function + brackets < columns &&
	    cut_folders(location->place, columns - function - brackets))
		return function + text_columns(location->place) + brackets;
	location->place[0] = '\0';
	if (function > columns)
		cut_end(location->function, columns);
	return text_columns(location->function);
}

void names_write(const struct names_location *location, bool color, FILE *out)
{
	fputs(location->function, out);
	if (location->place[0] == '\0')
		return;
	style_set(out, color, STYLE_DIM);
	fprintf(out, " (%s)", location->place);
	style_set(out, color, STYLE_PLAIN);
}

static const struct capture_thread_info *find_thread(const struct profile *profile,
						     thread_id thread)
{
	if (thread == 0 || thread > reader_thread_count(profile->reader))
		return NULL;
	return reader_thread(profile->reader, thread);
}

void names_thread(const struct profile *profile, thread_id thread, char *buffer, size_t size)
{
	const struct capture_thread_info *info = find_thread(profile, thread);

	if (info == NULL)
		snprintf(buffer, size, "unknown thread");
	else if (info->name[0] == '\0')
		snprintf(buffer, size, "thread %u", info->tid);
	else
		escape_visible(info->name, true, buffer, size);
}

uint32_t names_tid(const struct profile *profile, thread_id thread)
{
	const struct capture_thread_info *info = find_thread(profile, thread);

	return info != NULL ? info->tid : 0;
}

uint32_t names_pid(const struct profile *profile, process_id process)
{
	if (process == 0 || process > reader_process_count(profile->reader))
		return 0;
	return reader_process(profile->reader, process)->start.pid;
}

void names_write_json(const struct capture_frame *frame, bool with_line, struct json *json)
{
	json_key_string(json, "function", frame->function);
	if (frame->file[0] != '\0')
		json_key_string(json, "file", frame->file);
	if (with_line && frame->line != 0)
		json_key_uint(json, "line", frame->line);
	json_key_string(json, "kind", names_kind(frame->kind));
}

void names_write_thread_json(const struct profile *profile, thread_id thread, struct json *json)
{
	const struct capture_thread_info *info = find_thread(profile, thread);

	json_key_uint(json, "tid", info != NULL ? info->tid : 0);
	json_key_string(json, "thread", info != NULL ? info->name : "");
}
