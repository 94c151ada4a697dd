#include "analysis/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/amount.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/sampling.h"
#include "report/style.h"
#include "report/threads.h"

enum {
	TOP_USUAL = 5,
	BAR_COLUMNS = 40,
};

static void write_counts(const struct stats *stats, const char *name,
			 const struct tally_counts *counts, const struct profile_error *error,
			 const char *what, FILE *out)
{
	char bytes[32], count[32];

	fprintf(out, "  %-9s %12s", name, text_bytes(counts->bytes, bytes, sizeof(bytes)));
	if (stats->memory_profile->estimated && error != NULL)
		fprintf(out, " \u00b1 %s",
			text_bytes((uint64_t)error->bytes, bytes, sizeof(bytes)));
	fprintf(out, " in %s", text_count(counts->count, count, sizeof(count)));
	if (stats->memory_profile->estimated && error != NULL)
		fprintf(out, " \u00b1 %s",
			text_count((uint64_t)error->count, count, sizeof(count)));
	fprintf(out, " %s\n", what);
}

static void write_totals(const struct stats *stats, const struct report_options *options, FILE *out)
{
	const struct profile *profile = stats->memory_profile;
	const struct tally_totals *totals = &profile->memory.totals;
	struct tally_counts peak = {totals->peak_bytes, totals->peak_count};
	char bytes[32], count[32], moment[64], duration[32];

	style_set(out, options->color, STYLE_BOLD);
	fprintf(out, "stats: %s in %s allocations over %s\n",
		text_bytes(totals->allocated.bytes, bytes, sizeof(bytes)),
		text_count(totals->allocated.count, count, sizeof(count)),
		text_duration(reader_duration_ns(profile->reader), duration, sizeof(duration)));
	style_set(out, options->color, STYLE_PLAIN);
	heading_write_notices(profile, options, out);
	style_title(out, options->color, "Totals");
	write_counts(stats, "allocated", &totals->allocated, &profile->memory.allocated_error,
		     "allocations", out);
	write_counts(stats, "freed", &totals->freed, NULL, "deallocations", out);
	snprintf(moment, sizeof(moment), "blocks, at %s",
		 text_duration(totals->peak_time_ns, duration, sizeof(duration)));
	write_counts(stats, "peak", &peak, &profile->memory.peak_error, moment, out);
	write_counts(stats, "leaked", &totals->live, &profile->memory.live_error,
		     "blocks, live at the end", out);
	if (stats->peak_rss_bytes > 0)
		fprintf(out, "  %-9s %12s\n", "peak RSS",
			text_bytes(stats->peak_rss_bytes, bytes, sizeof(bytes)));
}

static void write_allocators(const struct stats *stats, const struct report_options *options,
			     FILE *out)
{
	const struct tally_totals *totals = &stats->memory_profile->memory.totals;
	char bytes[32], count[32], percent[32];

	style_title(out, options->color, "Allocators");
	for (unsigned i = 0; i < ALLOCATOR_END; i++) {
		const struct tally_counts *counts = &totals->by_allocator[i];

		if (counts->count == 0)
			continue;
		fprintf(out, "  %-16s %10s %9s  %13s\n", allocator_name(i),
			text_bytes(counts->bytes, bytes, sizeof(bytes)),
			text_percent(style_share(counts->bytes, totals->allocated.bytes), percent,
				     sizeof(percent)),
			text_count(counts->count, count, sizeof(count)));
	}
}

/* Bucket i of totals.size_histogram holds sizes in [from, to). */
static uint64_t bucket_from(unsigned i)
{
	return i == 0 ? 0 : UINT64_C(1) << (i - 1);
}

static uint64_t bucket_to(unsigned i)
{
	return i < 64 ? UINT64_C(1) << i : UINT64_MAX;
}

