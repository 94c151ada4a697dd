#include "capture/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buffer.h"
#include "capture/format.h"

#define OUTPUT_ZSTD_LEVEL 1

static int output_call_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

struct output_calls output_calls = {
	.open = output_call_open,
	.write = write,
	.truncate = ftruncate,
	.sync = fsync,
	.close = close,
};

struct output {
	int fd;
	char *path;
	bool created; /* by us: may be removed again */
	struct error error;
	uint64_t sealed_bytes;
	uint32_t sequence;
	ZSTD_CCtx *zstd;
	unsigned char *stored; /* the chunk being sealed: header and payload */
	size_t stored_size;
	struct buffer index; /* entries of all sealed chunks */
};

static int output_fail_errno(struct output *o, int errnum)
{
	if (o->error.code)
		return -o->error.code;
	error_set_errno(&o->error, ERROR_FAILED, errnum, "cannot write %s%s", o->path,
			o->sequence ? " (it holds what was sealed before)" : "");
	while (o->fd >= 0 && output_calls.truncate(o->fd, (off_t)o->sealed_bytes) < 0 &&
	       errno == EINTR)
		;
	return -o->error.code;
}

void output_fail(struct output *o, const char *what)
{
	if (!o->error.code)
		error_set(&o->error, ERROR_FAILED, "cannot write %s: %s", o->path, what);
}

int output_status(const struct output *o, struct error *err)
{
	if (!o->error.code)
		return 0;
	*err = o->error;
	return -err->code;
}

uint64_t output_bytes(const struct output *o)
{
	return o->sealed_bytes;
}

/* All of it, or the sticky error. */
static int output_write(struct output *o, const unsigned char *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t n = output_calls.write(o->fd, bytes + done, count - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			return output_fail_errno(o, EIO);
		else if (errno != EINTR)
			return output_fail_errno(o, errno);
	}
	o->sealed_bytes += count;
	return 0;
}

static int output_open_file(const char *path, bool replace, bool *created, struct error *err)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	enum error_code code;
	int fd;

	do
		fd = output_calls.open(path, flags | O_EXCL, 0600);
	while (fd < 0 && errno == EINTR);
	*created = fd >= 0;
	if (fd < 0 && errno == EEXIST) {
		if (!replace)
			return error_set(err, ERROR_USAGE,
					 "%s exists; use --force to replace it, or another -o",
					 path);
		do
			fd = output_calls.open(path, flags | O_TRUNC, 0600);
		while (fd < 0 && errno == EINTR);
	}
	if (fd < 0) {
		code = errno == EACCES || errno == EPERM ? ERROR_PERMISSION : ERROR_FAILED;
		return error_set_errno(err, code, errno, "cannot create %s", path);
	}
	return fd;
}

int output_open(const char *path, bool replace, struct output **out, struct error *err)
{
	struct output *o = calloc(1, sizeof(*o));
	unsigned char header[FORMAT_HEADER_BYTES];
	struct stat st;

	if (!o)
		return error_set(err, ERROR_FAILED, "out of memory");
	o->fd = -1;
	buffer_init(&o->index, FORMAT_INDEX_MAX - 64);
	o->path = strdup(path);
	o->zstd = ZSTD_createCCtx();
	o->stored_size = FORMAT_CHUNK_BYTES + ZSTD_compressBound(FORMAT_PAYLOAD_MAX) + 64;
	o->stored = malloc(o->stored_size);
	if (!o->path || !o->zstd || !o->stored) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto fail;
	}
	o->fd = output_open_file(path, replace, &o->created, err);
	if (o->fd < 0)
		goto fail;
	/* What was there before may have been readable by others; the umask may have made what is
	 * new readable by nobody, which a file system without modes does not let us change. */
	if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) != 0600 &&
	    fchmod(o->fd, 0600) < 0 && !o->created) {
		error_set_errno(err, ERROR_PERMISSION, errno, "cannot make %s private", path);
		goto fail;
	}
	format_write_header(header);
	if (output_write(o, header, sizeof(header)) < 0) {
		*err = o->error;
		goto fail;
	}
	*out = o;
	return 0;
fail:
	output_abandon(o);
	return -err->code;
}

static void output_free(struct output *o)
{
	buffer_deinit(&o->index);
	ZSTD_freeCCtx(o->zstd);
	free(o->stored);
	free(o->path);
	free(o);
}

void output_abandon(struct output *o)
{
	if (!o)
		return;
	if (o->fd >= 0) {
		if (o->created && o->path)
			unlink(o->path);
		output_calls.close(o->fd);
	}
	output_free(o);
}

static size_t output_length(const struct output_part parts[OUTPUT_PARTS])
{
	size_t length = 0;

	for (unsigned i = 0; i < OUTPUT_PARTS; i++)
		length += parts[i].length;
	return length;
}

