#include "capture/sample_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "capture/cursor.h"
#include "capture/format.h"
#include "capture/sample_code.h"

/*
 *  1. A round takes the threads of `list`, from `next` on, and puts them into `made`, which is the
 *     group's list once the round is complete (next == list.count).
 *  2. Each thread taken is a sample or was put into the list by a byte of code, so the work for a
 *     chunk is bounded by its bytes and the samples that it says to have.
 *  3. kept > 0, or inserted, only while the code before `code` is at work.
 */
#define SAMPLE_DECODER_HEAD 8u

struct sample_member {
	thread_id thread;
	struct sample_site does;
};

struct sample_members {
	struct sample_member *items;
	size_t count, room;
};

struct sample_turn {
	struct sample_members members;
	uint32_t follower;
	bool together;
};

struct sample_decoder {
	const char *problem;
	const unsigned char *codes, *code, *code_end;
	struct cursor arguments, times;
	uint32_t samples, samples_left;
	stack_id stacks;
	thread_id threads;

	uint64_t first_ns, time_ns;
	uint64_t units, last_units, period;
	unsigned shift;

	struct sample_turn *groups;
	size_t group_count, group_room;
	uint32_t current;
	struct sample_members list, made;
	size_t next;
	uint64_t kept;
	bool inserted; /* the next thread is this one */
	thread_id thread;

	stack_id last_stack;
	size_t site_count, state_count;
	struct sample_site sites[SAMPLE_CODE_SITES];
	struct sample_site states[SAMPLE_CODE_STATES]; /* without stack */
};

struct sample_decoder *sample_decoder_create(void)
{
	return calloc(1, sizeof(struct sample_decoder));
}

static void decoder_drop_groups(struct sample_decoder *d)
{
	for (size_t i = 0; i < d->group_count; i++)
		free(d->groups[i].members.items);
	d->group_count = 0;
}

void sample_decoder_destroy(struct sample_decoder *d)
{
	if (!d)
		return;
	decoder_drop_groups(d);
	free(d->groups);
	free(d->list.items);
	free(d->made.items);
	free(d);
}

static bool decoder_fail(struct sample_decoder *d, const char *problem)
{
	if (!d->problem)
		d->problem = problem;
	d->code = d->code_end;
	d->kept = 0;
	return false;
}

static bool decoder_add_group(struct sample_decoder *d)
{
	if (d->group_count == d->group_room) {
		size_t room = d->group_room ? d->group_room * 2 : 8;
		struct sample_turn *groups = realloc(d->groups, room * sizeof(*groups));

		if (!groups)
			return decoder_fail(d, "more groups of threads than memory can hold");
		d->groups = groups;
		d->group_room = room;
	}
	d->groups[d->group_count++] = (struct sample_turn){0};
	return true;
}

static size_t decoder_length(const unsigned char *bytes)
{
	return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
	       (size_t)bytes[3] << 24;
}

static bool decoder_split(struct sample_decoder *d, const struct sample_chunk *chunk)
{
	struct cursor c = cursor_over(chunk->payload, chunk->length);
	const unsigned char *head = cursor_bytes(&c, SAMPLE_DECODER_HEAD);
	const unsigned char *arguments;
	size_t code_bytes, argument_bytes;

	if (c.failed)
		return false;
	code_bytes = decoder_length(head);
	argument_bytes = decoder_length(head + 4);
	d->codes = cursor_bytes(&c, code_bytes);
	arguments = cursor_bytes(&c, argument_bytes);
	if (c.failed)
		return false;
	d->code = d->codes;
	d->code_end = d->codes + code_bytes;
	d->arguments = cursor_over(arguments, argument_bytes);
	d->times = c;
	d->shift = (unsigned)cursor_bounded(&d->arguments, SAMPLE_CODE_SHIFT_MAX);
	d->period = cursor_bounded(&d->arguments, FORMAT_TIME_MAX_NS);
	return !d->arguments.failed;
}

