#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/frames.h"
#include "analysis/stacks.h"
#include "report/gecko.h"
#include "report/names.h"

static void selection_init(struct gecko_selection *selection, size_t things)
{
	*selection = (struct gecko_selection){.number = array_create(things, sizeof(uint32_t))};
}

static void selection_deinit(struct gecko_selection *selection)
{
	free(selection->number);
	free(selection->things);
}

static void selection_clear(struct gecko_selection *selection)
{
	while (selection->count > 0)
		selection->number[selection->things[--selection->count]] = 0;
}

static void selection_add(struct gecko_selection *selection, uint32_t thing)
{
	if (selection->number[thing] != 0)
		return;
	selection->things = array_grow(selection->things, selection->count, &selection->room,
				       sizeof(*selection->things));
	selection->things[selection->count++] = thing;
	selection->number[thing] = (uint32_t)selection->count;
}

static uint32_t selection_get(const struct gecko_selection *selection, uint32_t thing)
{
	return selection->number[thing] - 1;
}

void gecko_tables_init(struct gecko *gecko)
{
	uint32_t count;

	gecko->functions = frames_merge_lines(gecko->profile->reader, &count);
	selection_init(&gecko->stacks, (size_t)gecko->profile->stacks->count + 1);
	selection_init(&gecko->frames, (size_t)gecko->profile->frame_count + 1);
	selection_init(&gecko->callees, (size_t)gecko->profile->frame_count + 1);
}

void gecko_tables_deinit(struct gecko *gecko)
{
	selection_deinit(&gecko->stacks);
	selection_deinit(&gecko->frames);
	selection_deinit(&gecko->callees);
	free(gecko->functions);
}

uint32_t gecko_tables_stack(const struct gecko *gecko, stack_id stack)
{
	return selection_get(&gecko->stacks, stack);
}

static frame_id frame_of(const struct gecko *gecko, stack_id stack)
{
	stack_id parent;
	frame_id frame;

	profile_stack(gecko->profile, stack, &parent, &frame);
	return frame;
}

static stack_id parent_of(const struct gecko *gecko, stack_id stack)
{
	stack_id parent;
	frame_id frame;

	profile_stack(gecko->profile, stack, &parent, &frame);
	return parent;
}

static frame_id function_of(const struct gecko *gecko, frame_id frame)
{
	return frame < gecko->profile->frame_count ? gecko->functions[frame] : frame;
}

