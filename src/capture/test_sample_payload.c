#include "capture/sample_decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "capture/sample_code.h"

/* Codes, arguments behind those of the time, times. Stacks and threads 1 to 5 are there, times are
 * from 1,000 to 1,800 ns in units of 8, and a round is expected every 10 units. */
#define SAMPLES(codes, arguments, times)                                                         \
	codes, sizeof(codes) - 1, "\x03\x0a" arguments, sizeof("\x03\x0a" arguments) - 1, times, \
		sizeof(times) - 1

struct payload {
	const char *codes;
	size_t code_bytes;
	const char *arguments;
	size_t argument_bytes;
	const char *times;
	size_t time_bytes;
	uint32_t samples;
	const char *problem; /* NULL: none */
};

static size_t decode(const struct payload *p, struct sample_event *samples, size_t max)
{
	struct sample_decoder *d = sample_decoder_create();
	size_t length = 8 + p->code_bytes + p->argument_bytes + p->time_bytes;
	unsigned char *bytes = malloc(length);
	struct sample_chunk chunk = {
		.payload = bytes,
		.length = length,
		.samples = p->samples,
		.first_ns = 1000,
		.last_ns = 1800,
		.stacks = 5,
		.threads = 5,
	};
	const char *problem;
	size_t n = 0;

	memcpy(bytes,
	       (unsigned char[]){(unsigned char)p->code_bytes, 0, 0, 0,
				 (unsigned char)p->argument_bytes, 0, 0, 0},
	       8);
	memcpy(bytes + 8, p->codes, p->code_bytes);
	memcpy(bytes + 8 + p->code_bytes, p->arguments, p->argument_bytes);
	memcpy(bytes + 8 + p->code_bytes + p->argument_bytes, p->times, p->time_bytes);
	problem = sample_decoder_begin(d, &chunk);
	if (!problem) {
		/* One at a time: a decoder may be left anywhere. */
		while (sample_decoder_run(d, samples + n, 1)) {
			n++;
			assert_true(n < max);
		}
		problem = sample_decoder_problem(d);
		/* What was wrong stays wrong, and nothing comes after it. */
		if (problem)
			assert_int_equal(sample_decoder_run(d, samples + n, max - n), 0);
		else
			assert_true(sample_decoder_progress(d) == 1);
	}
	if (strcmp(problem ? problem : "", p->problem ? p->problem : "") != 0)
		fail_msg("\"%s\" instead of \"%s\"", problem ? problem : "", p->problem);
	free(bytes);
	sample_decoder_destroy(d);
	return n;
}

static void test_codes(void **state)
{
	const struct payload p = {
		SAMPLES(/* round: threads 3 and 4 come */ "\x95\x92\x91\x92\x91"
							  /* two rounds as it */ "\xa3"
							  /* both do what 3 did; then thread 5, of
							     another group */
							  "\x00\x80\x94\x95\x92\x90"
							  /* thread 3 keeps to it, 4 goes; thread 5
							     at the same time */
							  "\xa0\x93\x95\xa0",
			"\x06\x04\x00\x03\x00\x02\x01\x01\x00\x01"
			"\x00\x03\x02\x01\x00",
			"\x13\x00\x02\x01\x00"),
		.samples = 11,
	};
	static const struct sample_event wanted[] = {
		{1000, 3, 2, 3, 0}, {1000, 4, 1, 0, 1}, {1080, 3, 2, 3, 0}, {1080, 4, 1, 0, 1},
		{1168, 3, 2, 3, 0}, {1168, 4, 1, 0, 1}, {1240, 3, 2, 3, 0}, {1240, 4, 2, 3, 0},
		{1240, 5, 1, 0, 1}, {1320, 3, 2, 3, 0}, {1320, 5, 1, 0, 1},
	};
	struct sample_event samples[16] = {0};

	(void)state;
	assert_int_equal(decode(&p, samples, 16), 11);
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(samples[i].time_ns, wanted[i].time_ns);
		assert_int_equal(samples[i].thread, wanted[i].thread);
		assert_int_equal(samples[i].stack, wanted[i].stack);
		assert_int_equal(samples[i].flags, wanted[i].flags);
		assert_int_equal(samples[i].wait, wanted[i].wait);
	}
}

