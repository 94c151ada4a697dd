#include "capture/dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "capture/reader.h"

struct dump {
	struct capture_reader *reader;
	FILE *out;
	unsigned broken;
};

static void broken(struct dump *d, const char *what, uint64_t id)
{
	fprintf(d->out, "BROKEN %s %" PRIu64 "\n", what, id);
	d->broken++;
}

static const char *checked(struct dump *d, const char *text)
{
	if (!text || !text_is_clean(text, strlen(text)))
		broken(d, "text", 0);
	return text ? text : "";
}

static void dump_start(struct dump *d)
{
	const struct capture_start *s = reader_start(d->reader);

	fprintf(d->out, "version %u, %s, %s, damage: %s\n", reader_version(d->reader),
		s->mode == CAPTURE_AGGREGATE ? "aggregate" : "full",
		reader_complete(d->reader) ? "complete" : "not complete",
		reader_damage(d->reader) ? reader_damage(d->reader) : "none");
	fprintf(d->out, "sample rate %" PRIu64 ", wall time %" PRId64 ", page size %u\n",
		s->sample_rate_bytes, s->wall_time_ns, s->page_size);
	fprintf(d->out, "host \"%s\", system \"%s\", sonde \"%s\"\n", checked(d, s->host),
		checked(d, s->system), checked(d, s->sonde_version));
	if (s->sampling_period_ns)
		fprintf(d->out, "allocations %d, sampling period %" PRIu64 ", time metric %u\n",
			s->allocations, s->sampling_period_ns, s->time_metric);
	fprintf(d->out, "native stacks %d, python allocators %d, temporary %" PRIu64 "\n",
		s->native_stacks, s->python_allocators_traced, s->temporary_threshold);
	for (size_t i = 0; s->command_line[i]; i++)
		fprintf(d->out, "argument \"%s\"\n", checked(d, s->command_line[i]));
}

static void dump_event(struct dump *d, const struct event *e)
{
	static const char *const kinds[] = {"none", "alloc", "free", "shrink"};

	if (e->kind < EVENT_ALLOC || e->kind > EVENT_SHRINK)
		broken(d, "kind", e->kind);
	else
		fprintf(d->out, "%s slot %u thread %u", kinds[e->kind], e->slot, e->thread);
	if (e->kind == EVENT_ALLOC)
		fprintf(d->out, " %s stack %u", allocator_name(e->allocator), e->stack);
	if (e->kind != EVENT_FREE)
		fprintf(d->out, " bytes %" PRIu64, e->bytes);
	fprintf(d->out, " at %" PRIu64 "\n", e->time_ns);
}

static void dump_events(struct dump *d)
{
	struct event events[256];
	struct map live;
	uint64_t last_ns = 0;
	size_t n;

	map_init(&live);
	while ((n = reader_events(d->reader, events, 256))) {
		for (size_t i = 0; i < n; i++) {
			const struct event *e = &events[i];
			uint64_t ignored;

			dump_event(d, e);
			if (!e->slot ||
			    map_find(&live, e->slot, &ignored) != (e->kind != EVENT_ALLOC))
				broken(d, "slot", e->slot);
			if (e->kind == EVENT_ALLOC)
				map_put(&live, e->slot, 1);
			else if (e->kind == EVENT_FREE)
				map_take(&live, e->slot, &ignored);
			if (e->thread > reader_thread_count(d->reader))
				broken(d, "thread", e->thread);
			if (e->stack > reader_stack_count(d->reader))
				broken(d, "stack", e->stack);
			if (e->time_ns < last_ns)
				broken(d, "time", e->time_ns);
			last_ns = e->time_ns;
		}
	}
	map_deinit(&live);
}