/* Compresses the parts into `stored` behind the header; 0 if that does not make them smaller. */
static size_t output_compress(struct output *o, const struct output_part parts[OUTPUT_PARTS],
			      size_t raw_bytes)
{
	size_t used = 0;

	for (unsigned i = 0; i < OUTPUT_PARTS; i++) {
		size_t n;

		if (!parts[i].length)
			continue;
		n = ZSTD_compressCCtx(o->zstd, o->stored + FORMAT_CHUNK_BYTES + used,
				      o->stored_size - FORMAT_CHUNK_BYTES - used, parts[i].bytes,
				      parts[i].length, OUTPUT_ZSTD_LEVEL);
		if (ZSTD_isError(n))
			return 0;
		used += n;
	}
	return used < raw_bytes ? used : 0;
}

static size_t output_copy(struct output *o, const struct output_part parts[OUTPUT_PARTS])
{
	unsigned char *p = o->stored + FORMAT_CHUNK_BYTES;

	for (unsigned i = 0; i < OUTPUT_PARTS; i++) {
		if (parts[i].length)
			memcpy(p, parts[i].bytes, parts[i].length);
		p += parts[i].length;
	}
	return (size_t)(p - o->stored) - FORMAT_CHUNK_BYTES;
}

static bool output_make_room(struct output *o, size_t raw_bytes)
{
	size_t size = FORMAT_CHUNK_BYTES + ZSTD_compressBound(raw_bytes) + 1024;
	unsigned char *stored;

	if (size <= o->stored_size)
		return true;
	stored = realloc(o->stored, size);
	if (!stored)
		return false;
	o->stored = stored;
	o->stored_size = size;
	return true;
}

static void output_index(struct output *o, const struct format_chunk *chunk)
{
	buffer_add_varint(&o->index, chunk->type);
	buffer_add_varint(&o->index, chunk->flags);
	buffer_add_varint(&o->index, chunk->stored_bytes);
	buffer_add_varint(&o->index, chunk->raw_bytes);
	buffer_add_varint(&o->index, chunk->events);
	buffer_add_varint(&o->index, chunk->first_ns);
	buffer_add_varint(&o->index, chunk->last_ns - chunk->first_ns);
}

int output_seal(struct output *o, const struct output_chunk *content)
{
	size_t raw_bytes = output_length(content->parts);
	struct format_chunk chunk = {
		.type = content->type,
		.flags = content->flags,
		.raw_bytes = (uint32_t)raw_bytes,
		.sequence = o->sequence,
		.events = content->events,
		.first_ns = content->first_ns,
		.last_ns = content->last_ns,
	};
	size_t stored;

	if (o->error.code)
		return -o->error.code;
	if (!output_make_room(o, raw_bytes)) {
		output_fail(o, "out of memory");
		return -o->error.code;
	}
	stored = output_compress(o, content->parts, raw_bytes);
	if (stored)
		chunk.flags |= FORMAT_COMPRESSED;
	else
		stored = output_copy(o, content->parts);
	chunk.stored_bytes = (uint32_t)stored;
	if (!format_chunk_valid(&chunk)) {
		output_fail(o, "a chunk is larger than the format allows");
		return -o->error.code;
	}
	format_write_chunk(&chunk, o->stored);
	format_write_checksum(format_checksum(o->stored, o->stored + FORMAT_CHUNK_BYTES, stored),
			      o->stored);
	if (output_write(o, o->stored, FORMAT_CHUNK_BYTES + stored) < 0)
		return -o->error.code;
	o->sequence++;
	output_index(o, &chunk);
	return 0;
}

/* A capture of more chunks than an index may name has none; readers find them by walking. */
static void output_finish(struct output *o, bool complete, uint64_t end_ns)
{
	struct format_trailer trailer = {
		.index_offset = o->sealed_bytes,
		.flags = complete ? FORMAT_COMPLETE : 0,
	};
	unsigned char bytes[FORMAT_TRAILER_BYTES];
	struct buffer head;

	if (o->index.failed)
		trailer.index_offset = 0;
	buffer_init(&head, 64);
	buffer_add_varint(&head, FORMAT_CHUNKS);
	buffer_add_varint(&head, o->index.used);
	if (trailer.index_offset && !head.failed) {
		output_seal(o, &(struct output_chunk){
				       .type = FORMAT_INDEX,
				       .first_ns = end_ns,
				       .last_ns = end_ns,
				       .parts = {{head.data, head.used},
						 {o->index.data, o->index.used}},
			       });
	}
	buffer_deinit(&head);
	if (o->error.code)
		return;
	format_write_trailer(&trailer, bytes);
	output_write(o, bytes, sizeof(bytes));
}

int output_close(struct output *o, bool complete, uint64_t end_ns, struct error *err)
{
	int result;

	if (!o->error.code)
		output_finish(o, complete, end_ns);
	/* A pipe or a terminal cannot be synced. */
	if (!o->error.code && output_calls.sync(o->fd) < 0 && errno != EINVAL && errno != EROFS &&
	    errno != ENOTSUP)
		output_fail_errno(o, errno);
	if (output_calls.close(o->fd) < 0 && errno != EINTR && !o->error.code) {
		o->fd = -1;
		output_fail_errno(o, errno);
	}
	result = output_status(o, err);
	output_free(o);
	return result;
}
