#include "report/threads.h"

#include <string.h>

#include "base/text.h"
#include "report/amount.h"
#include "report/names.h"
#include "report/style.h"

enum {
	TIME_COLUMNS = 10,
	SHARE_COLUMNS = 9,
	NAME_COLUMNS = 16, /* states that stand alone leave so much to the names */
};

/* The states that have a column of their own, in its order; what the others have is the rest. */
struct layout {
	enum state states[STATE_END];
	size_t count;
	bool rest, gil, gc;
	size_t fixed; /* what all but the names take */
};

static const char *const titles[STATE_END] = {
	[STATE_RUNNING] = "Running", [STATE_GIL] = "GIL wait", [STATE_STOPPED] = "Stopped",
	[STATE_FUTEX] = "Futex",     [STATE_POLL] = "Poll",    [STATE_SLEEP] = "Sleep",
	[STATE_READ] = "Read",       [STATE_WRITE] = "Write",  [STATE_NETWORK] = "Network",
	[STATE_CHILD] = "Child",     [STATE_FILE] = "File",    [STATE_OTHER] = "Other",
	[STATE_KERNEL] = "Kernel",
};

/* Running and waiting for the GIL come first, then the others that there were, the most frequent
 * first. */
static void sort_states(const struct profile_thread *all, struct layout *layout)
{
	size_t first;

	layout->states[layout->count++] = STATE_RUNNING;
	if (all->states[STATE_GIL] > 0)
		layout->states[layout->count++] = STATE_GIL;
	first = layout->count;
	for (enum state state = STATE_GIL + 1; state < STATE_END; state++) {
		size_t at = layout->count;

		if (all->states[state] == 0)
			continue;
		for (; at > first && all->states[layout->states[at - 1]] < all->states[state]; at--)
			layout->states[at] = layout->states[at - 1];
		layout->states[at] = state;
		layout->count++;
	}
}

static struct layout measure(const struct profile *profile, const struct report_options *options)
{
	const struct profile_thread *all = &profile->time.all;
	struct layout layout = {.gil = all->holds_gil > 0, .gc = all->gc > 0};
	size_t columns, room;

	sort_states(all, &layout);
	columns = layout.count + layout.gil + layout.gc;
	room = options->columns > TIME_COLUMNS + NAME_COLUMNS
		       ? ((size_t)options->columns - TIME_COLUMNS - NAME_COLUMNS) / SHARE_COLUMNS
		       : 0;
	if (options->columns > 0 && columns > room) {
		size_t spare = room > (size_t)layout.gil + layout.gc + 1
				       ? room - (layout.gil + layout.gc + 1u)
				       : 0;

		layout.rest = layout.count > spare && layout.count > 1;
		if (layout.rest)
			layout.count = spare > 0 ? spare : 1;
	}
	layout.fixed = TIME_COLUMNS + 2 +
		       SHARE_COLUMNS * (layout.count + layout.rest + layout.gil + layout.gc);
	return layout;
}

static void write_titles(const struct layout *layout, const struct report_options *options,
			 FILE *out)
{
	style_set(out, options->color, STYLE_BOLD);
	fprintf(out, "%*s", TIME_COLUMNS, "Time");
	for (size_t i = 0; i < layout->count; i++)
		fprintf(out, "%*s", SHARE_COLUMNS, titles[layout->states[i]]);
	if (layout->rest)
		fprintf(out, "%*s", SHARE_COLUMNS, "Rest");
	if (layout->gil)
		fprintf(out, "%*s", SHARE_COLUMNS, "Has GIL");
	if (layout->gc)
		fprintf(out, "%*s", SHARE_COLUMNS, "In GC");
	fputs("  Thread\n", out);
	style_set(out, options->color, STYLE_PLAIN);
}

static void write_share(uint64_t samples, const struct profile_thread *thread, FILE *out)
{
	char text[32];

	if (samples == 0)
		fprintf(out, "%*s", SHARE_COLUMNS, "-");
	else
		fprintf(out, "%*s", SHARE_COLUMNS,
			text_percent(style_share(samples, thread->samples), text, sizeof(text)));
}

/* Without a name it is called by its number. */
static bool has_name(const struct profile *profile, thread_id thread)
{
	return thread != 0 && thread <= reader_thread_count(profile->reader) &&
	       reader_thread(profile->reader, thread)->name[0] != '\0';
}