static void dump_samples(struct dump *d)
{
	struct sample_event samples[256];
	uint64_t last_ns = 0;
	size_t n;

	while ((n = reader_samples(d->reader, samples, 256))) {
		for (size_t i = 0; i < n; i++) {
			const struct sample_event *s = &samples[i];

			fprintf(d->out, "sample thread %u stack %u flags %x %s at %" PRIu64 "\n",
				s->thread, s->stack, s->flags, sample_wait_name(s->wait),
				s->time_ns);
			if (s->thread > reader_thread_count(d->reader))
				broken(d, "thread", s->thread);
			if (s->stack > reader_stack_count(d->reader))
				broken(d, "stack", s->stack);
			if (s->time_ns < last_ns || s->time_ns > reader_duration_ns(d->reader))
				broken(d, "time", s->time_ns);
			last_ns = s->time_ns;
		}
	}
}

static void dump_sampling(struct dump *d)
{
	const struct capture_sampling *s = reader_sampling(d->reader);

	if (!s)
		return;
	fprintf(d->out,
		"sampling: %" PRIu64 " rounds and %" PRIu64 " missed in %" PRIu64 " ns, %" PRIu64
		" looks, %" PRIu64 " unchanged\n",
		s->rounds, s->rounds_missed, s->sampled_ns, s->looks, s->unchanged);
	fprintf(d->out,
		"sampling: %" PRIu64 " reads, %" PRIu64 " retries, %" PRIu64 " pauses of %" PRIu64
		" ns, %" PRIu64 " failures\n",
		s->reads, s->retries, s->pauses, s->paused_ns, s->failures);
	fprintf(d->out,
		"sampling: %" PRIu64 " missed, %" PRIu64 " dropped, %" PRIu64 " ns of CPU, %" PRIu64
		" processes unsampled\n",
		s->missed, s->dropped, s->cpu_ns, s->processes_unsampled);
}

static void dump_dictionaries(struct dump *d)
{
	for (frame_id i = 1; i <= reader_frame_count(d->reader); i++) {
		const struct capture_frame *f = reader_frame(d->reader, i);

		fprintf(d->out, "frame %u kind %u \"%s\" \"%s\":%u\n", i, f->kind,
			checked(d, f->function), checked(d, f->file), f->line);
	}
	for (stack_id i = 1; i <= reader_stack_count(d->reader); i++) {
		stack_id parent;
		frame_id frame;

		reader_stack(d->reader, i, &parent, &frame);
		fprintf(d->out, "stack %u on %u frame %u\n", i, parent, frame);
		if (parent >= i || !frame || frame > reader_frame_count(d->reader))
			broken(d, "stack", i);
	}
	for (thread_id i = 1; i <= reader_thread_count(d->reader); i++) {
		const struct capture_thread_info *t = reader_thread(d->reader, i);

		fprintf(d->out, "thread %u process %u tid %u \"%s\"\n", i, t->process, t->tid,
			checked(d, t->name));
		if (t->process > reader_process_count(d->reader))
			broken(d, "process", t->process);
	}
}

static void dump_processes(struct dump *d)
{
	for (process_id i = 1; i <= reader_process_count(d->reader); i++) {
		const struct capture_process_info *p = reader_process(d->reader, i);
		const struct capture_memory *m = &p->memory;

		fprintf(d->out, "process %u pid %u of %u from %" PRIu64 " to %" PRIu64 " status %d",
			i, p->start.pid, p->start.parent_pid, p->start.start_ns, p->end_ns,
			p->exit_status);
		fprintf(d->out, " \"%s\" \"%s\" \"%s\" \"%s\"\n", checked(d, p->start.command),
			checked(d, p->start.executable), checked(d, p->start.python_version),
			checked(d, p->start.python_allocator));
		fprintf(d->out,
			"memory at %" PRIu64 ": %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			" %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			" %" PRIu64 "\n",
			p->memory_time_ns, m->rss, m->anonymous, m->file, m->shared_memory, m->swap,
			m->peak_rss, m->own_rss, m->heap_mapped, m->heap_resident,
			m->stacks_resident, m->untouched);
	}
}

