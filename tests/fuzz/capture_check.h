#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "capture/reader.h"

/* What a reader must keep to whatever the bytes are: each of these ends the fuzzing with a find. */
#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* Enough to see everything, few enough not to take seconds: a small input may hold many events. */
#define EVENTS_MAX (1u << 18)

static inline void check_text(const char *text)
{
	REQUIRE(text && text_is_clean(text, strlen(text)));
}

static inline void check_start(const struct capture_reader *r)
{
	const struct capture_start *start = reader_start(r);

	check_text(start->host);
	check_text(start->system);
	check_text(start->sonde_version);
	for (size_t i = 0; start->command_line[i]; i++)
		check_text(start->command_line[i]);
	REQUIRE(start->mode == CAPTURE_FULL || start->mode == CAPTURE_AGGREGATE);
	REQUIRE(start->time_metric <= CAPTURE_TIME_GIL);
}

static inline void check_dictionaries(const struct capture_reader *r)
{
	for (uint32_t i = 0; i <= reader_frame_count(r) + 1; i++) {
		check_text(reader_frame(r, i)->function);
		check_text(reader_frame(r, i)->file);
	}
	for (uint32_t i = 0; i <= reader_stack_count(r) + 1; i++) {
		stack_id parent;
		frame_id frame;

		reader_stack(r, i, &parent, &frame);
		REQUIRE(parent < i || !i);
		REQUIRE(frame <= reader_frame_count(r));
	}
	for (uint32_t i = 0; i <= reader_process_count(r) + 1; i++) {
		check_text(reader_process(r, i)->start.command);
		check_text(reader_process(r, i)->start.executable);
		check_text(reader_process(r, i)->start.python_version);
		check_text(reader_process(r, i)->start.python_allocator);
	}
	for (uint32_t i = 0; i <= reader_thread_count(r) + 1; i++) {
		check_text(reader_thread(r, i)->name);
		REQUIRE(reader_thread(r, i)->process <= reader_process_count(r));
	}
}

static inline void check_events(struct capture_reader *r, uint64_t from_ns, uint64_t to_ns)
{
	struct tally *tally = tally_create(&(struct tally_options){.temporary_threshold = 1});
	const struct tally_row *rows;
	struct event events[512];
	struct map live;
	uint64_t last_ns = 0;
	size_t n, count = 0;

	map_init(&live);
	while (count < EVENTS_MAX && (n = reader_events(r, events, 512))) {
		for (size_t i = 0; i < n; i++) {
			const struct event *event = &events[i];
			uint64_t bytes = 0;
			bool lives = map_find(&live, event->slot, &bytes);

			REQUIRE(event->kind >= EVENT_ALLOC && event->kind <= EVENT_SHRINK);
			REQUIRE(event->slot && lives == (event->kind != EVENT_ALLOC));
			REQUIRE(event->thread <= reader_thread_count(r));
			REQUIRE(event->stack <= reader_stack_count(r));
			REQUIRE(event->time_ns >= last_ns);
			REQUIRE(event->time_ns >= from_ns && event->time_ns < to_ns);
			last_ns = event->time_ns;
			if (event->kind == EVENT_ALLOC)
				map_put(&live, event->slot, 1);
			else if (event->kind == EVENT_FREE)
				map_take(&live, event->slot, &bytes);
			tally_event(tally, event);
		}
		REQUIRE(reader_progress(r) >= 0 && reader_progress(r) <= 1.0001);
		count += n;
	}
	tally_settle(tally, &rows);
	REQUIRE(tally_totals(tally)->live.count == live.used);
	tally_destroy(tally);
	map_deinit(&live);
}

static inline void check_samples(struct capture_reader *r, uint64_t from_ns, uint64_t to_ns)
{
	struct sample_event samples[512];
	uint64_t last_ns = 0;
	size_t n, count = 0;

	while (count < EVENTS_MAX && (n = reader_samples(r, samples, 512))) {
		for (size_t i = 0; i < n; i++) {
			REQUIRE(samples[i].thread <= reader_thread_count(r));
			REQUIRE(samples[i].stack <= reader_stack_count(r));
			REQUIRE(samples[i].time_ns >= last_ns);
			REQUIRE(samples[i].time_ns >= from_ns && samples[i].time_ns < to_ns);
			REQUIRE(samples[i].time_ns <= reader_duration_ns(r));
			last_ns = samples[i].time_ns;
		}
		REQUIRE(reader_progress(r) >= 0 && reader_progress(r) <= 1.0001);
		count += n;
	}
}

static inline void check_rest(const struct capture_reader *r)
{
	const struct capture_chunk_sum *sums;
	const struct capture_rss *rss;
	const struct tally_row *rows;
	size_t count = reader_rss(r, &rss);

	for (size_t i = 0; i < count; i++)
		REQUIRE(rss[i].process && rss[i].process <= reader_process_count(r));
	count = reader_rows(r, &rows);
	for (size_t i = 0; i < count; i++) {
		REQUIRE(rows[i].stack <= reader_stack_count(r));
		REQUIRE(rows[i].thread <= reader_thread_count(r));
	}
	count = reader_chunk_sums(r, &sums);
	for (size_t i = 0; i < count; i++)
		REQUIRE(sums[i].type && sums[i].chunks);
	if (reader_damage(r))
		REQUIRE(!strchr(reader_damage(r), '\n'));
	reader_event_count(r);
	reader_sample_count(r);
	reader_sampling(r);
	reader_duration_ns(r);
	reader_lost(r);
	reader_totals(r);
}

/* Reads the file whole, and a part of its time; once its samples first. */
static inline void check_capture(const char *path)
{
	for (unsigned part = 0; part < 3; part++) {
		struct capture_reader *r;
		struct error err = {0};
		uint64_t from_ns = 0, to_ns = UINT64_MAX;

		if (reader_open(path, &r, &err) < 0) {
			REQUIRE(err.code == ERROR_CAPTURE && err.message[0]);
			return;
		}
		if (part == 1) {
			from_ns = reader_duration_ns(r) / 3;
			to_ns = from_ns * 2;
			reader_window(r, from_ns, to_ns);
		}
		check_start(r);
		if (part == 2)
			check_samples(r, from_ns, to_ns);
		check_events(r, from_ns, to_ns);
		check_samples(r, from_ns, to_ns);
		check_dictionaries(r);
		check_rest(r);
		reader_close(r);
	}
}
