#include "cmd/dump.h"

#include "report/json.h"
#include "target/tasks.h"

static const char *kind_name(enum local_kind kind)
{
	static const char *const names[] = {
		[LOCAL_ARGUMENT] = "argument",
		[LOCAL_VARIABLE] = "local",
		[LOCAL_FREE] = "free",
		[LOCAL_NAME] = "name",
	};

	return names[kind];
}

static void write_locals(const struct snapshot *snapshot, const struct snapshot_frame *frame,
			 struct json *json)
{
	json_key(json, "locals");
	json_begin_array(json);
	for (size_t i = 0; i < frame->local_count; i++) {
		const struct snapshot_local *local = &snapshot->locals[frame->locals + i];

		json_begin_object(json);
		json_key_string(json, "name", snapshot_text(snapshot, local->name));
		json_key_string(json, "kind", kind_name(local->kind));
		json_key_string(json, "type", snapshot_text(snapshot, local->type));
		json_key_string(json, "value", snapshot_text(snapshot, local->value));
		json_end_object(json);
	}
	json_end_array(json);
	if (frame->locals_left_out)
		json_key_uint(json, "locals_left_out", frame->locals_left_out);
}

static void write_frame(const struct dump_process *process, const struct snapshot_frame *frame,
			bool locals, struct json *json)
{
	const struct trace_code *code = trace_tree_code(process->tree, frame->code);

	json_begin_object(json);
	json_key_string(json, "function", code->function);
	json_key_string(json, "file", code->file);
	json_key_uint(json, "line", frame->line);
	json_key_string(json, "kind", "python");
	if (locals)
		write_locals(process->snapshot, frame, json);
	json_end_object(json);
}

static void write_thread(const struct dump_process *process, const struct snapshot_thread *thread,
			 bool locals, struct json *json)
{
	const struct sample *sample = &thread->sample;
	const struct snapshot_frame *frames = process->snapshot->frames + thread->frames;

	json_begin_object(json);
	json_key_uint(json, "tid", (uint64_t)sample->tid);
	json_key_string(json, "thread", thread->name);
	json_key_bool(json, "python", thread->has_state);
	if (thread->has_state) {
		json_key(json, "interpreter");
		json_int(json, thread->interp_id);
	}
	json_key_string(json, "state", dump_state(sample));
	if (!(sample->flags & SAMPLE_RUNNING) && sample->wait != WAIT_NONE)
		json_key_string(json, "waits_on", task_wait_name(sample->wait));
	json_key_bool(json, "holds_gil", sample->flags & SAMPLE_HOLDS_GIL);
	json_key_bool(json, "waits_for_gil", sample->flags & SAMPLE_WAITS_GIL);
	json_key_bool(json, "collects_garbage", sample->flags & SAMPLE_GC);
	json_key_bool(json, "paused", thread->is_stopped);
	json_key_bool(json, "exact", thread->is_exact);
	json_key_bool(json, "stack_known", !(sample->flags & SAMPLE_UNKNOWN));
	json_key(json, "stack");
	json_begin_array(json);
	for (size_t i = 0; i < thread->frame_count; i++)
		write_frame(process, &frames[i], locals, json);
	json_end_array(json);
	json_end_object(json);
}

static void write_process(const struct dump_process *process, bool locals, struct json *json)
{
	const struct snapshot *snapshot = process->snapshot;

	json_begin_object(json);
	json_key_uint(json, "pid", (uint64_t)process->pid);
	json_key_uint(json, "parent_pid", (uint64_t)process->parent_pid);
	json_key_string(json, "command", process->command);
	json_key_string(json, "executable", process->executable);
	json_key(json, "python_version");
	if (*process->python_version)
		json_string(json, process->python_version);
	else
		json_null(json);
	if (*process->python_version) {
		json_key_bool(json, "debug", process->is_debug);
		json_key_bool(json, "free_threaded", process->is_free_threaded);
	}
	json_key_string(json, "python_file", process->python_file);
	json_key_bool(json, "starting", !*process->python_version);
	if (locals)
		json_key_bool(json, "locals_complete", !snapshot->is_cut);
	json_key(json, "threads");
	json_begin_array(json);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		write_thread(process, &snapshot->threads[i], locals, json);
	json_end_array(json);
	json_end_object(json);
}

/* "2026-03-01T12:00:00.123456+00:00" */
static void write_time(const struct timespec *time, struct json *json)
{
	char text[64], date[24];
	struct tm parts;

	gmtime_r(&time->tv_sec, &parts);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof(text), "%s.%06ld+00:00", date, time->tv_nsec / 1000);
	json_key_string(json, "time", text);
}

void dump_write_json(const struct dump_process *processes, size_t count,
		     const struct dump_time *time, bool locals, FILE *out)
{
	struct json json;

	json_init(&json, out);
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.dump/1");
	write_time(&time->wall, &json);
	json_key_uint(&json, "sequence", time->sequence);
	json_key(&json, "processes");
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++)
		write_process(&processes[i], locals, &json);
	json_end_array(&json);
	json_end_object(&json);
	fputc('\n', out);
}
