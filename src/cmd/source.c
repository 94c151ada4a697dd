#include "cmd/source.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/intern.h"

#define FILE_MAX_BYTES  (8u << 20)
#define CACHE_MAX_BYTES (64u << 20)
#define LINE_MAX_BYTES  300u

struct text_file {
	char *text;      /* NULL: not to be had, or let go to keep the bound */
	uint32_t *lines; /* offset of each line */
	uint32_t line_count;
	uint32_t bytes;
	bool looked_at;
};

/* Files by the id of their name; the oldest texts go first when there are too many. */
struct source {
	int64_t not_after_ns;
	struct intern *names;
	struct text_file *files;
	size_t files_allocated;
	size_t cached_bytes;
	uint32_t next_victim;
	char line[LINE_MAX_BYTES + 4];
};

struct source *source_create(int64_t not_after_ns)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		abort();
	source->not_after_ns = not_after_ns;
	source->names = intern_create();
	return source;
}

static void drop_text(struct source *source, struct text_file *file)
{
	if (!file->text)
		return;
	source->cached_bytes -= file->bytes + file->line_count * sizeof(*file->lines);
	free(file->text);
	free(file->lines);
	file->text = NULL;
	file->lines = NULL;
}

void source_destroy(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->files_allocated; i++)
		drop_text(source, &source->files[i]);
	free(source->files);
	intern_destroy(source->names);
	free(source);
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_bytes = strlen(text), end_bytes = strlen(end);

	return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

static bool is_python(const char *name, const char *text)
{
	const char *first_end = strchrnul(text, '\n');
	const char *python;

	if (ends_with(name, ".py") || ends_with(name, ".pyx") || ends_with(name, ".pyw"))
		return true;
	if (strncmp(text, "#!", 2) != 0)
		return false;
	python = strstr(text, "python");
	return python && python < first_end;
}

/* The whole file, terminated; NULL if it is none of ours to show. */
static char *read_text(const struct source *source, const char *name, uint32_t *bytes)
{
	/* O_NONBLOCK: opening a pipe or a device by this name must not wait. */
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat st;
	size_t used = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX_BYTES ||
	    st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec > source->not_after_ns) {
		close(fd);
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	while (text && used < (size_t)st.st_size) {
		ssize_t got = read(fd, text + used, (size_t)st.st_size - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	close(fd);
	if (!text)
		return NULL;
	text[used] = '\0';
	if (memchr(text, '\0', used) || !is_python(name, text)) {
		free(text);
		return NULL;
	}
	*bytes = (uint32_t)used;
	return text;
}

static void index_lines(struct text_file *file)
{
	uint32_t count = 1, line = 0;

	for (uint32_t i = 0; i < file->bytes; i++)
		count += file->text[i] == '\n';
	file->lines = calloc(count, sizeof(*file->lines));
	if (!file->lines)
		abort();
	file->lines[line++] = 0;
	for (uint32_t i = 0; i < file->bytes; i++)
		if (file->text[i] == '\n')
			file->lines[line++] = i + 1;
	file->line_count = count;
}

static void make_room(struct source *source, const struct text_file *keep)
{
	uint32_t count = intern_count(source->names);

	for (uint32_t i = 0; i < count && source->cached_bytes > CACHE_MAX_BYTES; i++) {
		struct text_file *victim = &source->files[source->next_victim % count];

		source->next_victim++;
		if (victim != keep && victim->text) {
			drop_text(source, victim);
			victim->looked_at = false;
		}
	}
}

static struct text_file *find_file(struct source *source, const char *name)
{
	uint32_t id = intern_add(source->names, name, strlen(name));
	struct text_file *file;

	if (id > source->files_allocated) {
		size_t allocated = source->files_allocated ? source->files_allocated * 2 : 64;

		source->files = realloc(source->files, allocated * sizeof(*source->files));
		if (!source->files)
			abort();
		memset(source->files + source->files_allocated, 0,
		       (allocated - source->files_allocated) * sizeof(*source->files));
		source->files_allocated = allocated;
	}
	file = &source->files[id - 1];
	if (!file->looked_at) {
		file->looked_at = true;
		file->text = read_text(source, name, &file->bytes);
		if (file->text) {
			index_lines(file);
			source->cached_bytes +=
				file->bytes + file->line_count * sizeof(*file->lines);
			make_room(source, file);
		}
	}
	return file;
}

/* Bytes of the UTF-8 character that begins here, 0 if it is none (RFC 3629) or a control. */
static size_t character_bytes(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t bytes = at[0] < 0x80   ? 1
		       : at[0] < 0xc0 ? 0
		       : at[0] < 0xe0 ? 2
		       : at[0] < 0xf0 ? 3
		       : at[0] < 0xf8 ? 4
				      : 0;
	uint32_t code;

	if (bytes == 0 || bytes > left)
		return 0;
	if (bytes == 1)
		return (at[0] >= 0x20 && at[0] != 0x7f) || at[0] == '\t';
	code = at[0] & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    code < 0xa0)
		return 0;
	return bytes;
}

/* Copies one line without the space around it; false if it is empty or no clean text. */
static bool copy_line(struct source *source, const char *text, size_t bytes)
{
	size_t used = 0;

	while (bytes && strchr(" \t\f\r", text[bytes - 1]))
		bytes--;
	while (bytes && strchr(" \t\f", *text)) {
		text++;
		bytes--;
	}
	while (used < bytes) {
		size_t step = character_bytes((const unsigned char *)text + used, bytes - used);

		if (!step)
			return false;
		if (used + step > LINE_MAX_BYTES)
			break;
		used += step;
	}
	snprintf(source->line, sizeof(source->line), "%.*s%s", (int)used, text,
		 used < bytes ? "\u2026" : "");
	return used > 0;
}

const char *source_line(const char *name, unsigned line, void *data)
{
	struct source *source = data;
	struct text_file *file;
	uint32_t begin, end;

	if (line == 0 || !name[0] || name[0] == '<')
		return NULL;
	file = find_file(source, name);
	if (!file->text || line > file->line_count)
		return NULL;
	begin = file->lines[line - 1];
	end = line < file->line_count ? file->lines[line] - 1 : file->bytes;
	return copy_line(source, file->text + begin, end - begin) ? source->line : NULL;
}
