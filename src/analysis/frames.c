#include "analysis/frames.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "base/intern.h"
#include "base/map.h"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "python3.12/", "python3.13t/", "python312.zip/": the length, or 0. */
static size_t library_directory(const char *path)
{
	static const char stem[] = "python";
	const char *p = path + sizeof(stem) - 1;

	if (!starts_with(path, stem) || !isdigit((unsigned char)*p))
		return 0;
	while (isdigit((unsigned char)*p) || *p == '.' || *p == 't')
		p++;
	if (starts_with(p, "zip"))
		p += 3;
	return *p == '/' ? (size_t)(p + 1 - path) : 0;
}

/* The path of a file inside a standard library, or NULL if it is not in one. */
static const char *library_path(const char *file)
{
	for (const char *p = file; p != NULL; p = strchr(p, '/')) {
		size_t length;

		p += *p == '/';
		length = library_directory(p);
		if (length > 0 && !starts_with(p + length, "site-packages/") &&
		    !starts_with(p + length, "dist-packages/"))
			return p + length;
	}
	return NULL;
}

/* The module's name in "<frozen name>", or NULL. */
static const char *frozen_name(const char *file)
{
	static const char prefix[] = "<frozen ";

	return starts_with(file, prefix) ? file + sizeof(prefix) - 1 : NULL;
}

bool frames_is_import_system(const struct capture_frame *frame)
{
	const char *frozen = frozen_name(frame->file);
	const char *path;

	if (frame->kind != FRAME_PYTHON)
		return false;
	if (frozen != NULL)
		return starts_with(frozen, "importlib.") || starts_with(frozen, "importlib>") ||
		       starts_with(frozen, "runpy>");
	path = library_path(frame->file);
	return path != NULL && (starts_with(path, "importlib/") || strcmp(path, "runpy.py") == 0);
}

/* The interpreter's executable or shared library. */
static bool is_interpreter_object(const char *file)
{
	const char *name = strrchr(file, '/');

	name = name != NULL ? name + 1 : file;
	if (starts_with(name, "libpython"))
		return strstr(name, ".so") != NULL;
	if (!starts_with(name, "python"))
		return false;
	name += strlen("python");
	return name[strspn(name, "0123456789.dtm")] == '\0';
}

/* A source file in CPython's tree. */
static bool is_interpreter_source(const char *file)
{
	static const char *const places[] = {
		"Python/",   "Objects/",          "Parser/",
		"Programs/", "Include/internal/", "Modules/main.c",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *at = strstr(file, places[i]);

		if (at != NULL && (at == file || at[-1] == '/'))
			return true;
	}
	return false;
}

bool frames_is_interpreter(const struct capture_frame *frame)
{
	const char *function = frame->function;

	if (frame->kind == FRAME_PYTHON)
		return frozen_name(frame->file) != NULL;
	if (frame->kind != FRAME_NATIVE)
		return false;
	if (is_interpreter_source(frame->file) || is_interpreter_object(frame->file))
		return true;
	function += *function == '_';
	return starts_with(function, "Py") &&
	       (function[2] == '_' || isupper((unsigned char)function[2]));
}

/* Is `text` the dotted name, with `separator` for dots, at its start and ended there? */
static bool is_module_path(const char *text, const char *module, char separator)
{
	for (; *module != '\0'; module++, text++) {
		if (*text != (*module == '.' ? separator : *module))
			return false;
	}
	return *text == '\0' || *text == '/' || *text == '.' || *text == '>';
}

bool frames_in_module(const struct capture_frame *frame, const char *module)
{
	const char *frozen = frozen_name(frame->file);

	if (*module == '\0')
		return false;
	if (frozen != NULL)
		return is_module_path(frozen, module, '.');
	for (const char *p = frame->file; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (is_module_path(p, module, '/'))
			return true;
	}
	return false;
}

frame_id *frames_merge_lines(const struct capture_reader *reader, uint32_t *count)
{
	struct intern *texts = intern_create();
	struct map first;
	frame_id *becomes;

	*count = reader_frame_count(reader);
	becomes = array_create((size_t)*count + 1, sizeof(*becomes));
	map_init(&first);
	for (frame_id f = 1; f <= *count; f++) {
		const struct capture_frame *frame = reader_frame(reader, f);
		uint64_t function = intern_add(texts, frame->function, strlen(frame->function));
		uint64_t file = intern_add(texts, frame->file, strlen(frame->file));
		/* There are at most twice as many texts as frames: 31 bits leave room for the
		 * kind. */
		uint64_t key = function << 33 | file << 2 | (frame->kind & 3);
		uint64_t known;

		if (!map_find(&first, key, &known)) {
			known = f;
			map_put(&first, key, f);
		}
		becomes[f] = (frame_id)known;
	}
	map_deinit(&first);
	intern_destroy(texts);
	return becomes;
}

frame_id *frames_choose(const struct capture_reader *reader, const struct profile_options *options,
			uint32_t *count)
{
	frame_id *becomes;

	*count = reader_frame_count(reader);
	if (!options->merge_lines && !options->hide_import_system && !options->hide_interpreter)
		return NULL;
	if (options->merge_lines) {
		becomes = frames_merge_lines(reader, count);
	} else {
		becomes = array_create((size_t)*count + 1, sizeof(*becomes));
		for (frame_id f = 1; f <= *count; f++)
			becomes[f] = f;
	}
	for (frame_id f = 1; f <= *count; f++) {
		const struct capture_frame *frame = reader_frame(reader, f);

		if ((options->hide_import_system && frames_is_import_system(frame)) ||
		    (options->hide_interpreter && frames_is_interpreter(frame)))
			becomes[f] = 0;
	}
	return becomes;
}