const char *sample_decoder_begin(struct sample_decoder *d, const struct sample_chunk *chunk)
{
	d->problem = NULL;
	d->codes = d->code = d->code_end = NULL;
	d->samples = d->samples_left = chunk->samples;
	d->stacks = chunk->stacks;
	d->threads = chunk->threads;
	d->first_ns = d->time_ns = chunk->first_ns;
	d->units = 0;
	decoder_drop_groups(d);
	d->current = 0;
	d->list.count = d->made.count = d->next = 0;
	d->kept = 0;
	d->inserted = false;
	d->thread = 0;
	d->last_stack = 0;
	d->site_count = d->state_count = 0;
	if (!decoder_split(d, chunk))
		decoder_fail(d, "a sample chunk breaks off");
	d->last_units = (chunk->last_ns - chunk->first_ns) >> d->shift;
	if (!d->problem)
		decoder_add_group(d);
	return d->problem;
}

const char *sample_decoder_problem(const struct sample_decoder *d)
{
	return d->problem;
}

double sample_decoder_progress(const struct sample_decoder *d)
{
	return d->samples ? 1 - (double)d->samples_left / d->samples : 1;
}

static bool decoder_put(struct sample_decoder *d, const struct sample_member *member)
{
	struct sample_members *made = &d->made;

	if (made->count == made->room) {
		size_t room = made->room ? made->room * 2 : 64;
		struct sample_member *items = realloc(made->items, room * sizeof(*items));

		if (!items)
			return decoder_fail(d, "more threads than memory can hold");
		made->items = items;
		made->room = room;
	}
	made->items[made->count++] = *member;
	return true;
}

static bool decoder_begin_time(struct sample_decoder *d)
{
	uint64_t units = d->units + d->period + cursor_unzigzag(cursor_varint(&d->times));

	if (d->times.failed || units < d->units || units > d->last_units)
		return decoder_fail(d, "the time of a round is not within its chunk");
	d->units = units;
	d->time_ns = d->first_ns + (units << d->shift);
	return true;
}

/* Begins the next round; the one before it must be complete. */
static bool decoder_begin_round(struct sample_decoder *d)
{
	struct sample_turn *turn = &d->groups[d->current];
	struct sample_members list = d->list;

	if (!turn->together && !decoder_begin_time(d))
		return false;
	turn->members = d->made;
	d->made = list;
	d->made.count = 0;
	d->current = turn->follower;
	turn = &d->groups[d->current];
	d->list = turn->members;
	turn->members = (struct sample_members){0};
	d->next = 0;
	return true;
}

/* The next thread, which may be that of the next round; `made` has it once it did something. */
static bool decoder_next(struct sample_decoder *d, struct sample_member *member)
{
	if (d->inserted) {
		*member = (struct sample_member){.thread = d->thread};
		d->inserted = false;
		return true;
	}
	if (d->next == d->list.count && !decoder_begin_round(d))
		return false;
	if (d->next == d->list.count)
		return decoder_fail(d, "a thread is named that is not there");
	*member = d->list.items[d->next++];
	return true;
}

static bool decoder_hand_out(struct sample_decoder *d, const struct sample_member *member,
			     struct sample_event *sample)
{
	if (!d->samples_left)
		return decoder_fail(d, "a sample chunk holds other than it says");
	d->samples_left--;
	*sample = (struct sample_event){
		.time_ns = d->time_ns,
		.thread = member->thread,
		.stack = member->does.stack,
		.flags = member->does.flags,
		.wait = member->does.wait,
	};
	return decoder_put(d, member);
}

static bool decoder_new_site(struct sample_decoder *d, struct sample_site *site)
{
	struct cursor *c = &d->arguments;
	uint64_t stack = d->last_stack + cursor_unzigzag(cursor_varint(c));
	uint64_t state = cursor_bounded(c, d->state_count);

	if (stack > d->stacks)
		return decoder_fail(d, "a stack is named that is not there");
	if (state < d->state_count) {
		*site = d->states[state];
	} else {
		site->flags = (uint16_t)cursor_bounded(c, UINT16_MAX);
		site->wait = (uint16_t)cursor_bounded(c, UINT16_MAX);
		site->stack = 0;
		if (d->state_count < SAMPLE_CODE_STATES)
			d->states[d->state_count++] = *site;
	}
	if (c->failed)
		return decoder_fail(d, "a sample breaks off");
	site->stack = d->last_stack = (stack_id)stack;
	if (d->site_count < SAMPLE_CODE_SITES)
		d->sites[d->site_count++] = *site;
	return true;
}

