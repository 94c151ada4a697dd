#include "capture/format.h"

#include <string.h>
#include <xxhash.h>

#define CHUNK_MAGIC    "SCHK"
#define TRAILER_MAGIC  "SON-END\n"
#define CHECKSUM_BYTES 8u

/* What the magic looks like after line ends were converted in either direction. */
static const char *const format_text_magics[] = {
	"\x89SON\n\x1a\n",   "\x89SON\r\n\x1a\r",   "\x89SON\r\r\n\x1a",
	"\x09SON\r\n\x1a\n", "\xc2\x89SON\r\n\x1a", "\xef\xbf\xbdSON\r\n",
};

static void put(unsigned char *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *in, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)in[i] << 8 * i;
	return value;
}

/* Fuzzing goes past the checksums, or it would never see the parsers behind them. */
static bool checksum_matches(uint64_t computed, uint64_t stored)
{
#ifdef SONDE_FUZZ_NO_CHECKSUM
	(void)computed;
	(void)stored;
	return true;
#else
	return computed == stored;
#endif
}

void format_write_header(unsigned char out[static FORMAT_HEADER_BYTES])
{
	memcpy(out, FORMAT_MAGIC, 8);
	put(out + 8, FORMAT_VERSION, 4);
	put(out + 12, FORMAT_HEADER_BYTES, 4);
	put(out + 16, 0, 8);
	put(out + 24, XXH3_64bits(out, FORMAT_HEADER_BYTES - CHECKSUM_BYTES), CHECKSUM_BYTES);
}

enum format_header_state format_parse_header(const unsigned char *bytes, size_t length,
					     uint32_t *version, uint32_t *header_bytes)
{
	size_t compared = length < 8 ? length : 8;

	if (memcmp(bytes, FORMAT_MAGIC, compared) != 0) {
		for (size_t i = 0; i < sizeof(format_text_magics) / sizeof(char *); i++) {
			const char *magic = format_text_magics[i];

			if (length >= 8 && !memcmp(bytes, magic, strlen(magic)))
				return FORMAT_HEADER_TEXT;
		}
		return FORMAT_HEADER_OTHER;
	}
	if (length < FORMAT_HEADER_BYTES)
		return FORMAT_HEADER_SHORT;
	*version = (uint32_t)get(bytes + 8, 4);
	*header_bytes = (uint32_t)get(bytes + 12, 4);
	/* A later version may have a longer header; its checksum is at the end of it all the same.
	 */
	if (*header_bytes < FORMAT_HEADER_BYTES || *header_bytes > 4096)
		return FORMAT_HEADER_DAMAGED;
	if (length < *header_bytes)
		return FORMAT_HEADER_SHORT;
	if (!checksum_matches(XXH3_64bits(bytes, *header_bytes - CHECKSUM_BYTES),
			      get(bytes + *header_bytes - CHECKSUM_BYTES, CHECKSUM_BYTES)))
		return FORMAT_HEADER_DAMAGED;
	if (*version > FORMAT_VERSION)
		return FORMAT_HEADER_NEWER;
	return *version ? FORMAT_HEADER_GOOD : FORMAT_HEADER_DAMAGED;
}

void format_write_chunk(const struct format_chunk *chunk,
			unsigned char out[static FORMAT_CHUNK_BYTES])
{
	memcpy(out, CHUNK_MAGIC, 4);
	put(out + 4, chunk->type, 2);
	put(out + 6, chunk->flags, 2);
	put(out + 8, chunk->stored_bytes, 4);
	put(out + 12, chunk->raw_bytes, 4);
	put(out + 16, chunk->sequence, 4);
	put(out + 20, chunk->events, 4);
	put(out + 24, chunk->first_ns, 8);
	put(out + 32, chunk->last_ns, 8);
}

void format_write_checksum(uint64_t checksum, unsigned char out[static FORMAT_CHUNK_BYTES])
{
	put(out + FORMAT_CHUNK_BYTES - CHECKSUM_BYTES, checksum, CHECKSUM_BYTES);
}

