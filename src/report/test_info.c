#include "report/formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analysis/specimen.h"

static char *write_document(struct capture_reader *reader, bool json)
{
	const struct profile_options options = {.metric = metric_usual(reader), .both = true};
	const struct report_options report = {.json = json, .columns = 80};
	struct profile *profile;
	struct error err;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(profile_create(reader, &options, &profile, &err), 0);
	assert_int_equal(report_info.write(profile, &report, out, &err), 0);
	fclose(out);
	profile_destroy(profile);
	reader_close(reader);
	return text;
}

static void expect(const char *text, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(text, parts[i]) == NULL)
			fail_msg("no '%s' in\n%s", parts[i], text);
	}
}

#define EXPECT(text, parts) expect(text, parts, sizeof(parts) / sizeof((parts)[0]))

static const struct capture_sampling usual = {
	.rounds = 1960,
	.rounds_missed = 40,
	.sampled_ns = 2000000000,
	.looks = 5880,
	.unchanged = 3920,
	.reads = 4100,
	.retries = 180,
	.pauses = 1,
	.paused_ns = 25000,
	.failures = 2,
	.cpu_ns = 19600000,
	.processes_unsampled = 1,
};

static void sample(struct specimen *s, unsigned rounds)
{
	stack_id stack = specimen_stack(s, 0, "main", "app.py", 3);
	const struct capture_sample did[] = {
		{s->thread, stack, SAMPLE_RUNNING, SAMPLE_WAIT_NONE},
		{writer_thread(s->writer, s->process, 101, "pool"), 0, 0, SAMPLE_WAIT_FUTEX},
	};

	for (unsigned i = 0; i < rounds; i++)
		writer_samples(s->writer, s->process, i * UINT64_C(1020408), did, 2);
}

static struct capture_reader *make(bool allocations, const struct capture_sampling *sampling)
{
	struct capture_start start = specimen_start();
	struct specimen s;

	start.allocations = allocations;
	start.sampling_period_ns = 1000000;
	start.time_metric = CAPTURE_TIME_CPU;
	specimen_begin(&s, &start);
	if (allocations)
		specimen_malloc(&s, 0, 100);
	sample(&s, 1960);
	if (sampling != NULL)
		writer_sampling(s.writer, sampling);
	return specimen_read(&s, true);
}

static void time_alone(void **state)
{
	static const char *const lines[] = {
		"whole: closed in order, no damage, nothing lost\n",
		"what       stacks of all threads at 1000 Hz, read as CPU time\n",
		", format 1, 3,920 samples of ",
		"\nSampling\n",
		"  rounds    1,960, about every 1.0 ms (1.0 ms was asked for)\n",
		"  missed    40 rounds were too late (2.0 %)\n",
		"  cost      19.6 ms of CPU time, 3.3 us a look\n\n",
		"  samples                   ",
	};
	static const char *const keys[] = {
		"\"whole\":true,\"mode\":\"full\"",
		"\"recorded\":[\"time\"]",
		"\"sampling\":{\"rate_asked_hz\":1000,\"metric\":\"cpu\",",
		"\"period_asked_seconds\":0.001,\"rounds\":1960,\"rounds_missed\":40,",
		"\"retries\":180,\"pauses\":1,\"paused_seconds\":0.000025,\"failures\":2,",
		"\"cpu_seconds\":0.0196,\"processes_unsampled\":1,\"samples\":3920,",
		"{\"type\":\"samples\",\"chunks\":1,",
	};
	char *text = write_document(make(false, &usual), false);

	(void)state;
	EXPECT(text, lines);
	assert_null(strstr(text, "allocations"));
	assert_null(strstr(text, " events"));
	free(text);
	text = write_document(make(false, &usual), true);
	EXPECT(text, keys);
	free(text);
}

static void beside_allocations(void **state)
{
	static const char *const lines[] = {
		"what       allocations, every event with its time; stacks of all threads at "
		"1000 Hz, read as CPU time\n",
		", format 1, 1 events, 3,920 samples\n",
		"\nSampling\n  samples   3,920\n\n",
	};
	static const char *const keys[] = {
		"\"recorded\":[\"allocations\",\"time\"]",
		"\"events\":1,",
		"\"sampling\":{\"rate_asked_hz\":1000,\"metric\":\"cpu\",",
		"\"period_asked_seconds\":0.001,\"samples\":3920,",
	};
	char *text = write_document(make(true, NULL), false);

	(void)state;
	EXPECT(text, lines);
	free(text);
	text = write_document(make(true, NULL), true);
	EXPECT(text, keys);
	free(text);
}

/* A sample that was taken and not kept is a loss; a round that came too late is none. */
static void lost_samples(void **state)
{
	struct capture_sampling sampling = usual;
	char *text;

	(void)state;
	sampling.missed = 1;
	sampling.dropped = 1500;
	text = write_document(make(false, &sampling), false);
	assert_ptr_equal(strstr(text, "not whole\n"), text);
	assert_non_null(strstr(text, "  lost      1,501 samples\n"));
	free(text);
}

/* All of the file is checked, also what a profile of memory does not read. */
static void damaged_samples(void **state)
{
	struct capture_start start = specimen_start();
	struct specimen s;
	char *text;

	(void)state;
	start.sampling_period_ns = 1000000;
	specimen_begin(&s, &start);
	/* Much more than the rest, so that the middle of the file is here. */
	for (unsigned i = 0; i < 3000; i++) {
		const struct capture_sample did = {
			.thread = s.thread,
			.flags = (uint16_t)(i * 7919 % 251),
		};

		writer_samples(s.writer, s.process, i * UINT64_C(1000000), &did, 1);
	}
	text = write_document(specimen_read_damaged(&s), false);
	assert_ptr_equal(strstr(text, "not whole\n"), text);
	assert_non_null(strstr(text, "warning: the capture is damaged"));
	assert_non_null(strstr(text, "(samples)"));
	free(text);
}

static void no_sampling(void **state)
{
	struct specimen s;
	char *text;

	(void)state;
	specimen_begin(&s, NULL);
	specimen_malloc(&s, 0, 100);
	text = write_document(specimen_read(&s, true), true);
	assert_non_null(strstr(text, "\"recorded\":[\"allocations\"]"));
	assert_null(strstr(text, "\"sampl"));
	free(text);
	specimen_begin(&s, NULL);
	specimen_malloc(&s, 0, 100);
	text = write_document(specimen_read(&s, true), false);
	assert_null(strstr(text, "Sampl"));
	assert_null(strstr(text, "samples"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_alone),   cmocka_unit_test(beside_allocations),
		cmocka_unit_test(lost_samples), cmocka_unit_test(damaged_samples),
		cmocka_unit_test(no_sampling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