static void write_histogram(const struct stats *stats, const struct report_options *options,
			    FILE *out)
{
	const uint64_t *histogram = stats->memory_profile->memory.totals.size_histogram;
	uint64_t highest = 1;
	char from[32], to[32], count[32];

	style_title(out, options->color, "Sizes of allocations");
	for (unsigned i = stats->histogram_first; i < stats->histogram_end; i++)
		highest = histogram[i] > highest ? histogram[i] : highest;
	for (unsigned i = stats->histogram_first; i < stats->histogram_end; i++) {
		unsigned bar = (unsigned)(style_share(histogram[i], highest) * BAR_COLUMNS + 0.5);

		if (i == 0)
			fprintf(out, "  %10s%15s", "0 B", "");
		else
			fprintf(out, "  %10s to %-10s ",
				text_bytes(bucket_from(i), from, sizeof(from)),
				text_bytes(bucket_to(i), to, sizeof(to)));
		fprintf(out, "%13s", text_count(histogram[i], count, sizeof(count)));
		if (histogram[i] > 0)
			fputs("  ", out);
		for (unsigned b = 0; b < bar || (b == 0 && histogram[i] > 0); b++)
			fputs("\u2588", out);
		putc('\n', out);
	}
}

static void write_top(const struct stats *stats, const struct stats_location *top,
		      const char *title, const struct report_options *options, FILE *out)
{
	char bytes[32], count[32];

	style_title(out, options->color, title);
	for (size_t i = 0; i < stats->top_count; i++) {
		size_t used = stats->memory_profile->estimated ? 42 : 29;
		size_t columns =
			(size_t)options->columns > used + 19 ? (size_t)options->columns - used : 19;
		struct names_location location;

		fprintf(out, "  %10s", text_bytes(top[i].allocated.bytes, bytes, sizeof(bytes)));
		if (stats->memory_profile->estimated)
			fprintf(out, " \u00b1 %10s",
				text_bytes((uint64_t)top[i].bytes_error, bytes, sizeof(bytes)));
		fprintf(out, "  %13s  ", text_count(top[i].allocated.count, count, sizeof(count)));
		names_location(profile_frame(stats->memory_profile, top[i].frame), true, false,
			       &location);
		names_fit(&location, options->columns > 0 ? columns : 0);
		names_write(&location, options->color, out);
		putc('\n', out);
	}
}

struct part_words {
	const char *key;    /* in JSON */
	const char *line;   /* of the list of parts */
	const char *reason; /* when it is the largest */
};

static const struct part_words part_words[STATS_PART_END] = {
	[STATS_PART_FILES] =
		{
			"files",
			"libraries and other mapped files",
			"Most of it is files mapped into memory: the interpreter, shared libraries "
			"and "
			"extension modules. They are shared with other processes and the kernel "
			"can drop "
			"them when memory is short.",
		},
	[STATS_PART_ALLOCATOR] =
		{
			"allocator",
			"kept by allocators, or older than the trace",
			"Most of it is memory that no live traced block accounts for: freed blocks "
			"that the "
			"allocators keep instead of giving them back (fragmented heaps and "
			"arenas), their "
			"bookkeeping, and what was allocated before tracing began.",
		},
	[STATS_PART_STACKS] =
		{
			"stacks",
			"thread stacks",
			"Most of it is the stacks of threads.",
		},
	[STATS_PART_SHARED] =
		{
			"shared_memory",
			"shared memory",
			"Most of it is shared memory of the program.",
		},
	[STATS_PART_OWN] =
		{
			"sonde",
			"sonde's own segment",
			"Most of it is the memory that sonde itself put into the process to trace "
			"it.",
		},
	[STATS_PART_SWAPPED] =
		{
			"swapped",
			"traced blocks in swap",
			"RSS is lower mainly because blocks were moved to swap.",
		},
	[STATS_PART_UNTOUCHED] =
		{
			"untouched",
			"traced blocks never touched",
			"RSS is lower mainly because blocks were asked for and never written to: "
			"the kernel "
			"gives memory out page by page, at the first touch.",
		},
};

/* Words, broken at blanks so that no line passes `columns`. */
static void write_wrapped(const char *words, size_t columns, FILE *out)
{
	size_t used = 0;

	while (*words != '\0') {
		size_t length = strcspn(words, " ");

		if (used > 0 && used + 1 + length > columns) {
			putc('\n', out);
			used = 0;
		}
		used += (size_t)fprintf(out, "%s%.*s", used > 0 ? " " : "  ", (int)length, words);
		words += length;
		words += strspn(words, " ");
	}
	putc('\n', out);
}