/* A thread that goes on without a change for 64 samples. */
static void test_long_runs(void **state)
{
	struct payload p = {
		SAMPLES("\x95\x92\x91\xf0", "\x02\x00\x00\x00\x00", ""),
		.samples = 65,
	};
	struct sample_event samples[100];
	char times[65];

	(void)state;
	memset(times, '\x13', sizeof(times));
	p.times = times;
	p.time_bytes = sizeof(times);
	assert_int_equal(decode(&p, samples, 100), 65);
	assert_int_equal(samples[64].thread, 1);
	assert_int_equal(samples[64].time_ns, 1000);
}

#define BEGIN           "\x95\x92\x91" /* thread 1 does the first site */
#define BEGIN_ARGUMENTS "\x02\x00\x00\x00\x00"
#define BEGIN_TIME      "\x13"

#define TIME  "the time of a round is not within its chunk"
#define OTHER "a sample chunk holds other than it says"

static void test_bad_samples(void **state)
{
	static const struct payload bad[] = {
		{SAMPLES("\x95", "", ""), 0, TIME},
		{SAMPLES("\x95", "", "\x15"), 0, TIME},     /* before the chunk */
		{SAMPLES("\x95", "", "\xb6\x01"), 0, TIME}, /* behind it */
		{SAMPLES("\x95", "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, TIME},
		{SAMPLES(BEGIN "\xa0", BEGIN_ARGUMENTS, BEGIN_TIME), 2, TIME},
		{SAMPLES(BEGIN "\xa0", BEGIN_ARGUMENTS, BEGIN_TIME "\x15"), 2, TIME},
		{SAMPLES("\xa0", "", "\x13"), 1, "a thread is named that is not there"},
		{SAMPLES("\x95\x92", "\x0c", "\x13"), 1, "a thread is named that is not there"},
		{SAMPLES("\x95\x92", "\x01", "\x13"), 1, "a thread is named that is not there"},
		{SAMPLES("\x95\x92", "", "\x13"), 1, "a thread is named that is not there"},
		{SAMPLES("\x95\x92", "\x02", "\x13"), 0, "a round breaks off"},
		{SAMPLES("\x95\x92\xa0", "\x02", "\x13"), 1, "a thread comes and does nothing"},
		{SAMPLES("\x95\x92\x92", "\x02", "\x13"), 1, "a thread comes and does nothing"},
		{SAMPLES("\x95\x93", "", "\x13"), 0, "a thread goes that is not there"},
		{SAMPLES("\x95\x92\x00", "\x02", "\x13"), 1, "a site is named that is not there"},
		{SAMPLES("\x95\x92\x80", "\x02\x00", "\x13"), 1,
		 "a site is named that is not there"},
		{SAMPLES(BEGIN "\x81", BEGIN_ARGUMENTS "\x00", BEGIN_TIME BEGIN_TIME), 2,
		 "a site is named that is not there"},
		{SAMPLES(BEGIN "\x80", BEGIN_ARGUMENTS, BEGIN_TIME BEGIN_TIME), 2,
		 "a site is named that is not there"},
		{SAMPLES(BEGIN "\x90", BEGIN_ARGUMENTS "\x00", BEGIN_TIME BEGIN_TIME), 2,
		 "a site is named that is not there"},
		{SAMPLES(BEGIN "\x90", BEGIN_ARGUMENTS "\x00\x01", BEGIN_TIME BEGIN_TIME), 2,
		 "a site is named that is not there"},
		{SAMPLES("\x95\x92\x91", "\x02\x0c\x00\x00\x00", "\x13"), 1,
		 "a stack is named that is not there"},
		{SAMPLES("\x95\x92\x91", "\x02\x01\x00\x00\x00", "\x13"), 1,
		 "a stack is named that is not there"},
		{SAMPLES("\x95\x92\x91", "\x02\x00\x01\x00\x00", "\x13"), 1, "a sample breaks off"},
		{SAMPLES("\x95\x92\x91", "\x02\x00\x00\x80\x80\x04\x00", "\x13"), 1,
		 "a sample breaks off"},
		{SAMPLES("\x95\x92\x91", "\x02\x00\x00\x00", "\x13"), 1, "a sample breaks off"},
		{SAMPLES("\x94", "\x04", ""), 0, "a group of threads is named that is not there"},
		{SAMPLES("\x94", "", ""), 0, "a group of threads is named that is not there"},
		/* Group 1 is there once it was named, and has no thread yet. */
		{SAMPLES("\x94\xa0", "\x02", "\x13"), 1, "a thread is named that is not there"},
		{SAMPLES(BEGIN "\x92\x00\x95\x95", BEGIN_ARGUMENTS "\x00",
			 BEGIN_TIME BEGIN_TIME BEGIN_TIME),
		 2, "a round breaks off"},
		{SAMPLES(BEGIN "\x92\x00\xa0", BEGIN_ARGUMENTS "\x00", BEGIN_TIME BEGIN_TIME), 3,
		 "a round breaks off"},
		{SAMPLES("\x96", "", ""), 0, "a sample code that is none"},
		{SAMPLES("\x9f", "", ""), 0, "a sample code that is none"},
		{SAMPLES(BEGIN, BEGIN_ARGUMENTS, BEGIN_TIME), 0, OTHER},
		{SAMPLES(BEGIN, BEGIN_ARGUMENTS, BEGIN_TIME), 2, OTHER},
		{SAMPLES(BEGIN, BEGIN_ARGUMENTS "\x00", BEGIN_TIME), 1, OTHER},
		{SAMPLES(BEGIN, BEGIN_ARGUMENTS, BEGIN_TIME "\x00"), 1, OTHER},
		{SAMPLES(BEGIN "\xff", BEGIN_ARGUMENTS, BEGIN_TIME BEGIN_TIME), 2, TIME},
	};
	static const struct payload good[] = {
		{SAMPLES("", "", ""), 0, NULL},
		{SAMPLES(BEGIN, BEGIN_ARGUMENTS, BEGIN_TIME), 1, NULL},
		/* A round of nobody, and one at the chunk's last time. */
		{SAMPLES("\x95", "", "\xb4\x01"), 0, NULL},
		{SAMPLES(BEGIN "\x95\x93\x95", BEGIN_ARGUMENTS, BEGIN_TIME BEGIN_TIME BEGIN_TIME),
		 1, NULL},
	};
	struct sample_event samples[16] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		decode(&bad[i], samples, 16);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(decode(&good[i], samples, 16), good[i].samples);
}

/* Cut anywhere, or with lengths that say other than there is. */
static void test_short_payloads(void **state)
{
	static const unsigned char payload[] =
		"\x03\x00\x00\x00\x07\x00\x00\x00" BEGIN "\x03\x0a" BEGIN_ARGUMENTS BEGIN_TIME;
	struct sample_decoder *d = sample_decoder_create();
	struct sample_event sample;
	struct sample_chunk chunk = {
		.payload = payload,
		.samples = 1,
		.last_ns = 1000,
		.stacks = 5,
		.threads = 5,
	};

	(void)state;
	for (; chunk.length < sizeof(payload) - 2; chunk.length++)
		assert_string_equal(sample_decoder_begin(d, &chunk), "a sample chunk breaks off");
	assert_null(sample_decoder_begin(d, &chunk));
	assert_int_equal(sample_decoder_run(d, &sample, 1), 0);
	assert_string_equal(sample_decoder_problem(d), TIME);
	chunk.length++;
	assert_null(sample_decoder_begin(d, &chunk));
	assert_int_equal(sample_decoder_run(d, &sample, 1), 1);
	assert_int_equal(sample_decoder_run(d, &sample, 1), 0);
	assert_null(sample_decoder_problem(d));
	for (unsigned i = 0; i < 8; i++) {
		unsigned char wrong[sizeof(payload)];

		memcpy(wrong, payload, sizeof(payload));
		wrong[i] += 200;
		chunk.payload = wrong;
		assert_string_equal(sample_decoder_begin(d, &chunk), "a sample chunk breaks off");
	}
	/* Units of time that no time fits into. */
	chunk.payload = (const unsigned char *)"\x00\x00\x00\x00\x02\x00\x00\x00\x29\x00";
	chunk.length = 10;
	assert_string_equal(sample_decoder_begin(d, &chunk), "a sample chunk breaks off");
	sample_decoder_destroy(d);
	sample_decoder_destroy(NULL);
}

/* Sites and states beyond those that get a number. */
static void test_many_sites(void **state)
{
	enum {
		SITES = SAMPLE_CODE_SITES + 10
	};
	struct buffer codes, arguments, all;
	struct sample_decoder *d = sample_decoder_create();
	struct sample_event *samples = calloc(SITES + 2, sizeof(*samples));
	struct sample_chunk chunk = {.samples = SITES + 2, .stacks = 5, .threads = 5};

	(void)state;
	buffer_init(&codes, 1 << 20);
	buffer_init(&arguments, 1 << 20);
	buffer_init(&all, 1 << 20);
	buffer_add(&arguments, "\x00\x00", 2);
	buffer_add_byte(&codes, SAMPLE_CODE_ROUND);
	for (unsigned i = 0; i < SITES + 2; i++) {
		buffer_add_byte(&codes, SAMPLE_CODE_INSERT);
		buffer_add_byte(&arguments, 0);
		if (i < SITES) {
			buffer_add_byte(&codes, SAMPLE_CODE_NEW);
			buffer_add_byte(&arguments, 0);
			buffer_add_varint(&arguments,
					  i < SAMPLE_CODE_STATES ? i : SAMPLE_CODE_STATES);
			buffer_add_varint(&arguments, i % 65536);
			buffer_add_varint(&arguments, i / 65536);
		} else {
			buffer_add_byte(&codes, SAMPLE_CODE_FARTHER);
			buffer_add(&arguments, i == SITES ? "\xff\xff" : "\x00\x10", 2);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		buffer_add_byte(&all, (uint8_t)(codes.used >> 8 * i));
	for (unsigned i = 0; i < 4; i++)
		buffer_add_byte(&all, (uint8_t)(arguments.used >> 8 * i));
	buffer_add(&all, codes.data, codes.used);
	buffer_add(&all, arguments.data, arguments.used);
	buffer_add_byte(&all, 0);
	assert_false(all.failed);
	chunk.payload = all.data;
	chunk.length = all.used;
	assert_null(sample_decoder_begin(d, &chunk));
	assert_int_equal(sample_decoder_run(d, samples, SITES + 2), SITES + 2);
	assert_int_equal(sample_decoder_run(d, samples, 1), 0);
	assert_null(sample_decoder_problem(d));
	assert_int_equal(samples[SITES - 1].flags, 9);
	assert_int_equal(samples[SITES - 1].wait, 1);
	assert_int_equal(samples[SITES].flags, 65535);
	assert_int_equal(samples[SITES + 1].flags, 4096);
	buffer_deinit(&codes);
	buffer_deinit(&arguments);
	buffer_deinit(&all);
	sample_decoder_destroy(d);
	free(samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),       cmocka_unit_test(test_long_runs),
		cmocka_unit_test(test_bad_samples), cmocka_unit_test(test_short_payloads),
		cmocka_unit_test(test_many_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
