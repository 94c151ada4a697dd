#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The frame of a capture file: header, chunks, trailer. docs/capture-format.md is the
 * specification; names and numbers here are its. All integers are little-endian.
 */
#define FORMAT_MAGIC         "\x89SON\r\n\x1a\n"
#define FORMAT_VERSION       1u
#define FORMAT_HEADER_BYTES  32u
#define FORMAT_CHUNK_BYTES   48u
#define FORMAT_TRAILER_BYTES 32u

enum format_chunk_type {
	FORMAT_META = 1,
	FORMAT_DICTIONARY = 2,
	FORMAT_EVENTS = 3,
	FORMAT_ROWS = 4,
	FORMAT_NOTES = 5,
	FORMAT_INDEX = 6,
	FORMAT_SAMPLES = 7,
	FORMAT_CHUNK_TYPES,
};

/* Flags of a chunk. */
#define FORMAT_COMPRESSED 1u /* the payload is zstd */
#define FORMAT_REQUIRED   2u /* who does not know the type must not read on */
#define FORMAT_PARTIAL    4u /* ROWS: the state is complete with a later chunk */

/* Flags of the trailer. */
#define FORMAT_COMPLETE 1u /* every target ended and was drained */

enum format_meta {
	FORMAT_META_MODE = 1,
	FORMAT_META_SAMPLE_RATE = 2,
	FORMAT_META_WALL_TIME = 3,
	FORMAT_META_PAGE_SIZE = 4,
	FORMAT_META_ARGUMENT = 5,
	FORMAT_META_HOST = 6,
	FORMAT_META_SYSTEM = 7,
	FORMAT_META_SONDE_VERSION = 8,
	FORMAT_META_FLAGS = 9,
	FORMAT_META_TEMPORARY = 10,
	FORMAT_META_SAMPLING_PERIOD = 11,
	FORMAT_META_TIME_METRIC = 12,
};

/* FORMAT_META_FLAGS */
#define FORMAT_NATIVE_STACKS     1u
#define FORMAT_PYTHON_ALLOCATORS 2u
#define FORMAT_NO_ALLOCATIONS    4u

enum format_dictionary {
	FORMAT_STRINGS = 1,
	FORMAT_FRAMES = 2,
	FORMAT_PROCESSES = 3,
	FORMAT_THREADS = 4,
	FORMAT_THREAD_NAMES = 5,
	FORMAT_STACKS = 6,
};

enum format_rows {
	FORMAT_TOTALS = 1,
	FORMAT_ROW_CHANGES = 2,
};

/* A changed row begins with these bits. */
#define FORMAT_ROW_TOTAL     1u
#define FORMAT_ROW_LIVE      2u
#define FORMAT_ROW_TEMPORARY 4u
#define FORMAT_ROW_PEAK      8u

enum format_notes {
	FORMAT_RSS = 1,
	FORMAT_MEMORY = 2,
	FORMAT_PROCESS_END = 3,
	FORMAT_LOST = 4,
	FORMAT_SAMPLING = 5,
};

enum format_index {
	FORMAT_CHUNKS = 1,
};

/* Ceilings: what a reader accepts, and a writer keeps well below. */
#define FORMAT_PAYLOAD_MAX      (1u << 20) /* raw bytes of any chunk but the index */
#define FORMAT_INDEX_MAX        (64u << 20)
#define FORMAT_STRING_MAX       65535u
#define FORMAT_STRINGS_MAX      (1u << 28)
#define FORMAT_STRING_BYTES_MAX (1ull << 32) /* of all strings together */
#define FORMAT_FRAMES_MAX       (1u << 26)
#define FORMAT_STACKS_MAX       (1u << 28)
#define FORMAT_THREADS_MAX      (1u << 22)
#define FORMAT_PROCESSES_MAX    (1u << 20)
#define FORMAT_BLOCK_BYTES_MAX  ((1ull << 56) - 1)
#define FORMAT_SAMPLES_MAX      (1u << 22) /* of a chunk */
#define FORMAT_TIME_MAX_NS      (1ull << 62)
#define FORMAT_ARGUMENTS_MAX    65536u

struct format_chunk {
	uint16_t type;
	uint16_t flags;
	uint32_t stored_bytes;
	uint32_t raw_bytes;
	uint32_t sequence;
	uint32_t events;
	uint64_t first_ns, last_ns;
	uint64_t checksum;
};

struct format_trailer {
	uint64_t index_offset;
	uint32_t flags;
};

void format_write_header(unsigned char out[static FORMAT_HEADER_BYTES]);

enum format_header_state {
	FORMAT_HEADER_GOOD,
	FORMAT_HEADER_OTHER, /* no capture at all */
	FORMAT_HEADER_TEXT,  /* a capture that went through a text-mode copy */
	FORMAT_HEADER_SHORT,
	FORMAT_HEADER_DAMAGED, /* its checksum is wrong */
	FORMAT_HEADER_NEWER,   /* of a later format version, in *version */
};

/* Judges the first bytes of a file; *header_bytes is where the chunks begin. */
enum format_header_state format_parse_header(const unsigned char *bytes, size_t length,
					     uint32_t *version, uint32_t *header_bytes);

/* Without the checksum, which format_checksum makes over these bytes and the payload. */
void format_write_chunk(const struct format_chunk *chunk,
			unsigned char out[static FORMAT_CHUNK_BYTES]);
void format_write_checksum(uint64_t checksum, unsigned char out[static FORMAT_CHUNK_BYTES]);
uint64_t format_checksum(const unsigned char header[static FORMAT_CHUNK_BYTES],
			 const unsigned char *payload, size_t bytes);
bool format_checksum_matches(const struct format_chunk *chunk,
			     const unsigned char header[static FORMAT_CHUNK_BYTES],
			     const unsigned char *payload);
/* Whether it keeps the rules and ceilings that can be seen without the payload. */
bool format_chunk_valid(const struct format_chunk *chunk);
/* False if this is no chunk header, or not a valid one. */
bool format_parse_chunk(const unsigned char in[static FORMAT_CHUNK_BYTES],
			struct format_chunk *chunk);

void format_write_trailer(const struct format_trailer *trailer,
			  unsigned char out[static FORMAT_TRAILER_BYTES]);
bool format_parse_trailer(const unsigned char in[static FORMAT_TRAILER_BYTES],
			  struct format_trailer *trailer);

/* "events"; "unknown" for types of a later version. */
const char *format_chunk_name(unsigned type);