static size_t paragraph_columns(const struct report_options *options)
{
	return options->columns >= 40 && options->columns < 100 ? (size_t)options->columns : 100;
}

static void write_parts(const struct stats_memory *memory, FILE *out)
{
	char bytes[32];

	for (size_t i = 0; i < memory->part_count; i++) {
		const struct stats_part *part = &memory->parts[i];
		uint64_t size = (uint64_t)llabs(part->bytes);

		fprintf(out, "  %c %10s  %s\n", part->bytes < 0 ? '-' : '+',
			text_bytes(size, bytes, sizeof(bytes)), part_words[part->kind].line);
	}
}

static void write_memory_unknown(const struct stats *stats, size_t columns, FILE *out)
{
	write_wrapped(
		stats->memory_profile->options.from_ns != 0 ||
				stats->memory_profile->options.to_ns != 0
			? "A window of the capture does not know all live blocks, so RSS "
			  "cannot be explained by them; ask for the stats of the whole capture."
			: "The capture holds no look at the memory maps of its processes, so "
			  "RSS cannot be explained. sonde takes one now and then and near the "
			  "end, as long as a process lives.",
		columns, out);
}

/* The part that moves RSS furthest in the direction in which it differs from the traced heap. */
static const struct stats_part *main_part(const struct stats_memory *memory)
{
	bool higher = memory->rss_bytes >= memory->traced_bytes;

	for (size_t i = 0; i < memory->part_count; i++) {
		if ((memory->parts[i].bytes > 0) == higher)
			return &memory->parts[i];
	}
	return NULL;
}

static void write_memory(const struct stats *stats, const struct report_options *options, FILE *out)
{
	const struct stats_memory *memory = &stats->memory;
	size_t columns = paragraph_columns(options);
	char rss[32], traced[32], difference[32], untouched[32], moment[32], sentence[512];
	bool higher = memory->rss_bytes >= memory->traced_bytes;
	const struct stats_part *part = main_part(memory);

	style_title(out, options->color, "RSS and the traced heap");
	if (!memory->known) {
		write_memory_unknown(stats, columns, out);
		return;
	}
	text_bytes(memory->rss_bytes, rss, sizeof(rss));
	text_bytes(memory->traced_bytes, traced, sizeof(traced));
	text_bytes(higher ? memory->rss_bytes - memory->traced_bytes
			  : memory->traced_bytes - memory->rss_bytes,
		   difference, sizeof(difference));
	text_duration(memory->time_ns, moment, sizeof(moment));
	snprintf(sentence, sizeof(sentence),
		 "At %s, %s had %s in memory (RSS); %straced blocks of %s were live%s. RSS is %s "
		 "%s:",
		 moment, memory->processes == 1 ? "the process" : "the processes together", rss,
		 stats->memory_profile->estimated ? "an estimated " : "", traced,
		 memory->live_at_end ? " at the end" : "", difference, higher ? "higher" : "lower");
	write_wrapped(sentence, columns, out);
	write_parts(memory, out);
	if (part != NULL)
		write_wrapped(part_words[part->kind].reason, columns, out);
	if (memory->untouched_bytes == 0)
		return;
	snprintf(sentence, sizeof(sentence),
		 "Private mappings of %s more were reserved and never touched: as far as they are "
		 "traced blocks, they count in the heap and not in RSS.",
		 text_bytes(memory->untouched_bytes, untouched, sizeof(untouched)));
	write_wrapped(sentence, columns, out);
}

static void write_left_out(size_t shown, size_t all, FILE *out)
{
	char some[32], every[32];

	if (shown < all)
		fprintf(out, "  (%s of %s places)\n", text_count(shown, some, sizeof(some)),
			text_count(all, every, sizeof(every)));
}

