#include "capture/dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "capture/format.h"
#include "capture/input.h"
#include "capture/section.h"
#include "capture/trial.h"

/*
 *     test_golden FOLDER            every FOLDER/x.sonde reads as FOLDER/x.txt says
 *     test_golden FOLDER --write    makes those that are not there yet
 *
 * Captures of a released format version are never made again: they prove that they can still be
 * read. What a reader says of them may change, and then their texts do (remove them, and write).
 */
static const char *folder;

static const char *golden_path(const char *name, const char *ending)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
	return path;
}

static unsigned char *load(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long end;

	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	end = ftell(file);
	rewind(file);
	bytes = malloc((size_t)end + 1);
	*length = fread(bytes, 1, (size_t)end, file);
	bytes[*length] = 0;
	fclose(file);
	return bytes;
}

/* A text too long to look at is stored as its hash. */
#define TEXT_MAX 65536u

static char *dump(const char *name, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	unsigned broken = dump_capture(golden_path(name, ".sonde"), out);

	fclose(out);
	if (broken)
		fail_msg("%s: %s", name, strstr(text, "BROKEN"));
	if (*length > TEXT_MAX) {
		XXH64_hash_t hash = XXH3_64bits(text, *length);

		*length = (size_t)snprintf(text, TEXT_MAX, "%zu bytes of text, XXH3 %016llx\n",
					   *length, (unsigned long long)hash);
	}
	return text;
}

static void test_golden(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned captures = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *ending = strstr(entry->d_name, ".sonde");
		size_t length, wanted_length;
		char *text, *wanted;

		if (!ending || ending[6])
			continue;
		*ending = 0;
		wanted = (char *)load(golden_path(entry->d_name, ".txt"), &wanted_length);
		if (!wanted)
			fail_msg("%s has no text", entry->d_name);
		text = dump(entry->d_name, &length);
		if (strcmp(text, wanted) != 0)
			fail_msg("%s reads as:\n%s", entry->d_name, text);
		free(text);
		free(wanted);
		captures++;
	}
	closedir(dir);
	assert_true(captures >= 20);
}

/* From here on: how they were made. */