static bool decoder_site(struct sample_decoder *d, unsigned code, struct sample_site *site)
{
	struct cursor *c = &d->arguments;
	uint32_t number = code;

	if (code == SAMPLE_CODE_NEW)
		return decoder_new_site(d, site);
	if (code == SAMPLE_CODE_FARTHER) {
		number = cursor_byte(c);
		number |= (uint32_t)cursor_byte(c) << 8;
	} else if (code >= SAMPLE_CODE_FAR) {
		number = (code - SAMPLE_CODE_FAR) << 8;
		number |= cursor_byte(c);
	}
	if (c->failed || number >= d->site_count)
		return decoder_fail(d, "a site is named that is not there");
	*site = d->sites[number];
	return true;
}

static void decoder_insert(struct sample_decoder *d)
{
	uint64_t thread = d->thread + cursor_unzigzag(cursor_varint(&d->arguments));

	if (d->arguments.failed || thread > d->threads) {
		decoder_fail(d, "a thread is named that is not there");
		return;
	}
	d->thread = (thread_id)thread;
	d->inserted = true;
}

static void decoder_follower(struct sample_decoder *d)
{
	uint64_t value = cursor_varint(&d->arguments);
	struct sample_turn *turn;

	if (d->arguments.failed || value >> 1 > d->group_count) {
		decoder_fail(d, "a group of threads is named that is not there");
		return;
	}
	if (value >> 1 == d->group_count && !decoder_add_group(d))
		return;
	turn = &d->groups[d->current];
	turn->follower = (uint32_t)(value >> 1);
	turn->together = value & 1;
}

/* All codes but those of sites. */
static void decoder_control(struct sample_decoder *d, unsigned code)
{
	if (d->inserted) {
		decoder_fail(d, "a thread comes and does nothing");
	} else if (code >= SAMPLE_CODE_KEEP_MANY) {
		d->kept = (uint64_t)SAMPLE_CODE_MANY << (code - SAMPLE_CODE_KEEP_MANY);
	} else if (code >= SAMPLE_CODE_KEEP) {
		d->kept = code - SAMPLE_CODE_KEEP + 1;
	} else if (code == SAMPLE_CODE_INSERT) {
		decoder_insert(d);
	} else if (code == SAMPLE_CODE_REMOVE) {
		if (d->next == d->list.count)
			decoder_fail(d, "a thread goes that is not there");
		else
			d->next++;
	} else if (code == SAMPLE_CODE_FOLLOWER) {
		decoder_follower(d);
	} else if (code == SAMPLE_CODE_ROUND) {
		if (d->next < d->list.count)
			decoder_fail(d, "a round breaks off");
		else
			decoder_begin_round(d);
	} else {
		decoder_fail(d, "a sample code that is none");
	}
}

/* Whether all that the chunk says to have was there. */
static void decoder_end(struct sample_decoder *d)
{
	if (d->problem)
		return;
	if (d->inserted || d->next < d->list.count)
		d->problem = "a round breaks off";
	else if (d->samples_left || cursor_left(&d->arguments) || cursor_left(&d->times))
		d->problem = "a sample chunk holds other than it says";
}

size_t sample_decoder_run(struct sample_decoder *d, struct sample_event *samples, size_t max)
{
	struct sample_member member;
	size_t n = 0;

	while (n < max && (d->kept || d->code < d->code_end)) {
		unsigned code;

		if (d->kept) {
			d->kept--;
			if (decoder_next(d, &member) && decoder_hand_out(d, &member, &samples[n]))
				n++;
			continue;
		}
		code = *d->code++;
		if (code > SAMPLE_CODE_NEW)
			decoder_control(d, code);
		else if (decoder_next(d, &member) && decoder_site(d, code, &member.does) &&
			 decoder_hand_out(d, &member, &samples[n]))
			n++;
	}
	if (n < max)
		decoder_end(d);
	return n;
}