static void write_heap(const struct stats *stats, const struct report_options *options, FILE *out)
{
	write_totals(stats, options, out);
	write_allocators(stats, options, out);
	write_histogram(stats, options, out);
	write_top(stats, stats->top_by_bytes, "Places that allocated most bytes", options, out);
	write_top(stats, stats->top_by_count, "Places that allocated most often", options, out);
	write_left_out(stats->top_count, stats->location_count, out);
	write_memory(stats, options, out);
}

static void write_places(const struct stats *stats, const struct report_options *options, FILE *out)
{
	const struct profile *profile = stats->time_profile;
	size_t columns = options->columns > 42 + 19 ? (size_t)options->columns - 42 : 19;
	char title[64], text[32];

	if (stats->place_count == 0)
		return;
	snprintf(title, sizeof(title), "Places that took most time (%s)",
		 metric_name(profile->options.metric));
	style_title(out, options->color, title);
	for (size_t i = 0; i < stats->time_top_count; i++) {
		const struct stats_place *place = &stats->top_by_time[i];
		struct names_location location;

		fprintf(out, "  %10s",
			amount_text(UNIT_NS, place->spent.amount, text, sizeof(text)));
		fprintf(out, " \u00b1 %10s",
			amount_text(UNIT_NS, (uint64_t)place->spent.error, text, sizeof(text)));
		fprintf(out, "  %13s  ", text_count(place->spent.count, text, sizeof(text)));
		names_location(profile_frame(profile, place->frame), true, false, &location);
		names_fit(&location, options->columns > 0 ? columns : 0);
		names_write(&location, options->color, out);
		putc('\n', out);
	}
	write_left_out(stats->time_top_count, stats->place_count, out);
}

static void write_time(const struct stats *stats, const struct report_options *options, FILE *out)
{
	const struct profile *profile = stats->time_profile;

	if (stats->memory_profile == NULL)
		heading_write(profile, options, stats->place_count, "places", out);
	sampling_write(profile, options, out);
	write_places(stats, options, out);
	threads_write(profile, options, out);
}

static int write_text(const struct stats *stats, const struct report_options *options, FILE *out,
		      struct error *err)
{
	if (stats->memory_profile != NULL)
		write_heap(stats, options, out);
	if (stats->time_profile != NULL)
		write_time(stats, options, out);
	return report_finish(out, err);
}

