#include "capture/notes.h"

#include <stdlib.h>
#include <string.h>

#include "capture/format.h"
#include "capture/section.h"

#define NOTES_TIME_SHIFT 10 /* RSS times are in units of 1,024 ns */
#define NOTES_RSS_MAX    (1u << 27)

void notes_writer_init(struct notes_writer *w)
{
	*w = (struct notes_writer){.first_ns = UINT64_MAX};
	buffer_init(&w->rss, FORMAT_PAYLOAD_MAX / 2);
	buffer_init(&w->other, FORMAT_PAYLOAD_MAX / 2);
}

void notes_writer_deinit(struct notes_writer *w)
{
	buffer_deinit(&w->rss);
	buffer_deinit(&w->other);
}

static void notes_writer_at(struct notes_writer *w, uint64_t time_ns)
{
	if (time_ns < w->first_ns)
		w->first_ns = time_ns;
	if (time_ns > w->last_ns)
		w->last_ns = time_ns;
}

void notes_writer_rss(struct notes_writer *w, process_id process, uint64_t time_ns, uint64_t bytes)
{
	uint64_t units = time_ns >> NOTES_TIME_SHIFT;

	notes_writer_at(w, time_ns);
	buffer_add_varint(&w->rss, process);
	section_add_difference(&w->rss, units, w->last_rss.time_ns >> NOTES_TIME_SHIFT);
	section_add_difference(&w->rss, bytes, w->last_rss.bytes);
	w->last_rss = (struct capture_rss){.time_ns = time_ns, .bytes = bytes};
	w->rss_count++;
}

/* The values of a look at the memory, in the order of the file. */
#define MEMORY_VALUES 11u

static void memory_to_values(const struct capture_memory *m, uint64_t values[MEMORY_VALUES])
{
	const uint64_t list[MEMORY_VALUES] = {
		m->rss,           m->anonymous,       m->file,      m->shared_memory,
		m->swap,          m->peak_rss,        m->own_rss,   m->heap_mapped,
		m->heap_resident, m->stacks_resident, m->untouched,
	};

	memcpy(values, list, sizeof(list));
}

static void memory_from_values(const uint64_t values[MEMORY_VALUES], struct capture_memory *m)
{
	*m = (struct capture_memory){
		.rss = values[0],
		.anonymous = values[1],
		.file = values[2],
		.shared_memory = values[3],
		.swap = values[4],
		.peak_rss = values[5],
		.own_rss = values[6],
		.heap_mapped = values[7],
		.heap_resident = values[8],
		.stacks_resident = values[9],
		.untouched = values[10],
	};
}
_Static_assert(sizeof(struct capture_memory) == MEMORY_VALUES * sizeof(uint64_t),
	       "capture_memory has a value that the file has not");

static void notes_writer_section(struct notes_writer *w, uint64_t time_ns, unsigned type,
				 const uint64_t *values, unsigned count)
{
	struct buffer body;

	notes_writer_at(w, time_ns);
	buffer_init(&body, 1024);
	for (unsigned i = 0; i < count; i++)
		buffer_add_varint(&body, values[i]);
	section_add(&w->other, type, &body);
	buffer_deinit(&body);
}

void notes_writer_memory(struct notes_writer *w, process_id process, uint64_t time_ns,
			 const struct capture_memory *memory)
{
	uint64_t values[3 + MEMORY_VALUES] = {process, time_ns, MEMORY_VALUES};

	memory_to_values(memory, values + 3);
	notes_writer_section(w, time_ns, FORMAT_MEMORY, values, 3 + MEMORY_VALUES);
}

void notes_writer_process_end(struct notes_writer *w, process_id process, uint64_t time_ns,
			      int exit_status)
{
	uint64_t values[] = {process, time_ns, cursor_zigzag((uint64_t)(int64_t)exit_status)};

	notes_writer_section(w, time_ns, FORMAT_PROCESS_END, values, 3);
}