static int compare_ids(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* The stacks of the thread's runs, each behind its parent, with their frames and functions. */
void gecko_tables_select(struct gecko *gecko)
{
	struct gecko_selection *stack = &gecko->stacks;

	selection_clear(stack);
	selection_clear(&gecko->frames);
	selection_clear(&gecko->callees);
	for (size_t i = 0; i < gecko->thread->count; i++) {
		stack_id id = gecko->thread->runs[i].stack;

		selection_add(stack, id);
		while ((id = parent_of(gecko, id)) != 0 && stack->number[id] == 0)
			selection_add(stack, id);
	}
	qsort(stack->things, stack->count, sizeof(*stack->things), compare_ids);
	for (size_t i = 0; i < stack->count; i++) {
		frame_id frame = frame_of(gecko, stack->things[i]);

		stack->number[stack->things[i]] = (uint32_t)i + 1;
		selection_add(&gecko->frames, frame);
		selection_add(&gecko->callees, function_of(gecko, frame));
	}
}

static enum gecko_category category_of(const struct capture_frame *frame)
{
	switch (frame->kind) {
	case FRAME_PYTHON:
		return GECKO_PYTHON;
	case FRAME_NATIVE:
		return GECKO_NATIVE;
	case FRAME_KERNEL:
		return GECKO_KERNEL;
	default:
		return GECKO_OTHER;
	}
}

/* An array of `count` times the same word: "null", "-1", .. */
static void write_same(struct json *json, const char *key, size_t count, int64_t value, bool null)
{
	json_key(json, key);
	json_begin_array(json);
	while (count-- > 0) {
		if (null)
			json_null(json);
		else
			json_int(json, value);
	}
	json_end_array(json);
}

static void write_nulls(struct json *json, const char *key, size_t count)
{
	write_same(json, key, count, 0, true);
}

static void write_stacks(struct gecko *gecko)
{
	struct json *json = &gecko->json;
	const struct gecko_selection *stack = &gecko->stacks;

	json_line(json);
	json_key(json, "stackTable");
	json_begin_object(json);
	json_key(json, "frame");
	json_begin_array(json);
	for (size_t i = 0; i < stack->count; i++)
		json_uint(json, selection_get(&gecko->frames, frame_of(gecko, stack->things[i])));
	json_end_array(json);
	json_key(json, "prefix");
	json_begin_array(json);
	for (size_t i = 0; i < stack->count; i++) {
		stack_id parent = parent_of(gecko, stack->things[i]);

		if (parent == 0)
			json_null(json);
		else
			json_uint(json, selection_get(stack, parent));
	}
	json_end_array(json);
	json_key_uint(json, "length", stack->count);
	json_end_object(json);
}

static void write_frames(struct gecko *gecko)
{
	struct json *json = &gecko->json;
	const struct gecko_selection *frames = &gecko->frames;

	json_line(json);
	json_key(json, "frameTable");
	json_begin_object(json);
	write_same(json, "address", frames->count, -1, false);
	write_same(json, "inlineDepth", frames->count, 0, false);
	json_key(json, "category");
	json_begin_array(json);
	for (size_t i = 0; i < frames->count; i++)
		json_uint(json, category_of(profile_frame(gecko->profile, frames->things[i])));
	json_end_array(json);
	write_same(json, "subcategory", frames->count, 0, false);
	json_key(json, "func");
	json_begin_array(json);
	for (size_t i = 0; i < frames->count; i++)
		json_uint(json,
			  selection_get(&gecko->callees, function_of(gecko, frames->things[i])));
	json_end_array(json);
	write_nulls(json, "nativeSymbol", frames->count);
	write_same(json, "innerWindowID", frames->count, 0, false);
	json_key(json, "line");
	json_begin_array(json);
	for (size_t i = 0; i < frames->count; i++) {
		const struct capture_frame *frame =
			profile_frame(gecko->profile, frames->things[i]);

		if (frame->line == 0)
			json_null(json);
		else
			json_uint(json, frame->line);
	}
	json_end_array(json);
	write_nulls(json, "column", frames->count);
	json_key_uint(json, "length", frames->count);
	json_end_object(json);
}

/* Python's functions are said to be JavaScript's: the profiler has one switch for "not native". */
static void write_functions(struct gecko *gecko)
{
	static const char *const kinds[] = {"isJS", "relevantForJS"};
	struct json *json = &gecko->json;
	const struct gecko_selection *functions = &gecko->callees;
	struct names_location location;

	json_line(json);
	json_key(json, "funcTable");
	json_begin_object(json);
	json_key(json, "name");
	json_begin_array(json);
	for (size_t i = 0; i < functions->count; i++) {
		names_location(profile_frame(gecko->profile, functions->things[i]), false, false,
			       &location);
		json_uint(json, gecko_string(gecko, location.function));
	}
	json_end_array(json);
	for (size_t k = 0; k < 2; k++) {
		json_key(json, kinds[k]);
		json_begin_array(json);
		for (size_t i = 0; i < functions->count; i++)
			json_bool(json, profile_frame(gecko->profile, functions->things[i])->kind ==
						FRAME_PYTHON);
		json_end_array(json);
	}
	write_same(json, "resource", functions->count, -1, false);
	json_key(json, "fileName");
	json_begin_array(json);
	for (size_t i = 0; i < functions->count; i++) {
		names_location(profile_frame(gecko->profile, functions->things[i]), false, false,
			       &location);
		if (location.place[0] == '\0')
			json_null(json);
		else
			json_uint(json, gecko_string(gecko, location.place));
	}
	json_end_array(json);
	write_nulls(json, "lineNumber", functions->count);
	write_nulls(json, "columnNumber", functions->count);
	json_key_uint(json, "length", functions->count);
	json_end_object(json);
}

void gecko_tables_write(struct gecko *gecko)
{
	write_stacks(gecko);
	write_frames(gecko);
	write_functions(gecko);
}