static void write_bytes(const char *name, const unsigned char *bytes, size_t length)
{
	int fd = open(golden_path(name, ".sonde"), O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		return;
	if (write(fd, bytes, length) != (ssize_t)length)
		abort();
	close(fd);
	printf("wrote %s\n", golden_path(name, ".sonde"));
}

/* A recording with something of everything; returns how long the file was before it was closed. */
static size_t record(enum capture_mode mode, unsigned events)
{
	const struct capture_memory memory = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	const uint64_t lost[LOST_END] = {1, 2, 3, 4, 5};
	struct capture_writer *w = trial_open("recorded", mode);
	struct error err;
	struct trial t;
	size_t length;

	trial_begin(&t, w, 2);
	t.shy = true;
	for (unsigned i = 0; i < 3 && events; i++) {
		trial_run(&t, events);
		writer_rss(w, t.process, t.time_ns, 4096 * (i + 1));
		if (t.living_count)
			trial_shrink(&t, 2, 0, t.blocks[t.living[0]].bytes / 2);
		writer_seal(w, 0, &err);
		t.time_ns += 5000000;
	}
	writer_thread_name(w, 1, "renamed");
	writer_memory(w, t.process, t.time_ns, &memory);
	writer_lost(w, lost);
	writer_process_end(w, t.process, t.time_ns, 9);
	writer_seal(w, 0, &err);
	length = writer_bytes(w);
	if (writer_close(w, true, &err) < 0)
		abort();
	trial_end(&t);
	return length;
}

/* Time alone: threads that come and go, three chunks of samples. */
static size_t record_samples(void)
{
	static const char *const command_line[] = {"sonde", "run", "--cpu", "app.py", NULL};
	const struct capture_start start = {
		.wall_time_ns = 1700000000123456789,
		.page_size = 4096,
		.command_line = command_line,
		.host = "example",
		.system = "Linux 6.1.0 x86_64",
		.sonde_version = "0.1.0",
		.sampling_period_ns = 1000000,
		.time_metric = CAPTURE_TIME_CPU,
	};
	struct capture_sampling sampling = {60, 1, 61000000, 180, 30, 300, 7, 2, 20000, 1, 3, 4, 5};
	struct capture_writer *w;
	struct error err;
	struct trial t;
	size_t length;

	if (writer_open(trial_path("recorded"), true, &start, &w, &err) < 0)
		abort();
	trial_begin(&t, w, 4);
	for (unsigned i = 0; i < 3; i++) {
		trial_sample(&t, 20);
		t.threads = (t.threads + i) % 3 + 1;
		sampling.cpu_ns += 1000000;
		writer_sampling(w, &sampling);
		writer_samples(w, t.process, t.time_ns + 1000000, NULL, 0);
		writer_seal(w, 0, &err);
	}
	length = writer_bytes(w);
	if (writer_close(w, true, &err) < 0)
		abort();
	trial_end(&t);
	return length;
}

static void write_samples(void)
{
	size_t open_length = record_samples(), length = 0;
	unsigned char *bytes = load(trial_path("recorded"), &length);

	write_bytes("samples", bytes, length);
	write_bytes("samples-killed", bytes, open_length);
	write_bytes("bad-samples-cut", bytes, open_length - 150);
	free(bytes);
}

static void write_recordings(void)
{
	size_t length = 0, open_length;
	unsigned char *bytes;

	record(CAPTURE_FULL, 0);
	bytes = load(trial_path("recorded"), &length);
	write_bytes("empty", bytes, length);
	free(bytes);
	record(CAPTURE_AGGREGATE, 40);
	bytes = load(trial_path("recorded"), &length);
	write_bytes("aggregate", bytes, length);
	free(bytes);
	record(CAPTURE_FULL, 20000);
	bytes = load(trial_path("recorded"), &length);
	write_bytes("large", bytes, length);
	free(bytes);
	open_length = record(CAPTURE_FULL, 40);
	bytes = load(trial_path("recorded"), &length);
	write_bytes("full", bytes, length);
	write_bytes("killed", bytes, open_length);
	write_bytes("bad-cut", bytes, open_length - 10);
	write_bytes("bad-cut-header", bytes, 20);
	write_bytes("bad-nothing", bytes, 0);
	bytes[open_length / 2] ^= 4;
	write_bytes("bad-byte", bytes, length);
	bytes[open_length / 2] ^= 4;
	bytes[length - 40] ^= 4;
	write_bytes("bad-index", bytes, length);
	memcpy(bytes, "\x89SON\n\x1a\nX", 8);
	write_bytes("bad-text-mode", bytes, length);
	free(bytes);
}

/* A capture made by hand: chunks as they are, not compressed, and no index. */
static struct buffer hand;
static uint32_t hand_sequence;

static void hand_begin(void)
{
	unsigned char header[FORMAT_HEADER_BYTES];

	buffer_clear(&hand);
	hand_sequence = 0;
	format_write_header(header);
	buffer_add(&hand, header, sizeof(header));
}

static void hand_chunk(struct format_chunk chunk, const void *payload, size_t length)
{
	unsigned char header[FORMAT_CHUNK_BYTES];

	chunk.stored_bytes = (uint32_t)length;
	if (!(chunk.flags & FORMAT_COMPRESSED))
		chunk.raw_bytes = (uint32_t)length;
	chunk.sequence = hand_sequence++;
	format_write_chunk(&chunk, header);
	format_write_checksum(format_checksum(header, payload, length), header);
	buffer_add(&hand, header, sizeof(header));
	buffer_add(&hand, payload, length);
}

static void hand_end(const char *name)
{
	write_bytes(name, hand.data, hand.used);
}

/* Copies the good capture without compression, with `more` called before each chunk. */
static void hand_copy(void (*more)(unsigned type))
{
	const struct input_chunk *chunks;
	struct input *in;
	struct error err;
	size_t count;

	if (input_open(golden_path("full", ".sonde"), &in, &err) < 0)
		abort();
	count = input_chunks(in, &chunks);
	hand_begin();
	for (size_t i = 0; i < count; i++) {
		struct format_chunk head = chunks[i].head;
		const unsigned char *payload;
		size_t length;

		if (input_load(in, i, &payload, &length))
			abort();
		if (head.type == FORMAT_INDEX)
			continue;
		if (more)
			more(head.type);
		head.flags &= (uint16_t)~FORMAT_COMPRESSED;
		hand_chunk(head, payload, length);
	}
	input_close(in);
}

static void unknown_chunk(unsigned type)
{
	if (type == FORMAT_EVENTS)
		hand_chunk((struct format_chunk){.type = 4711}, "of a later version", 18);
}

static void unknown_required_chunk(unsigned type)
{
	if (type == FORMAT_NOTES)
		hand_chunk((struct format_chunk){.type = 4711, .flags = FORMAT_REQUIRED}, "?", 1);
}

#define HAND_CHUNK(chunk_type, chunk_flags, text)                                             \
	hand_chunk((struct format_chunk){.type = (chunk_type), .flags = (chunk_flags)}, text, \
		   sizeof(text) - 1)

static void hand_events(uint32_t events, uint64_t last_ns, const void *payload, size_t length)
{
	hand_chunk((struct format_chunk){.type = FORMAT_EVENTS,
					 .flags = FORMAT_REQUIRED,
					 .events = events,
					 .last_ns = last_ns},
		   payload, length);
}

#define HAND_EVENTS(events, last_ns, text) hand_events(events, last_ns, text, sizeof(text) - 1)

static void hand_start(void)
{
	hand_begin();
	HAND_CHUNK(FORMAT_META, FORMAT_REQUIRED, "\x01\x01\x00");
}

static void hand_samples(uint32_t samples, uint64_t first_ns, uint64_t last_ns, const void *payload,
			 size_t length)
{
	hand_chunk((struct format_chunk){.type = FORMAT_SAMPLES,
					 .events = samples,
					 .first_ns = first_ns,
					 .last_ns = last_ns},
		   payload, length);
}

#define HAND_SAMPLES(samples, first_ns, last_ns, text) \
	hand_samples(samples, first_ns, last_ns, text, sizeof(text) - 1)

/* Ten rounds of one unknown thread without Python code; 4 codes, 7 arguments, 10 times. */
#define TEN_ROUNDS                                                         \
	"\x04\x00\x00\x00\x07\x00\x00\x00\x95\x92\x91\xa8\x0a\x10\x00\x00" \
	"\x00\x01\x00\x1f\x00\x00\x00\x00\x00\x00\x00\x00\x00"

static void write_wrong_samples(void)
{
	hand_start();
	HAND_SAMPLES(10, 1000, 1000000, TEN_ROUNDS);
	hand_end("samples-by-hand");
	hand_start();
	HAND_SAMPLES(11, 1000, 1000000, TEN_ROUNDS);
	hand_end("bad-samples-count");
	hand_start();
	HAND_SAMPLES(10, 1000, 100000, TEN_ROUNDS);
	hand_end("bad-samples-time");
	hand_start();
	HAND_SAMPLES(10, 1000, 1000000, TEN_ROUNDS);
	HAND_SAMPLES(10, 999999, 2000000, TEN_ROUNDS);
	hand_end("bad-samples-order");
	hand_start();
	HAND_SAMPLES(1, 0, 0, "\x02\x00\x00\x00\x03\x00\x00\x00\x95\x92\x00\x00\x02\x00");
	hand_end("bad-samples-thread");
	hand_start();
	HAND_SAMPLES((1u << 22) + 1, 0, 0, TEN_ROUNDS);
	hand_end("bad-samples-many");
}

/* Sections that a version 1 reader does not know, and fields behind those that it does. */
static void write_later(void)
{
	hand_begin();
	HAND_CHUNK(FORMAT_META, FORMAT_REQUIRED,
		   "\x01\x02\x00\x7f\x70\x03"
		   "abc");
	HAND_CHUNK(FORMAT_DICTIONARY, FORMAT_REQUIRED,
		   "\x70\x02zz\x01\x06\x01\x02\x01\x01"
		   "fg\x02\x07\x01\x01\x00\x02\x04\x0e\x55"
		   "\x06\x04\x01\x01\x00\x02");
	HAND_CHUNK(FORMAT_NOTES, 0, "\x70\x00\x04\x08\x07\x01\x02\x03\x04\x05\x06\x07");
	HAND_EVENTS(2, 0, "\x02\x00\x00\x00\xf2\x80\x01\x02\x01\x64");
	hand_end("later");
}

/* Checksums that are right over what is wrong. */
static void write_wrong(void)
{
	uint64_t checksum;

	hand_start();
	HAND_CHUNK(FORMAT_DICTIONARY, 0,
		   "\x01\x05\x01\x01\x01\xff"
		   "x");
	hand_end("bad-string");
	hand_start();
	HAND_CHUNK(FORMAT_DICTIONARY, 0, "\x02\x06\x01\x01\x00\x04\x00\x00");
	hand_end("bad-frame");
	hand_start();
	HAND_CHUNK(FORMAT_DICTIONARY, 0,
		   "\x02\x06\x01\x01\x00\x00\x00\x00\x06\x04\x01\x01\x01\x02");
	hand_end("bad-parent");
	hand_start();
	HAND_CHUNK(FORMAT_DICTIONARY, 0, "\x06\x04\x02\x01\x00\x02");
	hand_end("bad-ids");
	hand_start();
	HAND_EVENTS(1, 0, "\x01\x00\x00\x00\xf2\x01\x02\x01\x64");
	hand_end("bad-stack");
	hand_start();
	HAND_EVENTS(3, 0, "\x03\x00\x00\x00\xf2\x80\xf3\x01\x00\x01\x64\x00");
	hand_end("bad-release");
	hand_start();
	HAND_EVENTS(1, 0, "\x02\x00\x00\x00\xf2\x00\x01\x00\x01\x64");
	hand_end("bad-count");
	hand_start();
	HAND_EVENTS(1, 5000, "\x02\x00\x00\x00\xf5\xf2\x01\x05\x00\x01\x64");
	hand_end("bad-time");
	hand_start();
	HAND_EVENTS(1, 0, "\x01\x00\x00\x00\xf2\x09\x00\x01\x64");
	hand_end("bad-first-slot");
	hand_start();
	HAND_EVENTS(1, 0, "\x01\x00\x00\x00\xff\x01");
	hand_end("bad-code");
	hand_start();
	hand_chunk((struct format_chunk){.type = FORMAT_EVENTS,
					 .flags = FORMAT_REQUIRED | FORMAT_COMPRESSED,
					 .raw_bytes = 100},
		   "no zstd", 7);
	hand_end("bad-zstd");
	hand_start();
	HAND_CHUNK(FORMAT_META, FORMAT_REQUIRED, "");
	hand_end("bad-second-start");
	hand_start();
	hand_sequence++;
	HAND_EVENTS(0, 0, "\x00\x00\x00\x00\x01");
	hand_end("bad-sequence");
	hand_start();
	HAND_EVENTS(0, 5000, "\x00\x00\x00\x00\x01");
	HAND_EVENTS(0, 0, "\x00\x00\x00\x00\x01");
	hand_end("bad-order");
	hand_begin();
	HAND_EVENTS(0, 0, "\x00\x00\x00\x00\x01");
	hand_end("bad-no-start");
	hand_begin();
	memcpy(hand.data + 8, "\x09", 1);
	checksum = XXH3_64bits(hand.data, 24);
	memcpy(hand.data + 24, &checksum, 8);
	hand_end("bad-newer");
}

static int write_all(void)
{
	DIR *dir;
	struct dirent *entry;

	buffer_init(&hand, 1 << 20);
	write_recordings();
	write_samples();
	hand_copy(NULL);
	hand_end("stored");
	hand_copy(unknown_chunk);
	hand_end("unknown-chunk");
	hand_copy(unknown_required_chunk);
	hand_end("bad-required-chunk");
	write_later();
	write_wrong();
	write_wrong_samples();
	buffer_deinit(&hand);

	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		char *ending = strstr(entry->d_name, ".sonde");
		size_t length;
		FILE *file;
		char *text;

		if (!ending || ending[6])
			continue;
		*ending = 0;
		file = fopen(golden_path(entry->d_name, ".txt"), "wx");
		if (!file)
			continue;
		text = dump(entry->d_name, &length);
		fputs(text, file);
		fclose(file);
		free(text);
	}
	if (dir)
		closedir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER [--write]\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	if (argc > 2 && !strcmp(argv[2], "--write"))
		return write_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
