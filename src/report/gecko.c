#include "report/gecko.h"

#include <stdio.h>
#include <string.h>

#include "report/flamegraph.h"
#include "report/formats.h"
#include "report/names.h"

/*
 * A processed profile of the Firefox Profiler (https://github.com/firefox-devtools/profiler,
 * docs-developer/CHANGELOG-formats.md), version 57: a thread's tables of stacks, frames and
 * functions, strings shared by all threads, times in ms. Later versions of the profiler bring it up
 * to date themselves.
 */
enum {
	PROCESSED_VERSION = 57,
	RAW_VERSION = 31,
};

static const struct {
	const char *name, *color;
} categories[GECKO_CATEGORIES] = {
	[GECKO_OTHER] = {"Other", "grey"},   [GECKO_PYTHON] = {"Python", "yellow"},
	[GECKO_NATIVE] = {"Native", "blue"}, [GECKO_KERNEL] = {"Kernel", "orange"},
	[GECKO_GIL] = {"GIL", "red"},        [GECKO_GC] = {"Garbage collection", "purple"},
};

uint64_t gecko_string(struct gecko *gecko, const char *text)
{
	return intern_add(gecko->strings, text, strlen(text)) - 1;
}

void gecko_write_ms(uint64_t ns, struct json *json)
{
	json_decimal(json, ns, 6);
}

static void key_ms(const char *key, uint64_t ns, struct json *json)
{
	json_key(json, key);
	gecko_write_ms(ns, json);
}

/* A table of which nothing is known but its columns. */
static void write_empty(struct json *json, const char *key, const char *const *columns)
{
	json_key(json, key);
	json_begin_object(json);
	for (; *columns != NULL; columns++) {
		json_key(json, *columns);
		json_begin_array(json);
		json_end_array(json);
	}
	json_key_uint(json, "length", 0);
	json_end_object(json);
}

/* The profiler tells processes by their pids, which may be used more than once. */
static void write_pid(const struct gecko *gecko, process_id process, struct json *json)
{
	uint32_t pid = names_pid(gecko->profile, process);
	unsigned before = 0;
	char text[32];

	for (process_id p = 1; p < process; p++)
		before += names_pid(gecko->profile, p) == pid;
	if (before > 0)
		snprintf(text, sizeof(text), "%u.%u", pid, before);
	else
		snprintf(text, sizeof(text), "%u", pid);
	json_key_string(json, "pid", text);
}

static void write_process(const struct gecko *gecko, process_id process, struct json *json)
{
	const struct capture_process_info *info = NULL;

	if (process != 0 && process <= reader_process_count(gecko->profile->reader))
		info = reader_process(gecko->profile->reader, process);
	write_pid(gecko, process, json);
	json_key_string(json, "processType", "default");
	json_key_string(json, "processName", info != NULL ? info->start.command : "");
	key_ms("processStartupTime", info != NULL ? info->start.start_ns : 0, json);
	if (info != NULL && info->end_ns != 0) {
		key_ms("processShutdownTime", info->end_ns, json);
		return;
	}
	json_key(json, "processShutdownTime");
	json_null(json);
}

static void write_thread(struct gecko *gecko, const struct course_thread *thread)
{
	static const char *const resources[] = {"lib", "name", "host", "type", NULL};
	static const char *const symbols[] = {"libIndex", "address", "name", "functionSize", NULL};
	struct json *json = &gecko->json;
	uint32_t tid = names_tid(gecko->profile, thread->thread);
	char name[256];

	gecko->thread = thread;
	gecko_tables_select(gecko);
	names_thread(gecko->profile, thread->thread, name, sizeof(name));
	json_line(json);
	json_begin_object(json);
	json_key_string(json, "name", name);
	json_key_bool(json, "isMainThread", tid == names_pid(gecko->profile, thread->process));
	json_key_uint(json, "tid", tid);
	write_process(gecko, thread->process, json);
	key_ms("registerTime", course_begin_ns(gecko->course, thread, &thread->runs[0]), json);
	json_key(json, "unregisterTime");
	json_null(json);
	json_key(json, "pausedRanges");
	json_begin_array(json);
	json_end_array(json);
	gecko_samples_write(gecko);
	gecko_tables_write(gecko);
	write_empty(json, "resourceTable", resources);
	write_empty(json, "nativeSymbols", symbols);
	json_end_object(json);
}