bool notes_writer_lost(struct notes_writer *w, uint64_t time_ns, const uint64_t lost[LOST_END])
{
	uint64_t values[1 + LOST_END] = {LOST_END};

	if (!memcmp(lost, w->lost, sizeof(w->lost)))
		return false;
	memcpy(w->lost, lost, sizeof(w->lost));
	memcpy(values + 1, lost, sizeof(w->lost));
	notes_writer_section(w, time_ns, FORMAT_LOST, values, 1 + LOST_END);
	return true;
}

/* The counts of sampling, in the order of the file. */
#define SAMPLING_VALUES 14u

static void sampling_to_values(const struct capture_sampling *s, uint64_t values[SAMPLING_VALUES])
{
	const uint64_t list[SAMPLING_VALUES] = {
		s->rounds,     s->rounds_missed,
		s->sampled_ns, s->looks,
		s->unchanged,  s->reads,
		s->retries,    s->pauses,
		s->paused_ns,  s->failures,
		s->missed,     s->dropped,
		s->cpu_ns,     s->processes_unsampled,
	};

	memcpy(values, list, sizeof(list));
}

static void sampling_from_values(const uint64_t values[SAMPLING_VALUES], struct capture_sampling *s)
{
	*s = (struct capture_sampling){
		.rounds = values[0],
		.rounds_missed = values[1],
		.sampled_ns = values[2],
		.looks = values[3],
		.unchanged = values[4],
		.reads = values[5],
		.retries = values[6],
		.pauses = values[7],
		.paused_ns = values[8],
		.failures = values[9],
		.missed = values[10],
		.dropped = values[11],
		.cpu_ns = values[12],
		.processes_unsampled = values[13],
	};
}
_Static_assert(sizeof(struct capture_sampling) == SAMPLING_VALUES * sizeof(uint64_t),
	       "capture_sampling has a value that the file has not");

bool notes_writer_sampling(struct notes_writer *w, uint64_t time_ns,
			   const struct capture_sampling *sampling)
{
	if (!memcmp(sampling, &w->sampling, sizeof(w->sampling)))
		return false;
	w->sampling = *sampling;
	w->sampling_pending = true;
	notes_writer_at(w, time_ns);
	return true;
}

static void notes_writer_take_sampling(struct notes_writer *w)
{
	uint64_t values[1 + SAMPLING_VALUES] = {SAMPLING_VALUES};

	if (!w->sampling_pending)
		return;
	sampling_to_values(&w->sampling, values + 1);
	notes_writer_section(w, w->last_ns, FORMAT_SAMPLING, values, 1 + SAMPLING_VALUES);
	w->sampling_pending = false;
}

size_t notes_writer_pending_bytes(const struct notes_writer *w)
{
	return w->rss.used + w->other.used + (w->sampling_pending ? SAMPLING_VALUES : 0);
}

void notes_writer_take(struct notes_writer *w, struct buffer *out)
{
	notes_writer_take_sampling(w);
	if (w->rss_count) {
		struct buffer head;

		buffer_init(&head, 16);
		buffer_add_varint(&head, w->rss_count);
		buffer_add_varint(out, FORMAT_RSS);
		buffer_add_varint(out, head.used + w->rss.used);
		buffer_add(out, head.data, head.used);
		buffer_add(out, w->rss.data, w->rss.used);
		if (head.failed || w->rss.failed)
			out->failed = true;
		buffer_deinit(&head);
	}
	buffer_add(out, w->other.data, w->other.used);
	if (w->other.failed)
		out->failed = true;
	buffer_clear(&w->rss);
	buffer_clear(&w->other);
	w->rss_count = 0;
	w->last_rss = (struct capture_rss){0};
	w->first_ns = UINT64_MAX;
	w->last_ns = 0;
}

void notes_reader_deinit(struct notes_reader *r)
{
	free(r->rss);
}