static void write_thread(const struct profile *profile, const struct profile_thread *thread,
			 const struct layout *layout, const struct report_options *options,
			 FILE *out)
{
	struct names_location name = {0};
	uint64_t rest = thread->samples;
	size_t used, columns = 0;
	char text[32];

	fprintf(out, "%*s", TIME_COLUMNS,
		amount_text(UNIT_NS, thread->samples * profile->time.period_ns, text,
			    sizeof(text)));
	for (size_t i = 0; i < layout->count; i++) {
		write_share(thread->states[layout->states[i]], thread, out);
		rest -= thread->states[layout->states[i]];
	}
	if (layout->rest)
		write_share(rest, thread, out);
	if (layout->gil)
		write_share(thread->holds_gil, thread, out);
	if (layout->gc)
		write_share(thread->gc, thread, out);
	names_thread(profile, thread->thread, name.function, sizeof(name.function) - 64);
	used = strlen(name.function);
	if (has_name(profile, thread->thread))
		snprintf(name.function + used, sizeof(name.function) - used, " [%u]",
			 names_tid(profile, thread->thread));
	if (options->columns > 0)
		columns = (size_t)options->columns > layout->fixed + 8
				  ? (size_t)options->columns - layout->fixed
				  : 8;
	names_fit(&name, columns);
	fprintf(out, "  %s\n", name.function);
}

static void write_gil(const struct profile *profile, const struct profile_gil *gil, FILE *out)
{
	char held[32], waited[32];

	if (gil->held == 0 && gil->waited == 0)
		return;
	fprintf(out, "  held %s of the time, waited for %s of the time",
		text_percent(style_share(gil->held, gil->rounds), held, sizeof(held)),
		text_percent(style_share(gil->waited, gil->rounds), waited, sizeof(waited)));
	if (profile->time.gil_count > 1)
		fprintf(out, " in process %u", names_pid(profile, gil->process));
	putc('\n', out);
}

void threads_write(const struct profile *profile, const struct report_options *options, FILE *out)
{
	const struct profile_time *time = &profile->time;
	struct layout layout = measure(profile, options);
	size_t shown = time->thread_count;
	char some[32], all[32];
	bool any_gil = false;

	if (time->thread_count == 0)
		return;
	if (options->max_rows > 0 && (size_t)options->max_rows < shown)
		shown = (size_t)options->max_rows;
	style_title(out, options->color, "Threads");
	write_titles(&layout, options, out);
	for (size_t i = 0; i < shown; i++)
		write_thread(profile, &time->threads[i], &layout, options, out);
	if (shown < time->thread_count)
		fprintf(out, "  (%s of %s threads)\n", text_count(shown, some, sizeof(some)),
			text_count(time->thread_count, all, sizeof(all)));
	for (size_t i = 0; i < time->gil_count; i++)
		any_gil = any_gil || time->gils[i].held > 0 || time->gils[i].waited > 0;
	if (!any_gil)
		return;
	style_title(out, options->color, "GIL");
	for (size_t i = 0; i < time->gil_count; i++)
		write_gil(profile, &time->gils[i], out);
}

void threads_write_json_states(const struct profile_thread *thread, struct json *json)
{
	json_key(json, "states");
	json_begin_object(json);
	for (enum state state = 0; state < STATE_END; state++) {
		if (thread->states[state] > 0)
			json_key_uint(json, state_name(state), thread->states[state]);
	}
	json_end_object(json);
}

static void write_json_thread(const struct profile *profile, const struct profile_thread *thread,
			      struct json *json)
{
	const struct capture_reader *reader = profile->reader;

	json_line(json);
	json_begin_object(json);
	names_write_thread_json(profile, thread->thread, json);
	if (thread->thread != 0 && thread->thread <= reader_thread_count(reader))
		json_key_uint(json, "pid",
			      names_pid(profile, reader_thread(reader, thread->thread)->process));
	json_key_seconds(json, "seconds", thread->samples * profile->time.period_ns);
	json_key_uint(json, "samples", thread->samples);
	json_key_uint(json, "in_metric", thread->counted);
	threads_write_json_states(thread, json);
	json_key_uint(json, "holds_gil", thread->holds_gil);
	json_key_uint(json, "gc", thread->gc);
	json_key_uint(json, "without_stack", thread->unknown);
	json_end_object(json);
}

void threads_write_json(const struct profile *profile, struct json *json)
{
	const struct profile_time *time = &profile->time;

	json_key(json, "threads");
	json_begin_array(json);
	for (size_t i = 0; i < time->thread_count; i++)
		write_json_thread(profile, &time->threads[i], json);
	json_line(json);
	json_end_array(json);
	json_key(json, "gil");
	json_begin_array(json);
	for (size_t i = 0; i < time->gil_count; i++) {
		json_begin_object(json);
		json_key_uint(json, "pid", names_pid(profile, time->gils[i].process));
		json_key_uint(json, "rounds", time->gils[i].rounds);
		json_key_uint(json, "held", time->gils[i].held);
		json_key_uint(json, "waited", time->gils[i].waited);
		json_end_object(json);
	}
	json_end_array(json);
}
