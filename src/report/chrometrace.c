#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/course.h"
#include "analysis/stacks.h"
#include "report/flamegraph.h"
#include "report/formats.h"
#include "report/json.h"
#include "report/names.h"

/*
 * The Trace Event Format of Chrome's tracing, which Perfetto reads too: times in us. Time: a slice
 * ("B" and "E") per call and thread, which lasts as long as the samples that follow each other have
 * it on the stack. Bytes: counters ("C") of the traced heap and of RSS.
 */
struct writer {
	const struct profile *profile; /* of time */
	struct json json;
	uint32_t *depth; /* [stack] */
	stack_id *path;  /* stacks to be opened */
	size_t path_room;
	uint32_t pid, tid; /* of the thread at hand */
};

static void write_ns(const char *key, uint64_t ns, struct json *json)
{
	json_key(json, key);
	json_decimal(json, ns, 3);
}

static void begin_event(struct json *json, const char *phase, uint32_t pid, uint32_t tid)
{
	json_line(json);
	json_begin_object(json);
	json_key_string(json, "ph", phase);
	json_key_uint(json, "pid", pid);
	json_key_uint(json, "tid", tid);
}

/* What a process or thread is called. */
static void write_metadata(struct json *json, uint32_t pid, uint32_t tid, const char *what,
			   const char *name)
{
	begin_event(json, "M", pid, tid);
	json_key_string(json, "name", what);
	json_key(json, "args");
	json_begin_object(json);
	json_key_string(json, "name", name);
	json_end_object(json);
	json_end_object(json);
}

static void open_call(struct writer *writer, stack_id stack, uint64_t time_ns)
{
	struct json *json = &writer->json;
	const struct capture_frame *frame;
	struct names_location location;
	stack_id parent;
	frame_id id;

	profile_stack(writer->profile, stack, &parent, &id);
	frame = profile_frame(writer->profile, id);
	names_location(frame, false, false, &location);
	begin_event(json, "B", writer->pid, writer->tid);
	write_ns("ts", time_ns, json);
	json_key_string(json, "name", location.function);
	json_key_string(json, "cat", names_kind(frame->kind));
	if (location.place[0] != '\0') {
		json_key(json, "args");
		json_begin_object(json);
		json_key_string(json, "file", location.place);
		if (frame->line != 0)
			json_key_uint(json, "line", frame->line);
		json_end_object(json);
	}
	json_end_object(json);
}

static void close_calls(struct writer *writer, uint32_t count, uint64_t time_ns)
{
	while (count-- > 0) {
		begin_event(&writer->json, "E", writer->pid, writer->tid);
		write_ns("ts", time_ns, &writer->json);
		json_end_object(&writer->json);
	}
}

static stack_id parent_of(const struct writer *writer, stack_id stack)
{
	stack_id parent;
	frame_id frame;

	profile_stack(writer->profile, stack, &parent, &frame);
	return parent;
}

/* The stack of which both are, outwards. */
static stack_id common(const struct writer *writer, stack_id a, stack_id b)
{
	while (a != b) {
		if (writer->depth[a] >= writer->depth[b])
			a = parent_of(writer, a);
		else
			b = parent_of(writer, b);
	}
	return a;
}

/* Leaves `from` as far as it has to, and enters `to`. Stack 0 without frames is one call as well:
 * is_open and opens say whether there is a stack at all. */
static void change_stack(struct writer *writer, bool is_open, stack_id from, bool opens,
			 stack_id to, uint64_t time_ns)
{
	stack_id shared = common(writer, from, to);
	size_t count = 0;

	if (is_open && opens && from == to)
		return;
	close_calls(writer, writer->depth[from] - writer->depth[shared] + (is_open && from == 0),
		    time_ns);
	if (opens && to == 0)
		open_call(writer, 0, time_ns);
	for (; to != shared; to = parent_of(writer, to)) {
		writer->path =
			array_grow(writer->path, count, &writer->path_room, sizeof(*writer->path));
		writer->path[count++] = to;
	}
	while (count > 0)
		open_call(writer, writer->path[--count], time_ns);
}

static void write_thread(struct writer *writer, const struct course *course,
			 const struct course_thread *thread)
{
	char name[256];
	bool is_open = false;
	stack_id stack = 0;
	uint64_t end_ns = 0;

	writer->pid = names_pid(writer->profile, thread->process);
	writer->tid = names_tid(writer->profile, thread->thread);
	names_thread(writer->profile, thread->thread, name, sizeof(name));
	write_metadata(&writer->json, writer->pid, writer->tid, "thread_name", name);
	for (size_t i = 0; i < thread->count; i++) {
		const struct course_run *run = &thread->runs[i];
		uint64_t begin_ns = course_begin_ns(course, thread, run);

		if (is_open && begin_ns > end_ns) {
			change_stack(writer, true, stack, false, 0, end_ns);
			is_open = false;
			stack = 0;
		}
		change_stack(writer, is_open, stack, true, run->stack, begin_ns);
		is_open = true;
		stack = run->stack;
		end_ns = course_end_ns(course, thread, run);
	}
	change_stack(writer, is_open, stack, false, 0, end_ns);
}