uint64_t format_checksum(const unsigned char header[static FORMAT_CHUNK_BYTES],
			 const unsigned char *payload, size_t bytes)
{
	uint64_t seed = XXH3_64bits(header, FORMAT_CHUNK_BYTES - CHECKSUM_BYTES);

	return XXH3_64bits_withSeed(payload, bytes, seed);
}

bool format_checksum_matches(const struct format_chunk *chunk,
			     const unsigned char header[static FORMAT_CHUNK_BYTES],
			     const unsigned char *payload)
{
	return checksum_matches(format_checksum(header, payload, chunk->stored_bytes),
				chunk->checksum);
}

static uint32_t format_events_max(const struct format_chunk *chunk)
{
	switch (chunk->type) {
	case FORMAT_EVENTS:
		return chunk->raw_bytes;
	case FORMAT_SAMPLES: /* a byte may stand for many */
		return FORMAT_SAMPLES_MAX;
	default:
		return 0;
	}
}

bool format_chunk_valid(const struct format_chunk *chunk)
{
	bool known = chunk->type && chunk->type < FORMAT_CHUNK_TYPES;
	uint32_t ceiling =
		known && chunk->type != FORMAT_INDEX ? FORMAT_PAYLOAD_MAX : FORMAT_INDEX_MAX;

	if (chunk->raw_bytes > ceiling || chunk->stored_bytes > chunk->raw_bytes)
		return false;
	if (!(chunk->flags & FORMAT_COMPRESSED) && chunk->stored_bytes != chunk->raw_bytes)
		return false;
	if (known && chunk->events > format_events_max(chunk))
		return false;
	return chunk->first_ns <= chunk->last_ns && chunk->last_ns <= FORMAT_TIME_MAX_NS;
}

bool format_parse_chunk(const unsigned char in[static FORMAT_CHUNK_BYTES],
			struct format_chunk *chunk)
{
	if (memcmp(in, CHUNK_MAGIC, 4) != 0)
		return false;
	*chunk = (struct format_chunk){
		.type = (uint16_t)get(in + 4, 2),
		.flags = (uint16_t)get(in + 6, 2),
		.stored_bytes = (uint32_t)get(in + 8, 4),
		.raw_bytes = (uint32_t)get(in + 12, 4),
		.sequence = (uint32_t)get(in + 16, 4),
		.events = (uint32_t)get(in + 20, 4),
		.first_ns = get(in + 24, 8),
		.last_ns = get(in + 32, 8),
		.checksum = get(in + 40, 8),
	};
	return format_chunk_valid(chunk);
}

void format_write_trailer(const struct format_trailer *trailer,
			  unsigned char out[static FORMAT_TRAILER_BYTES])
{
	put(out, trailer->index_offset, 8);
	put(out + 8, trailer->flags, 4);
	put(out + 12, 0, 4);
	memcpy(out + 24, TRAILER_MAGIC, 8);
	put(out + 16, XXH3_64bits(out, 16), CHECKSUM_BYTES);
}

bool format_parse_trailer(const unsigned char in[static FORMAT_TRAILER_BYTES],
			  struct format_trailer *trailer)
{
	if (memcmp(in + 24, TRAILER_MAGIC, 8) != 0 ||
	    !checksum_matches(XXH3_64bits(in, 16), get(in + 16, CHECKSUM_BYTES)))
		return false;
	trailer->index_offset = get(in, 8);
	trailer->flags = (uint32_t)get(in + 8, 4);
	return true;
}

const char *format_chunk_name(unsigned type)
{
	static const char *const names[FORMAT_CHUNK_TYPES] = {
		[FORMAT_META] = "meta",       [FORMAT_DICTIONARY] = "dictionary",
		[FORMAT_EVENTS] = "events",   [FORMAT_ROWS] = "rows",
		[FORMAT_NOTES] = "notes",     [FORMAT_INDEX] = "index",
		[FORMAT_SAMPLES] = "samples",
	};

	return type && type < FORMAT_CHUNK_TYPES ? names[type] : "unknown";
}