static const char *read_rss(struct notes_reader *r, struct cursor *c, process_id processes)
{
	uint64_t count = cursor_bounded(c, cursor_left(c));
	uint64_t units = 0, bytes = 0;

	if (count > NOTES_RSS_MAX - r->rss_count)
		return "more RSS samples than the format allows";
	if (r->rss_count + count > r->rss_size) {
		size_t size = (r->rss_count + count) * 2;
		struct capture_rss *rss = realloc(r->rss, size * sizeof(*rss));

		if (!rss)
			return "more RSS samples than memory can hold";
		r->rss = rss;
		r->rss_size = size;
	}
	for (uint64_t i = 0; i < count; i++) {
		uint64_t process = cursor_bounded(c, processes);

		units = section_difference(c, units);
		bytes = section_difference(c, bytes);
		if (c->failed || !process || units > FORMAT_TIME_MAX_NS >> NOTES_TIME_SHIFT)
			return "an RSS sample is not whole";
		r->rss[r->rss_count++] = (struct capture_rss){
			.time_ns = units << NOTES_TIME_SHIFT,
			.bytes = bytes,
			.process = (process_id)process,
		};
	}
	return NULL;
}

static const char *read_memory(struct cursor *c, struct dictionary *d)
{
	struct capture_process_info *info =
		dictionary_process_to_fill(d, (process_id)cursor_bounded(c, UINT32_MAX));
	uint64_t time_ns = cursor_bounded(c, FORMAT_TIME_MAX_NS);
	uint64_t count = cursor_bounded(c, cursor_left(c));
	uint64_t values[MEMORY_VALUES] = {0};

	for (uint64_t i = 0; i < count && i < MEMORY_VALUES; i++)
		values[i] = cursor_varint(c);
	if (c->failed || !info)
		return "a look at the memory is not whole";
	memory_from_values(values, &info->memory);
	info->memory_time_ns = time_ns;
	return NULL;
}

static const char *read_process_end(struct cursor *c, struct dictionary *d)
{
	struct capture_process_info *info =
		dictionary_process_to_fill(d, (process_id)cursor_bounded(c, UINT32_MAX));
	uint64_t time_ns = cursor_bounded(c, FORMAT_TIME_MAX_NS);
	uint64_t status = cursor_unzigzag(cursor_varint(c));

	if (c->failed || !info)
		return "the end of a process is not whole";
	info->end_ns = time_ns;
	info->exit_status = (int)(int64_t)status;
	return NULL;
}

static const char *read_lost(struct notes_reader *r, struct cursor *c)
{
	uint64_t count = cursor_bounded(c, cursor_left(c));

	for (uint64_t i = 0; i < count; i++) {
		uint64_t lost = cursor_varint(c);

		if (i < LOST_END)
			r->lost[i] = lost;
	}
	return c->failed ? "the counts of what was lost break off" : NULL;
}

static const char *read_sampling(struct notes_reader *r, struct cursor *c)
{
	uint64_t count = cursor_bounded(c, cursor_left(c));
	uint64_t values[SAMPLING_VALUES] = {0};

	for (uint64_t i = 0; i < count && i < SAMPLING_VALUES; i++)
		values[i] = cursor_varint(c);
	if (c->failed)
		return "the counts of sampling break off";
	sampling_from_values(values, &r->sampling);
	r->has_sampling = true;
	return NULL;
}

const char *notes_reader_add(struct notes_reader *r, const unsigned char *payload, size_t length,
			     struct dictionary *dictionary)
{
	struct cursor c = cursor_over(payload, length);
	struct section section;

	while (section_next(&c, &section)) {
		const char *problem = NULL;

		switch (section.type) {
		case FORMAT_RSS:
			problem = read_rss(r, &section.body, dictionary_processes(dictionary));
			break;
		case FORMAT_MEMORY:
			problem = read_memory(&section.body, dictionary);
			break;
		case FORMAT_PROCESS_END:
			problem = read_process_end(&section.body, dictionary);
			break;
		case FORMAT_LOST:
			problem = read_lost(r, &section.body);
			break;
		case FORMAT_SAMPLING:
			problem = read_sampling(r, &section.body);
			break;
		default: /* of a later version */
			break;
		}
		if (problem)
			return problem;
	}
	return c.failed ? "a section breaks off" : NULL;
}