static void write_time(struct writer *writer)
{
	const struct profile *profile = writer->profile;
	const struct course *course = profile->time.course;
	uint32_t stack_count = profile->stacks->count;

	writer->depth = array_create((size_t)stack_count + 1, sizeof(*writer->depth));
	for (stack_id id = 1; id <= stack_count; id++)
		writer->depth[id] = writer->depth[parent_of(writer, id)] + 1;
	for (size_t t = 0; t < course->thread_count; t++)
		write_thread(writer, course, &course->threads[t]);
	free(writer->depth);
	free(writer->path);
}

/* Where it is not what it was. */
static void write_counter(struct json *json, uint32_t pid, uint64_t time_ns, const char *name,
			  uint64_t bytes, uint64_t *before)
{
	if (bytes == *before)
		return;
	*before = bytes;
	begin_event(json, "C", pid, 0);
	write_ns("ts", time_ns, json);
	json_key_string(json, "name", name);
	json_key(json, "args");
	json_begin_object(json);
	json_key_uint(json, "bytes", bytes);
	json_end_object(json);
	json_end_object(json);
}

/* All processes together, under the first of them. */
static void write_memory(const struct profile *profile, struct json *json)
{
	const struct profile_memory *memory = &profile->memory;
	bool has_heap = reader_start(profile->reader)->mode != CAPTURE_AGGREGATE;
	uint32_t pid = names_pid(profile, 1);
	uint64_t begin_ns = profile->options.from_ns;
	uint64_t heap_bytes = UINT64_MAX, rss_bytes = 0; /* no RSS is 0: there was no look */

	for (size_t i = 0; i < memory->timeline_count; i++) {
		const struct profile_point *point = &memory->timeline[i];

		if (has_heap)
			write_counter(json, pid, begin_ns, "traced heap", point->heap_bytes,
				      &heap_bytes);
		if (point->rss_bytes != 0)
			write_counter(json, pid, begin_ns, "RSS", point->rss_bytes, &rss_bytes);
		begin_ns = point->time_ns;
	}
}

static void write_processes(const struct profile *profile, struct json *json)
{
	for (process_id p = 1; p <= reader_process_count(profile->reader); p++) {
		const struct capture_process_info *info = reader_process(profile->reader, p);

		write_metadata(json, info->start.pid, 0, "process_name", info->start.command);
	}
}

static void write_about(const struct profile *profile, const char *title, struct json *json)
{
	const struct capture_start *start = reader_start(profile->reader);
	const char *damage = reader_damage(profile->reader);
	char recorder[128];

	json_key(json, "otherData");
	json_begin_object(json);
	json_key_string(json, "title", title);
	snprintf(recorder, sizeof(recorder), "sonde %s", start->sonde_version);
	json_key_string(json, "recorder", recorder);
	json_key_string(json, "metric", metric_name(profile->options.metric));
	json_key_bool(json, "complete", reader_complete(profile->reader));
	if (damage != NULL)
		json_key_string(json, "damage", damage);
	json_end_object(json);
}

static int write_chrometrace(const struct profile *profile, const struct report_options *options,
			     FILE *out, struct error *err)
{
	const struct profile *parts[] = {profile, profile->other};
	struct writer writer = {0};
	char title[512];

	flamegraph_title(profile, options, title, sizeof(title));
	json_init(&writer.json, out);
	json_begin_object(&writer.json);
	json_key_string(&writer.json, "displayTimeUnit", "ms");
	write_about(profile, title, &writer.json);
	json_key(&writer.json, "traceEvents");
	json_begin_array(&writer.json);
	write_processes(profile, &writer.json);
	for (size_t i = 0; i < 2; i++) {
		writer.profile = parts[i];
		if (parts[i] != NULL && parts[i]->unit == UNIT_BYTES)
			write_memory(parts[i], &writer.json);
		else if (parts[i] != NULL && parts[i]->time.course != NULL)
			write_time(&writer);
	}
	json_line(&writer.json);
	json_end_array(&writer.json);
	json_end_object(&writer.json);
	putc('\n', out);
	return report_finish(out, err);
}

const struct report_format report_chrometrace = {
	.name = "chrometrace",
	.extension = "json",
	.description = "calls over time, for Perfetto and chrome://tracing",
	.needs = REPORT_COURSE | REPORT_CALLS | REPORT_BOTH,
	.write = write_chrometrace,
};
