#include "cmd/dump.h"

#include <string.h>

#include "report/escape.h"
#include "report/style.h"
#include "target/tasks.h"

#define PIECE_BYTES 4096u

const char *dump_state(const struct sample *sample)
{
	if (sample->flags & SAMPLE_RUNNING)
		return "running";
	return sample->wait == WAIT_NONE ? "stopped" : "blocked";
}

/* Text that a program chose, whole, with nothing in it that steers a terminal. */
static void write_visible(const char *text, FILE *out)
{
	char piece[PIECE_BYTES * 6 + 1], part[PIECE_BYTES + 1];
	size_t left = strlen(text);

	while (left) {
		size_t bytes = left < PIECE_BYTES ? left : PIECE_BYTES;

		/* Never between the bytes of one character. */
		while (bytes < left && bytes > 1 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes--;
		memcpy(part, text, bytes);
		part[bytes] = 0;
		escape_visible(part, false, piece, sizeof(piece));
		fputs(piece, out);
		text += bytes;
		left -= bytes;
	}
}

static void write_state(const struct sample *sample, FILE *out)
{
	fputs(dump_state(sample), out);
	if (sample->flags & SAMPLE_WAITS_GIL)
		fputs(", waits for the GIL", out);
	else if (!(sample->flags & SAMPLE_RUNNING) && sample->wait != WAIT_NONE)
		fprintf(out, " on %s", task_wait_name(sample->wait));
	if (sample->flags & SAMPLE_HOLDS_GIL)
		fputs(", holds the GIL", out);
	if (sample->flags & SAMPLE_GC)
		fputs(", collects garbage", out);
}

static void write_locals(const struct snapshot *snapshot, const struct snapshot_frame *frame,
			 FILE *out)
{
	for (size_t i = 0; i < frame->local_count; i++) {
		const struct snapshot_local *local = &snapshot->locals[frame->locals + i];

		fputs("        ", out);
		write_visible(snapshot_text(snapshot, local->name), out);
		fputs(" = ", out);
		write_visible(snapshot_text(snapshot, local->value), out);
		fputc('\n', out);
	}
	if (frame->locals_left_out)
		fprintf(out, "        ... %zu more\n", frame->locals_left_out);
}

static void write_frame(const struct dump_process *process, const struct snapshot_frame *frame,
			bool color, FILE *out)
{
	const struct trace_code *code = trace_tree_code(process->tree, frame->code);

	fputs("    ", out);
	write_visible(code->function, out);
	style_set(out, color, STYLE_DIM);
	fputs(" (", out);
	write_visible(code->file, out);
	if (frame->line)
		fprintf(out, ":%u", frame->line);
	fputc(')', out);
	style_set(out, color, STYLE_PLAIN);
	fputc('\n', out);
	write_locals(process->snapshot, frame, out);
}

static void write_thread(const struct dump_process *process, const struct snapshot_thread *thread,
			 bool color, FILE *out)
{
	const struct snapshot *snapshot = process->snapshot;
	const struct sample *sample = &thread->sample;

	style_set(out, color, sample->flags & SAMPLE_HOLDS_GIL ? STYLE_WARNING : STYLE_BOLD);
	fprintf(out, "\nThread %d", (int)sample->tid);
	if (*thread->name) {
		fputs(" \"", out);
		write_visible(thread->name, out);
		fputc('"', out);
	}
	style_set(out, color, STYLE_PLAIN);
	if (thread->interp_id > 0)
		fprintf(out, " of interpreter %lld", (long long)thread->interp_id);
	fputs(": ", out);
	write_state(sample, out);
	fputc('\n', out);
	if (sample->flags & SAMPLE_UNKNOWN)
		fputs("    (its stack changed too fast to be read without stopping it)\n", out);
	else if (!thread->has_state)
		fputs("    (no Python thread)\n", out);
	else if (!thread->frame_count)
		fputs("    (no Python code)\n", out);
	for (size_t i = 0; i < thread->frame_count; i++)
		write_frame(process, &snapshot->frames[thread->frames + i], color, out);
}

void dump_write_text(const struct dump_process *process, bool locals, bool color, FILE *out)
{
	const struct snapshot *snapshot = process->snapshot;

	style_set(out, color, STYLE_BOLD);
	fprintf(out, "Process %d: ", (int)process->pid);
	write_visible(*process->command ? process->command : process->executable, out);
	style_set(out, color, STYLE_PLAIN);
	fputc('\n', out);
	if (*process->python_version) {
		fprintf(out, "Python %s%s%s (", process->python_version,
			process->is_free_threaded ? " free-threaded" : "",
			process->is_debug ? " debug" : "");
		write_visible(process->python_file, out);
		fputs(")\n", out);
	} else {
		fputs("No Python is up in it yet: it has just begun\n", out);
	}
	for (size_t i = 0; i < snapshot->thread_count; i++)
		write_thread(process, &snapshot->threads[i], color, out);
	if (locals && snapshot->is_cut)
		fputs("\nSome values were left out: there is too much to read at once.\n", out);
}
