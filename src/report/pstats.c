#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/callers.h"
#include "analysis/functions.h"
#include "report/formats.h"
#include "report/names.h"

/*
 * What pstats.Stats loads (CPython: Lib/pstats.py, Lib/cProfile.py): a dictionary
 *
 *   (file, line, function): (calls, calls, own seconds, total seconds, callers)
 *   callers: (file, line, function): (calls, calls, own seconds, total seconds)
 *
 * in the format of marshal (Python/marshal.c), of which it uses what every version since 2 knows.
 * Sampling does not see calls: in their place stand samples in which the function was on the stack.
 * Lines are 0: samples do not say in which line a function begins. A function without a file is
 * ("~", 0, name), as cProfile has it of C functions.
 */
struct writer {
	const struct profile *profile;
	FILE *out;
	const struct callers *callers;
	size_t *first; /* [frame]: its first caller */
};

/* Little endian. */
static void put_bytes(FILE *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, value >>= 8)
		putc_unlocked((int)(value & 0xff), out);
}

static void put_tuple(FILE *out, unsigned elements)
{
	putc_unlocked('(', out);
	put_bytes(out, elements, 4);
}

static void put_text(FILE *out, const char *utf8)
{
	size_t bytes = strlen(utf8);

	putc_unlocked('u', out);
	put_bytes(out, bytes, 4);
	fwrite_unlocked(utf8, 1, bytes, out);
}

/* Above 31 bits as "long": how many digits of 15 bits, and the digits. */
static void put_count(FILE *out, uint64_t count)
{
	unsigned digits = 0;

	if (count <= INT32_MAX) {
		putc_unlocked('i', out);
		put_bytes(out, count, 4);
		return;
	}
	for (uint64_t rest = count; rest != 0; rest >>= 15)
		digits++;
	putc_unlocked('l', out);
	put_bytes(out, digits, 4);
	for (; count != 0; count >>= 15)
		put_bytes(out, count & 0x7fff, 2);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	double seconds = (double)ns / 1e9;
	uint64_t bits;

	_Static_assert(sizeof(seconds) == sizeof(bits), "doubles are IEEE 754 binary64");
	memcpy(&bits, &seconds, sizeof(bits));
	putc_unlocked('g', out);
	put_bytes(out, bits, 8);
}

static void put_function(const struct writer *writer, frame_id frame)
{
	struct names_location location;

	names_location(profile_frame(writer->profile, frame), false, false, &location);
	put_tuple(writer->out, 3);
	put_text(writer->out, location.place[0] != '\0' ? location.place : "~");
	put_count(writer->out, 0);
	put_text(writer->out, location.function);
}

static void put_amounts(FILE *out, const struct function_amount *own,
			const struct function_amount *total)
{
	put_count(out, total->count);
	put_count(out, total->count);
	put_seconds(out, own->amount);
	put_seconds(out, total->amount);
}

static void put_callers(const struct writer *writer, frame_id frame)
{
	const struct callers *callers = writer->callers;

	putc_unlocked('{', writer->out);
	for (size_t i = writer->first[frame]; i < callers->count && callers->sums[i].frame == frame;
	     i++) {
		put_function(writer, callers->sums[i].caller);
		put_tuple(writer->out, 4);
		put_amounts(writer->out, &callers->sums[i].own, &callers->sums[i].total);
	}
	putc_unlocked('0', writer->out);
}

static void put_functions(struct writer *writer)
{
	struct functions *functions = functions_create(writer->profile);
	const struct callers *callers = writer->callers;
	uint32_t frame_count = writer->profile->frame_count;

	writer->first = array_create((size_t)frame_count + 1, sizeof(*writer->first));
	for (uint32_t f = 0; f <= frame_count; f++)
		writer->first[f] = callers->count;
	for (size_t i = callers->count; i-- > 0;)
		writer->first[callers->sums[i].frame] = i;
	putc_unlocked('{', writer->out);
	for (size_t i = 0; i < functions->count; i++) {
		const struct function_sum *sum = &functions->sums[i];

		put_function(writer, sum->frame);
		put_tuple(writer->out, 5);
		put_amounts(writer->out, &sum->own, &sum->total);
		put_callers(writer, sum->frame);
	}
	putc_unlocked('0', writer->out);
	free(writer->first);
	functions_destroy(functions);
}

static int write_pstats(const struct profile *profile, const struct report_options *options,
			FILE *out, struct error *err)
{
	struct writer writer = {.profile = profile, .out = out};
	struct callers *callers;

	(void)options;
	if (profile->unit != UNIT_NS)
		return error_set(err, ERROR_USAGE,
				 "pstats has times, not bytes; ask for --cpu, --wall or --gil, or "
				 "for another format");
	callers = callers_create(profile);
	writer.callers = callers;
	put_functions(&writer);
	callers_destroy(callers);
	return report_finish(out, err);
}

const struct report_format report_pstats = {
	.name = "pstats",
	.extension = "pstats",
	.description = "functions and their callers, for Python's pstats and its readers",
	.binary = true,
	.write = write_pstats,
};
