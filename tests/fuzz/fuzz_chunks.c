/*
 * Captures whose frame is right and whose payloads are any bytes.
 *
 * Input: chunks, each a byte with its type (low 3 bits) and its flags (the rest), a byte with the
 * number of events that an event chunk says to have, or a sixteenth of the number of samples that
 * a sample chunk does, a byte with how much later it is than the chunk before, two bytes with its
 * length, and its payload. A first chunk without any field is added.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/format.h"
#include "capture_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fd = -1;
static uint32_t sequence;

static void put(const void *bytes, size_t length)
{
	REQUIRE(write(fd, bytes, length) == (ssize_t)length);
}

static void put_chunk(struct format_chunk chunk, const uint8_t *payload, size_t length)
{
	unsigned char header[FORMAT_CHUNK_BYTES] = {0};

	chunk.stored_bytes = (uint32_t)length;
	chunk.raw_bytes = (uint32_t)length;
	chunk.sequence = sequence++;
	if (chunk.type == FORMAT_SAMPLES)
		chunk.events *= 16;
	else if (chunk.type != FORMAT_EVENTS)
		chunk.events = 0;
	else if (chunk.events > length)
		chunk.events = (uint32_t)length;
	format_write_chunk(&chunk, header);
	put(header, sizeof(header));
	put(payload, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char header[FORMAT_HEADER_BYTES];
	uint64_t time_ns = 0;
	char path[64];

	if (fd < 0)
		fd = memfd_create("capture", MFD_CLOEXEC);
	REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	sequence = 0;
	format_write_header(header);
	put(header, sizeof(header));
	put_chunk((struct format_chunk){.type = FORMAT_META}, data, 0);
	while (size >= 5) {
		size_t length = (size_t)data[3] | (size_t)data[4] << 8;
		struct format_chunk chunk = {
			.type = data[0] & 7,
			.flags = (uint16_t)(data[0] >> 3 & ~FORMAT_COMPRESSED),
			.events = data[1],
			.first_ns = time_ns,
			.last_ns = time_ns + ((uint64_t)data[2] << 12),
		};

		data += 5;
		size -= 5;
		if (length > size)
			length = size;
		put_chunk(chunk, data, length);
		time_ns = chunk.last_ns;
		data += length;
		size -= length;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_capture(path);
	return 0;
}