static void write_json_totals(const struct stats *stats, struct json *json)
{
	const struct tally_totals *totals = &stats->memory_profile->memory.totals;

	json_key_uint(json, "allocations", totals->allocated.count);
	json_key_uint(json, "deallocations", totals->freed.count);
	json_key_uint(json, "allocated_bytes", totals->allocated.bytes);
	json_key_uint(json, "peak_bytes", totals->peak_bytes);
	json_key_seconds(json, "peak_time_seconds", totals->peak_time_ns);
	json_key_uint(json, "leaked_bytes", totals->live.bytes);
	json_key_uint(json, "leaked_allocations", totals->live.count);
	if (stats->peak_rss_bytes > 0)
		json_key_uint(json, "peak_rss_bytes", stats->peak_rss_bytes);
	if (stats->memory_profile->estimated) {
		json_key_double(json, "allocated_bytes_error",
				stats->memory_profile->memory.allocated_error.bytes);
		json_key_double(json, "peak_bytes_error",
				stats->memory_profile->memory.peak_error.bytes);
		json_key_double(json, "leaked_bytes_error",
				stats->memory_profile->memory.live_error.bytes);
	}
	json_key(json, "allocators");
	json_begin_object(json);
	for (unsigned i = 0; i < ALLOCATOR_END; i++) {
		if (totals->by_allocator[i].count == 0)
			continue;
		json_key(json, allocator_name(i));
		json_begin_object(json);
		json_key_uint(json, "count", totals->by_allocator[i].count);
		json_key_uint(json, "bytes", totals->by_allocator[i].bytes);
		json_end_object(json);
	}
	json_end_object(json);
	json_key(json, "size_histogram");
	json_begin_array(json);
	for (unsigned i = stats->histogram_first; i < stats->histogram_end; i++) {
		json_begin_object(json);
		json_key_uint(json, "from", bucket_from(i));
		json_key_uint(json, "to", bucket_to(i));
		json_key_uint(json, "count", totals->size_histogram[i]);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_top(const struct stats *stats, const char *key,
			   const struct stats_location *top, struct json *json)
{
	json_key(json, key);
	json_begin_array(json);
	for (size_t i = 0; i < stats->top_count; i++) {
		const struct capture_frame *frame =
			profile_frame(stats->memory_profile, top[i].frame);

		json_begin_object(json);
		json_key_string(json, "function", frame->function);
		json_key_string(json, "file", frame->file);
		json_key_uint(json, "line", frame->line);
		json_key_uint(json, "bytes", top[i].allocated.bytes);
		json_key_uint(json, "count", top[i].allocated.count);
		if (stats->memory_profile->estimated)
			json_key_double(json, "bytes_error", top[i].bytes_error);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_memory(const struct stats_memory *memory, struct json *json)
{
	if (!memory->known)
		return;
	json_key(json, "memory");
	json_begin_object(json);
	json_key_seconds(json, "time_seconds", memory->time_ns);
	json_key_uint(json, "rss_bytes", memory->rss_bytes);
	json_key_uint(json, "traced_bytes", memory->traced_bytes);
	json_key_uint(json, "untouched_mappings_bytes", memory->untouched_bytes);
	json_key(json, "difference");
	json_begin_object(json);
	for (size_t i = 0; i < memory->part_count; i++) {
		json_key(json, part_words[memory->parts[i].kind].key);
		json_int(json, memory->parts[i].bytes);
	}
	json_end_object(json);
	json_end_object(json);
}

static void write_json_places(const struct stats *stats, struct json *json)
{
	json_key(json, "top_by_time");
	json_begin_array(json);
	for (size_t i = 0; i < stats->time_top_count; i++) {
		const struct stats_place *place = &stats->top_by_time[i];

		json_begin_object(json);
		names_write_json(profile_frame(stats->time_profile, place->frame), true, json);
		amount_write_json(UNIT_NS, "", "", place->spent.amount, json);
		amount_write_json_count(UNIT_NS, "", place->spent.count, json);
		amount_write_json_error(UNIT_NS, "", place->spent.error, json);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json_time(const struct stats *stats, struct json *json)
{
	const struct profile *profile = stats->time_profile;

	json_key(json, "sampling");
	json_begin_object(json);
	sampling_write_json(profile, json);
	threads_write_json(profile, json);
	json_key_string(json, "metric", metric_name(profile->options.metric));
	amount_write_json(UNIT_NS, "", "", profile->amount, json);
	amount_write_json_error(UNIT_NS, "", profile->amount_error, json);
	write_json_places(stats, json);
	json_end_object(json);
}

static int write_json(const struct stats *stats, const struct profile *profile, FILE *out,
		      struct error *err)
{
	struct json json;

	json_init(&json, out);
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.stats/1");
	heading_write_metadata(profile, &json);
	if (stats->memory_profile != NULL) {
		write_json_totals(stats, &json);
		write_json_top(stats, "top_by_bytes", stats->top_by_bytes, &json);
		write_json_top(stats, "top_by_count", stats->top_by_count, &json);
		write_json_memory(&stats->memory, &json);
	} else if (stats->peak_rss_bytes > 0) {
		json_key_uint(&json, "peak_rss_bytes", stats->peak_rss_bytes);
	}
	if (stats->time_profile != NULL)
		write_json_time(stats, &json);
	return heading_end_json(&json, err);
}

static int write_stats(const struct profile *profile, const struct report_options *options,
		       FILE *out, struct error *err)
{
	struct stats *stats = stats_create(
		profile, options->max_rows > 0 ? (size_t)options->max_rows : TOP_USUAL);
	int result;

	if (options->json)
		result = write_json(stats, profile, out, err);
	else
		result = write_text(stats, options, out, err);
	stats_destroy(stats);
	return result;
}

const struct report_format report_stats = {
	.name = "stats",
	.extension = "txt",
	.description = "totals of memory and time, top places, and why RSS differs from the heap",
	.write = write_stats,
};
