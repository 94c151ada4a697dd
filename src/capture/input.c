#include "capture/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "capture/section.h"

#define INPUT_HEADER_MAX 4096u
#define INPUT_COPY_BYTES 65536u

struct input {
	int fd;
	uint64_t bytes;
	uint32_t version;
	uint32_t header_bytes;
	bool complete;
	char damage[160];
	struct input_chunk *chunks;
	size_t chunk_count, chunk_size;
	ZSTD_DCtx *zstd;
	unsigned char *stored, *raw;
	size_t stored_size, raw_size;
};

static void input_damaged(struct input *in, const char *what, uint64_t offset)
{
	if (!in->damage[0])
		snprintf(in->damage, sizeof(in->damage), "%s at byte %llu", what,
			 (unsigned long long)offset);
}

/* How many of the bytes are there. */
static size_t input_pread(const struct input *in, void *bytes, size_t count, uint64_t offset)
{
	size_t done = 0;

	while (done < count) {
		ssize_t n =
			pread(in->fd, (char *)bytes + done, count - done, (off_t)(offset + done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	return done;
}

/* Standard input cannot be read at a place, a file without a name can. */
static int input_copy_stdin(struct error *err)
{
	const char *folder = getenv("TMPDIR");
	char name[4096];
	char *bytes = malloc(INPUT_COPY_BYTES);
	ssize_t n = 0;
	int fd;

	if (!folder || !*folder || strlen(folder) > 4000)
		folder = "/tmp";
	snprintf(name, sizeof(name), "%s/sonde-XXXXXX", folder);
	fd = bytes ? mkostemp(name, O_CLOEXEC) : -1;
	if (fd < 0) {
		error_set_errno(err, ERROR_FAILED, errno, "cannot keep standard input in %s",
				folder);
		free(bytes);
		return -ERROR_FAILED;
	}
	unlink(name);
	for (;;) {
		ssize_t done = 0;

		n = read(STDIN_FILENO, bytes, INPUT_COPY_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		while (done < n) {
			ssize_t written = write(fd, bytes + done, (size_t)(n - done));

			if (written < 0 && errno == EINTR)
				continue;
			if (written <= 0) {
				error_set_errno(err, ERROR_FAILED, errno,
						"cannot keep standard input in %s", folder);
				goto fail;
			}
			done += written;
		}
	}
	if (n == 0) {
		free(bytes);
		return fd;
	}
	error_set_errno(err, ERROR_FAILED, errno, "cannot read standard input");
fail:
	free(bytes);
	close(fd);
	return -ERROR_FAILED;
}

static int input_open_file(const char *path, struct error *err)
{
	struct stat st;
	int fd;

	if (!strcmp(path, "-"))
		return input_copy_stdin(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set_errno(
			err, errno == EACCES || errno == EPERM ? ERROR_PERMISSION : ERROR_CAPTURE,
			errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(err, ERROR_CAPTURE,
				 "%s is not a regular file (\"-\" reads standard input)", path);
	}
	return fd;
}

static int input_read_header(struct input *in, const char *path, struct error *err)
{
	unsigned char bytes[INPUT_HEADER_MAX];
	size_t length = input_pread(in, bytes, sizeof(bytes), 0);

	if (!length)
		return error_set(err, ERROR_CAPTURE,
				 "%s is empty: its recording ended before anything was written",
				 path);
	switch (format_parse_header(bytes, length, &in->version, &in->header_bytes)) {
	case FORMAT_HEADER_GOOD:
		return 0;
	case FORMAT_HEADER_TEXT:
		return error_set(err, ERROR_CAPTURE,
				 "%s was damaged by a copy in text mode; copy it again, as binary",
				 path);
	case FORMAT_HEADER_SHORT:
		return error_set(err, ERROR_CAPTURE,
				 "%s ends within its header: its recording ended before anything "
				 "was written, or it was cut",
				 path);
	case FORMAT_HEADER_DAMAGED:
		return error_set(err, ERROR_CAPTURE, "the header of %s is damaged", path);
	case FORMAT_HEADER_NEWER:
		return error_set(err, ERROR_CAPTURE,
				 "%s has format version %u, this sonde reads up to %u; read it "
				 "with a newer sonde",
				 path, in->version, FORMAT_VERSION);
	case FORMAT_HEADER_OTHER:
		break;
	}
	return error_set(err, ERROR_CAPTURE, "%s is not a sonde capture", path);
}

static bool input_add(struct input *in, const struct format_chunk *head, uint64_t offset)
{
	if (in->chunk_count == in->chunk_size) {
		size_t size = in->chunk_size ? in->chunk_size * 2 : 64;
		struct input_chunk *chunks = realloc(in->chunks, size * sizeof(*chunks));

		if (!chunks)
			return false;
		in->chunks = chunks;
		in->chunk_size = size;
	}
	in->chunks[in->chunk_count++] = (struct input_chunk){.head = *head, .offset = offset};
	return true;
}

/* From chunk to chunk by their headers, up to `end` or to what is no chunk. */
static void input_walk(struct input *in, uint64_t end)
{
	uint64_t offset = in->header_bytes;

	in->chunk_count = 0;
	while (offset < end) {
		unsigned char bytes[FORMAT_CHUNK_BYTES];
		struct format_chunk head;

		if (end - offset < FORMAT_CHUNK_BYTES ||
		    input_pread(in, bytes, sizeof(bytes), offset) < sizeof(bytes)) {
			input_damaged(in, "the last chunk is cut short", offset);
			return;
		}
		if (!format_parse_chunk(bytes, &head) || head.sequence != in->chunk_count) {
			input_damaged(in, "there is something else where a chunk should begin",
				      offset);
			return;
		}
		if (head.stored_bytes > end - offset - FORMAT_CHUNK_BYTES) {
			input_damaged(in, "the last chunk is cut short", offset);
			return;
		}
		if (!input_add(in, &head, offset)) {
			input_damaged(in, "more chunks than memory can hold", offset);
			return;
		}
		offset += FORMAT_CHUNK_BYTES + head.stored_bytes;
	}
}

static bool input_parse_index(struct input *in, const unsigned char *payload, size_t length,
			      uint64_t index_offset)
{
	struct cursor c = cursor_over(payload, length);
	struct section section;
	uint64_t offset = in->header_bytes;

	while (section_next(&c, &section)) {
		struct cursor *body = &section.body;

		while (section.type == FORMAT_CHUNKS && cursor_left(body)) {
			struct format_chunk head = {.sequence = (uint32_t)in->chunk_count};

			head.type = (uint16_t)cursor_bounded(body, UINT16_MAX);
			head.flags = (uint16_t)cursor_bounded(body, UINT16_MAX);
			head.stored_bytes = (uint32_t)cursor_bounded(body, UINT32_MAX);
			head.raw_bytes = (uint32_t)cursor_bounded(body, UINT32_MAX);
			head.events = (uint32_t)cursor_bounded(body, UINT32_MAX);
			head.first_ns = cursor_bounded(body, FORMAT_TIME_MAX_NS);
			head.last_ns = head.first_ns + cursor_bounded(body, FORMAT_TIME_MAX_NS);
			if (body->failed || !format_chunk_valid(&head) ||
			    !input_add(in, &head, offset))
				return false;
			offset += FORMAT_CHUNK_BYTES + head.stored_bytes;
			if (offset > index_offset)
				return false;
		}
	}
	return !c.failed && offset == index_offset;
}

static const char *input_load_chunk(struct input *in, const struct input_chunk *chunk,
				    const unsigned char **payload, size_t *length);

/* False if the chunks are not all found by it. */
static bool input_read_index(struct input *in, uint64_t index_offset, uint64_t end)
{
	unsigned char bytes[FORMAT_CHUNK_BYTES];
	struct input_chunk index = {.offset = index_offset};
	const unsigned char *payload;
	size_t length;

	if (index_offset < in->header_bytes || index_offset > end ||
	    end - index_offset < FORMAT_CHUNK_BYTES ||
	    input_pread(in, bytes, sizeof(bytes), index_offset) < sizeof(bytes) ||
	    !format_parse_chunk(bytes, &index.head) || index.head.type != FORMAT_INDEX ||
	    index.head.stored_bytes != end - index_offset - FORMAT_CHUNK_BYTES ||
	    input_load_chunk(in, &index, &payload, &length) ||
	    !input_parse_index(in, payload, length, index_offset) ||
	    index.head.sequence != in->chunk_count)
		return false;
	return input_add(in, &index.head, index_offset);
}

static void input_find_chunks(struct input *in)
{
	unsigned char bytes[FORMAT_TRAILER_BYTES];
	struct format_trailer trailer;
	uint64_t end;

	if (in->bytes < in->header_bytes + FORMAT_TRAILER_BYTES)
		goto no_trailer;
	end = in->bytes - FORMAT_TRAILER_BYTES;
	if (input_pread(in, bytes, sizeof(bytes), end) < sizeof(bytes) ||
	    !format_parse_trailer(bytes, &trailer))
		goto no_trailer;
	if (!trailer.index_offset || !input_read_index(in, trailer.index_offset, end)) {
		if (trailer.index_offset)
			input_damaged(in, "the index is damaged", trailer.index_offset);
		input_walk(in, end);
	}
	in->complete = trailer.flags & FORMAT_COMPLETE && !in->damage[0];
	return;
no_trailer:
	input_walk(in, in->bytes);
}

int input_open(const char *path, struct input **out, struct error *err)
{
	struct input *in = calloc(1, sizeof(*in));
	struct stat st;
	int result;

	if (!in)
		return error_set(err, ERROR_FAILED, "out of memory");
	in->fd = input_open_file(path, err);
	in->zstd = ZSTD_createDCtx();
	if (in->fd < 0) {
		result = in->fd;
		goto fail;
	}
	if (!in->zstd || fstat(in->fd, &st) < 0) {
		result = error_set_errno(err, ERROR_FAILED, errno, "cannot read %s", path);
		goto fail;
	}
	in->bytes = (uint64_t)st.st_size;
	result = input_read_header(in, path, err);
	if (result < 0)
		goto fail;
	input_find_chunks(in);
	*out = in;
	return 0;
fail:
	input_close(in);
	return result;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	ZSTD_freeDCtx(in->zstd);
	free(in->chunks);
	free(in->stored);
	free(in->raw);
	free(in);
}

size_t input_chunks(const struct input *in, const struct input_chunk **chunks)
{
	*chunks = in->chunks;
	return in->chunk_count;
}

uint32_t input_version(const struct input *in)
{
	return in->version;
}

bool input_complete(const struct input *in)
{
	return in->complete;
}

uint64_t input_bytes(const struct input *in)
{
	return in->bytes;
}

const char *input_damage(const struct input *in)
{
	return in->damage[0] ? in->damage : NULL;
}

static bool input_reserve(unsigned char **bytes, size_t *size, size_t needed)
{
	unsigned char *grown;

	if (needed <= *size)
		return true;
	grown = realloc(*bytes, needed);
	if (!grown)
		return false;
	*bytes = grown;
	*size = needed;
	return true;
}

static bool input_head_same(const struct format_chunk *a, const struct format_chunk *b)
{
	return a->type == b->type && a->flags == b->flags && a->stored_bytes == b->stored_bytes &&
	       a->raw_bytes == b->raw_bytes && a->sequence == b->sequence &&
	       a->events == b->events && a->first_ns == b->first_ns && a->last_ns == b->last_ns;
}

static const char *input_load_chunk(struct input *in, const struct input_chunk *chunk,
				    const unsigned char **payload, size_t *length)
{
	size_t stored = chunk->head.stored_bytes;
	size_t whole = FORMAT_CHUNK_BYTES + stored;
	struct format_chunk head;
	size_t n;

	if (!input_reserve(&in->stored, &in->stored_size, whole) ||
	    !input_reserve(&in->raw, &in->raw_size, (size_t)chunk->head.raw_bytes + 1))
		return "a chunk is larger than memory";
	if (input_pread(in, in->stored, whole, chunk->offset) < whole)
		return "the file became shorter";
	if (!format_parse_chunk(in->stored, &head) || !input_head_same(&head, &chunk->head))
		return "a chunk is not what the index says";
	*payload = in->stored + FORMAT_CHUNK_BYTES;
	*length = stored;
	if (!format_checksum_matches(&head, in->stored, *payload))
		return "a chunk is damaged (its checksum is wrong)";
	if (!(head.flags & FORMAT_COMPRESSED))
		return NULL;
	n = ZSTD_decompressDCtx(in->zstd, in->raw, head.raw_bytes, *payload, stored);
	if (ZSTD_isError(n) || n != head.raw_bytes)
		return "a chunk does not unpack";
	*payload = in->raw;
	*length = n;
	return NULL;
}

const char *input_load(struct input *in, size_t index, const unsigned char **payload,
		       size_t *length)
{
	return input_load_chunk(in, &in->chunks[index], payload, length);
}