static void write_categories(struct json *json)
{
	json_key(json, "categories");
	json_begin_array(json);
	for (size_t c = 0; c < GECKO_CATEGORIES; c++) {
		json_begin_object(json);
		json_key_string(json, "name", categories[c].name);
		json_key_string(json, "color", categories[c].color);
		json_key(json, "subcategories");
		json_begin_array(json);
		json_string(json, "Other");
		json_end_array(json);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_meta(const struct gecko *gecko, const char *title, struct json *json)
{
	const struct capture_start *start = reader_start(gecko->profile->reader);
	char recorder[128];

	json_key(json, "meta");
	json_begin_object(json);
	json_key_uint(json, "version", RAW_VERSION);
	json_key_uint(json, "preprocessedProfileVersion", PROCESSED_VERSION);
	snprintf(recorder, sizeof(recorder), "sonde %s", start->sonde_version);
	json_key_string(json, "importedFrom", recorder);
	json_key_string(json, "product", title);
	json_key_string(json, "oscpu", start->system);
	json_key_string(json, "platform", "Linux");
	json_key_string(json, "toolkit", "");
	json_key_string(json, "abi", "");
	json_key_string(json, "misc", "");
	key_ms("interval", gecko->profile->time.period_ns, json);
	key_ms("startTime", start->wall_time_ns > 0 ? (uint64_t)start->wall_time_ns : 0, json);
	json_key_uint(json, "processType", 0);
	json_key_uint(json, "stackwalk", 0);
	json_key_bool(json, "symbolicated", true);
	json_key_bool(json, "keepProfileThreadOrder", true);
	json_key(json, "sampleUnits");
	json_begin_object(json);
	json_key_string(json, "time", "ms");
	json_key_string(json, "eventDelay", "ms");
	json_key_string(json, "threadCPUDelta", "ns");
	json_end_object(json);
	write_categories(json);
	json_key(json, "markerSchema");
	json_begin_array(json);
	json_end_array(json);
	json_end_object(json);
}

static void write_shared(struct gecko *gecko)
{
	struct json *json = &gecko->json;

	json_line(json);
	json_key(json, "shared");
	json_begin_object(json);
	json_key(json, "stringArray");
	json_begin_array(json);
	for (uint32_t id = 1; id <= intern_count(gecko->strings); id++)
		json_string(json, intern_text(gecko->strings, id, NULL));
	json_end_array(json);
	json_end_object(json);
}

static void write_document(struct gecko *gecko, const char *title)
{
	static const char *const empty[] = {"libs", "pages"};
	struct json *json = &gecko->json;

	json_begin_object(json);
	write_meta(gecko, title, json);
	for (size_t i = 0; i < 2; i++) {
		json_key(json, empty[i]);
		json_begin_array(json);
		json_end_array(json);
	}
	json_key(json, "threads");
	json_begin_array(json);
	for (size_t t = 0; t < gecko->course->thread_count; t++)
		write_thread(gecko, &gecko->course->threads[t]);
	json_end_array(json);
	write_shared(gecko);
	json_line(json);
	json_end_object(json);
	putc('\n', json->out);
}

static int write_gecko(const struct profile *profile, const struct report_options *options,
		       FILE *out, struct error *err)
{
	struct gecko gecko = {.profile = profile, .course = profile->time.course};
	char title[512];

	if (gecko.course == NULL)
		return error_set(err, ERROR_USAGE,
				 "gecko shows time, not bytes; ask for --cpu, --wall or --gil, or "
				 "for another format");
	json_init(&gecko.json, out);
	flamegraph_title(profile, options, title, sizeof(title));
	gecko.strings = intern_create();
	gecko_tables_init(&gecko);
	write_document(&gecko, title);
	gecko_tables_deinit(&gecko);
	intern_destroy(gecko.strings);
	return report_finish(out, err);
}

const struct report_format report_gecko = {
	.name = "gecko",
	.extension = "json",
	.description = "samples over time, for the Firefox Profiler",
	.needs = REPORT_COURSE,
	.write = write_gecko,
};