static void dump_notes(struct dump *d)
{
	const uint64_t *lost = reader_lost(d->reader);
	const struct capture_rss *rss;
	size_t count = reader_rss(d->reader, &rss);

	for (size_t i = 0; i < count; i++) {
		fprintf(d->out, "rss process %u at %" PRIu64 ": %" PRIu64 "\n", rss[i].process,
			rss[i].time_ns, rss[i].bytes);
		if (!rss[i].process || rss[i].process > reader_process_count(d->reader))
			broken(d, "process", rss[i].process);
	}
	for (unsigned i = 0; i < LOST_END; i++) {
		if (lost[i])
			fprintf(d->out, "lost, %s: %" PRIu64 "\n", lost_reason_name(i), lost[i]);
	}
}

static void dump_counts(struct dump *d, const char *name, const struct tally_counts *counts)
{
	fprintf(d->out, " %s %" PRIu64 "/%" PRIu64, name, counts->bytes, counts->count);
}

static void dump_rows(struct dump *d)
{
	const struct tally_totals *totals = reader_totals(d->reader);
	const struct tally_row *rows;
	size_t count = reader_rows(d->reader, &rows);

	for (size_t i = 0; i < count; i++) {
		const struct tally_row *row = &rows[i];

		fprintf(d->out, "row stack %u thread %u %s", row->stack, row->thread,
			allocator_name(row->allocator));
		dump_counts(d, "total", &row->total);
		dump_counts(d, "live", &row->live);
		dump_counts(d, "peak", &row->peak);
		dump_counts(d, "temporary", &row->temporary);
		fputc('\n', d->out);
		if (row->stack > reader_stack_count(d->reader))
			broken(d, "stack", row->stack);
		if (row->thread > reader_thread_count(d->reader))
			broken(d, "thread", row->thread);
	}
	if (!totals)
		return;
	fputs("totals", d->out);
	dump_counts(d, "allocated", &totals->allocated);
	dump_counts(d, "freed", &totals->freed);
	dump_counts(d, "live", &totals->live);
	fprintf(d->out, " peak %" PRIu64 "/%" PRIu64 " at %" PRIu64 "\n", totals->peak_bytes,
		totals->peak_count, totals->peak_time_ns);
	for (unsigned i = 0; i < ALLOCATOR_END; i++) {
		if (!totals->by_allocator[i].count)
			continue;
		fputs("allocator", d->out);
		dump_counts(d, allocator_name(i), &totals->by_allocator[i]);
		fputc('\n', d->out);
	}
	for (unsigned i = 0; i < 65; i++) {
		if (totals->size_histogram[i])
			fprintf(d->out, "sizes below 2^%u: %" PRIu64 "\n", i,
				totals->size_histogram[i]);
	}
}

unsigned dump_capture(const char *path, FILE *out)
{
	struct dump d = {.out = out};
	const struct capture_chunk_sum *sums;
	struct error err;
	size_t count;

	if (reader_open(path, &d.reader, &err) < 0) {
		const char *name = strstr(err.message, path);

		if (name)
			fprintf(out, "refused (%d): %.*sFILE%s\n", err.code,
				(int)(name - err.message), err.message, name + strlen(path));
		else
			fprintf(out, "refused (%d): %s\n", err.code, err.message);
		return 0;
	}
	count = reader_chunk_sums(d.reader, &sums);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%" PRIu64 " chunks of %s\n", sums[i].chunks, sums[i].type);
	fprintf(out, "%" PRIu64 " events in %" PRIu64 " ns\n", reader_event_count(d.reader),
		reader_duration_ns(d.reader));
	if (reader_sample_count(d.reader))
		fprintf(out, "%" PRIu64 " samples\n", reader_sample_count(d.reader));
	dump_events(&d);
	dump_samples(&d);
	dump_dictionaries(&d);
	dump_processes(&d);
	dump_notes(&d);
	dump_sampling(&d);
	dump_rows(&d);
	dump_start(&d);
	reader_close(d.reader);
	return d.broken;
}
