#include "sampler/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pyabi/field.h"
#include "sampler/sample.h"

/*
 * The thread runs while its stack is read, and Python says nothing about what is half done. The
 * reading is of the moment at which the innermost frame was looked up; the frames are copied a
 * fraction of a microsecond later, in the same system call. By then some may have been popped
 * (their words mostly stay where they were) and others pushed in their place. A reading is good
 * when each frame is the caller of the one before it beyond doubt:
 *
 *   1. One system call took all of it, or one for each thousand places. Frames that turn up
 * elsewhere are fetched one by one, which only finds out what the next reading must take along
 * (unless the thread is still).
 *   2. The chain ends where Python's chains end.
 *   3. Frames in the data stack stand one behind the other, each as long as its code object says.
 *   4. A caller is in the middle of a call: it executes (up to 3.10, where a frame that was popped
 * does not), it left its evaluation stack in order (3.11, 3.12), or it has called since it was
 * pushed (3.13 and later): then what stands behind it is a frame that it called, popped or not.
 * That one may be without code object when it was popped (3.14 and later); its instruction still
 * tells which.
 *   5. Each instruction lies in its frame's code object, and that is one still (see codes.h).
 *   6. Up to 3.10 frames are objects of their own, and copying them takes longer: callers are the
 * same, at the same instruction, when they are copied once more.
 *   7. From 3.11 on the instruction of a caller is one that calls: one that pushes frames where
 * it pushed the frame before. Else the innermost frame was popped and its caller has gone on.
 *   8. A thread that was in Python is not out of it: what led to its frames may have been popped.
 *
 * What fails is not tried again while the thread runs: who is read at the second try is in quieter
 * code than who was not at the first, so that short calls would seem shorter.
 */

#define TSTATE_BYTES_MAX 4096u
#define FRAMES_MAX       (1u << 18)
#define CHUNK_SLACK      1024u  /* read beyond a frame that is fetched */
#define CHECKS_MAX       16384u /* code objects that are compared for one reading */
#define FETCHES_MAX      4096u
#define GIL_BYTES_MAX    256u

/* One reading. */
struct reading {
	struct stack *stack;
	const struct stack_target *from;
	const struct pyabi_layout *layout;
	bool is_still;
	bool fetched; /* something was read later than the rest */
	unsigned fetches;
	uint64_t leaf;
	uint64_t chunk; /* the current one */
};

static const char purpose[] = "a stack";

void stack_init(struct stack *stack, uint64_t tstate)
{
	*stack = (struct stack){.tstate = tstate};
	stack->copy = memory_check(malloc(TSTATE_BYTES_MAX), purpose);
	view_init(&stack->view);
	chunks_init(&stack->chunks);
}

void stack_deinit(struct stack *stack)
{
	view_deinit(&stack->view);
	free(stack->frames);
	free(stack->copy);
	free(stack->last);
	free(stack->codes);
	free(stack->doubtful);
	chunks_deinit(&stack->chunks);
	*stack = (struct stack){0};
}

/* The copy of a frame, fetched where it was not foreseen. NULL if it cannot be read. */
static const unsigned char *frame_copy(struct reading *reading, uint64_t frame)
{
	struct stack *stack = reading->stack;
	uint32_t bytes = reading->layout->frame_size;
	const unsigned char *copy = view_find(&stack->view, frame, bytes);
	const struct chunk *chunk;
	uint64_t start = frame;

	if (copy || reading->fetches++ == FETCHES_MAX)
		return copy;
	reading->fetched = true;
	chunk = chunks_find(&stack->chunks, frame);
	if (chunk) {
		uint64_t end = frame + bytes + CHUNK_SLACK;

		if (frame + bytes > chunk->end)
			return NULL;
		start = chunk->start;
		bytes = (uint32_t)((end < chunk->end ? end : chunk->end) - start);
	}
	if (!view_fetch(&stack->view, reading->from->target, start, bytes))
		return NULL;
	return view_find(&stack->view, frame, reading->layout->frame_size);
}

static void parse_frame(const struct pyabi_layout *layout, const unsigned char *copy,
			uint64_t address, struct stack_frame *frame)
{
	*frame = (struct stack_frame){
		.address = address,
		.code = pyabi_word(copy, layout->frame_code) & ~(uint64_t)layout->code_tag_mask,
		.instr = layout->features & PYABI_INSTR_INDEX
				 ? (uint32_t)pyabi_int(copy, layout->frame_instr)
				 : pyabi_word(copy, layout->frame_instr),
		.tlbc_index = pyabi_int(copy, layout->frame_tlbc_index),
		.stack_top = pyabi_int(copy, layout->frame_stacktop),
		.has_called = layout->frame_return_offset != PYABI_NONE &&
			      (copy[layout->frame_return_offset] |
			       copy[layout->frame_return_offset + 1]) != 0,
		.owner = layout->frame_owner == PYABI_NONE ? 0 : copy[layout->frame_owner],
		.is_entry = layout->frame_is_entry != PYABI_NONE && copy[layout->frame_is_entry],
	};
}

static struct stack_frame *stack_push(struct stack *stack)
{
	stack->frames = memory_grow(stack->frames, stack->count + 1, &stack->room,
				    sizeof(*stack->frames), purpose);
	return &stack->frames[stack->count++];
}

static bool frame_executes(const struct pyabi_layout *layout, const unsigned char *copy)
{
	return layout->frame_executing == PYABI_NONE ||
	       (int8_t)copy[layout->frame_executing] == (int8_t)layout->frame_executing_value;
}

/* Follows the chain from its innermost frame to its end. */
static bool walk(struct reading *reading)
{
	const struct pyabi_layout *layout = reading->layout;
	struct stack *stack = reading->stack;
	uint64_t frame = reading->leaf;
	/* A chain that comes back to where it was never ends: the mark moves on after 1, 2, 4, ..
	 * frames. */
	uint64_t mark = 0;
	size_t move = 1;

	stack->count = 0;
	while (frame) {
		const unsigned char *copy = frame_copy(reading, frame);
		struct stack_frame *entry;

		if (!copy || frame == mark || stack->count == FRAMES_MAX)
			return false;
		if (!reading->is_still && !frame_executes(layout, copy))
			return false;
		entry = stack_push(stack);
		parse_frame(layout, copy, frame, entry);
		if (stack->count == move) {
			mark = frame;
			move *= 2;
		}
		frame = pyabi_word(copy, layout->frame_previous);
	}
	return true;
}

static bool has_code(const struct pyabi_layout *layout, const struct stack_frame *frame)
{
	return layout->frame_owner == PYABI_NONE || frame->owner < layout->frame_owner_shim;
}

/* Rule 2. */
static bool ends_well(const struct pyabi_layout *layout, const struct stack *stack)
{
	const struct stack_frame *last;

	if (!stack->count)
		return true;
	last = &stack->frames[stack->count - 1];
	/* A generator that waits has nobody below it. */
	if (layout->frame_is_entry != PYABI_NONE)
		return last->is_entry && last->owner != layout->frame_owner_generator;
	if (layout->frame_owner == PYABI_NONE || layout->frame_owner_shim > UINT8_MAX - 1)
		return true;
	return !has_code(layout, last);
}

/* Rule 8. Up to 3.12 even a thread that is still may be about to say where its frames are: then the
 * second time counts. */
static bool stays_empty(struct stack *stack, bool is_still)
{
	bool was_empty =
		!stack->last_count || stack->last[stack->last_count - 1].node == SAMPLE_STACK_EMPTY;

	for (size_t i = 0; i < stack->count; i++) {
		if (stack->codes[i])
			return true;
	}
	if (is_still)
		stack->last_count = 0;
	return was_empty;
}

/* Rule 4, from 3.11 on. */
static bool callers_wait(const struct pyabi_layout *layout, const struct stack *stack)
{
	bool marked = layout->features & PYABI_CALLS_LEAVE_MARK;

	if (!marked && layout->frame_stacktop == PYABI_NONE)
		return true;
	for (size_t i = 1; i < stack->count; i++) {
		const struct stack_frame *caller = &stack->frames[i];
		const struct stack_frame *called = &stack->frames[i - 1];

		if (!has_code(layout, caller) || !has_code(layout, called) || called->is_entry)
			continue;
		if (marked ? !caller->has_called : caller->stack_top < 0)
			return false;
	}
	return true;
}

/* Where the first frame of a chunk stands. */
static bool begins_chunk(const struct pyabi_layout *layout, const struct chunk *chunk,
			 uint64_t address)
{
	uint64_t first = chunk->start + layout->chunk_data;

	return address == first || address == first + 8;
}

/* Rule 3. */
static bool frames_adjoin(struct reading *reading)
{
	const struct pyabi_layout *layout = reading->layout;
	struct stack *stack = reading->stack;
	uint64_t end = 0; /* of the frame below, 0 where that is not known */
	const struct chunk *below = NULL;

	if (layout->tstate_datastack_chunk == PYABI_NONE)
		return true;
	for (size_t i = stack->count; i-- > 0;) {
		struct stack_frame *frame = &stack->frames[i];
		const struct chunk *chunk = chunks_find(&stack->chunks, frame->address);
		uint32_t bytes = stack->codes[i] ? stack->codes[i]->frame_bytes : 0;

		if (!chunk)
			continue;
		if (chunk == below && end && frame->address != end)
			return false;
		if (chunk != below && !begins_chunk(layout, chunk, frame->address))
			return false;
		below = chunk;
		end = bytes ? frame->address + bytes : 0;
	}
	return true;
}

/* How many of the outermost frames are as they were at the good reading before, and where it
 * matters, at the same instruction. */
static size_t count_unchanged(const struct stack *stack)
{
	size_t same = 0;

	while (same < stack->count && same < stack->last_count) {
		const struct stack_frame *frame = &stack->frames[stack->count - 1 - same];
		const struct stack_frame *last = &stack->last[same];

		if (frame->address != last->address || frame->code != last->code ||
		    frame->instr != last->instr)
			break;
		same++;
	}
	return same;
}

static int compare_addresses(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* A code object stands in many frames of a recursion. Returns how many there are. */
static size_t make_distinct(uint64_t *addresses, size_t count)
{
	size_t distinct = 0;

	if (count > 1)
		qsort(addresses, count, sizeof(*addresses), compare_addresses);
	for (size_t i = 0; i < count; i++) {
		if (!distinct || addresses[distinct - 1] != addresses[i])
			addresses[distinct++] = addresses[i];
	}
	return distinct;
}

/* Whether the entry for a frame's code object is good as it is. */
static bool is_certain(const struct reading *reading, const struct code *code, bool unchanged)
{
	if (reading->from->generation)
		return code->generation == reading->stack->generation;
	return unchanged && codes_trust(reading->from->codes, code);
}

/* The innermost frames change most: their code objects are likely to be doubtful in the next
 * reading, if they are there. */
static void foresee(struct reading *reading)
{
	struct stack *stack = reading->stack;

	stack->foreseen_count = 0;
	if (reading->from->generation)
		return;
	for (size_t i = 0; i < stack->count && stack->foreseen_count < CODES_FORESEEN_MAX; i++) {
		bool is_new = has_code(reading->layout, &stack->frames[i]);

		for (size_t k = 0; k < stack->foreseen_count; k++)
			is_new = is_new && stack->foreseen[k] != stack->frames[i].code;
		if (is_new)
			stack->foreseen[stack->foreseen_count++] = stack->frames[i].code;
	}
}

/* The entries of the frames whose code objects are certain; addresses of the others. */
static bool list_doubtful(struct reading *reading, size_t unchanged, size_t *count)
{
	struct stack *stack = reading->stack;
	struct codes *codes = reading->from->codes;

	*count = 0;
	stack->codes = memory_grow(stack->codes, stack->count, &stack->codes_room,
				   sizeof(*stack->codes), purpose);
	stack->doubtful = memory_grow(stack->doubtful, stack->count, &stack->doubtful_room,
				      sizeof(*stack->doubtful), purpose);
	for (size_t i = 0; i < stack->count; i++) {
		struct stack_frame *frame = &stack->frames[i];
		struct code *code;

		stack->codes[i] = NULL;
		if (!has_code(reading->layout, frame))
			continue;
		if (!frame->code && !reading->is_still)
			frame->code = codes_find_instr(codes, frame->instr);
		if (!frame->code)
			return false;
		code = codes_find(codes, frame->code);
		if (code && is_certain(reading, code, i >= stack->count - unchanged))
			stack->codes[i] = code;
		else
			stack->doubtful[(*count)++] = frame->code;
	}
	foresee(reading);
	return true;
}

/* Finds the code object of each frame, and makes sure of those that may not be what they were. */
static bool find_codes(struct reading *reading, size_t unchanged)
{
	struct stack *stack = reading->stack;
	struct codes *codes = reading->from->codes;
	size_t doubtful;

	if (!list_doubtful(reading, unchanged, &doubtful))
		return false;
	doubtful = make_distinct(stack->doubtful, doubtful);
	if (!doubtful)
		return true;
	if (doubtful > CHECKS_MAX ||
	    !codes_check(codes, stack->doubtful, doubtful, stack->generation))
		return false;
	for (size_t i = 0; i < stack->count; i++) {
		if (!stack->codes[i] && has_code(reading->layout, &stack->frames[i]))
			stack->codes[i] = codes_find(codes, stack->frames[i].code);
	}
	return true;
}

/* Whether a frame of Python's own has a place in its code: it may not have begun. */
static bool has_begun(const struct pyabi_layout *layout, const struct code *code,
		      const struct stack_frame *frame)
{
	return layout->code_firsttraceable == PYABI_NONE ||
	       frame->owner == layout->frame_owner_generator || frame->place >= code->traceable;
}

/* Rule 5. What is as it was at the reading before is known: *unchanged becomes how much that is. */
static bool find_places(struct reading *reading, size_t *unchanged)
{
	struct stack *stack = reading->stack;

	for (size_t i = stack->count; i-- > 0;) {
		struct stack_frame *frame = &stack->frames[i];
		struct code *code = stack->codes[i];
		size_t level = stack->count - 1 - i;

		frame->number = code ? code->number : 0;
		if (level < *unchanged && frame->number == stack->last[level].number) {
			frame->place = stack->last[level].place;
			continue;
		}
		if (level < *unchanged)
			*unchanged = level;
		if (code && !codes_place(reading->from->codes, code, frame->instr,
					 frame->tlbc_index, &frame->place))
			return false;
	}
	return true;
}

static enum pyabi_called how_called(const struct pyabi_layout *layout,
				    const struct stack_frame *called)
{
	if (!has_code(layout, called) || called->is_entry)
		return PYABI_CALLED_BY_C;
	return called->owner == layout->frame_owner_generator ? PYABI_CALLED_RESUMED
							      : PYABI_CALLED_PUSHED;
}

/* Rule 7. */
static bool callers_call(struct reading *reading, size_t unchanged)
{
	struct stack *stack = reading->stack;

	/* Up to where a caller and what it called are as they were. */
	for (size_t i = 1; i < stack->count && stack->count - i >= unchanged; i++) {
		enum pyabi_called called = how_called(reading->layout, &stack->frames[i - 1]);

		if (stack->codes[i] && !codes_calls(reading->from->codes, stack->codes[i],
						    stack->frames[i].place, called))
			return false;
	}
	return true;
}

static void name_frames(struct reading *reading, size_t unchanged)
{
	struct stack *stack = reading->stack;
	uint32_t node = SAMPLE_STACK_EMPTY;

	for (size_t i = stack->count; i-- > 0;) {
		struct stack_frame *frame = &stack->frames[i];
		struct code *code = stack->codes[i];
		size_t level = stack->count - 1 - i;

		if (level < unchanged)
			node = stack->last[level].node;
		else if (code && has_begun(reading->layout, code, frame))
			node = trace_tree_add_node(reading->from->tree, node, code->number,
						   frame->place);
		frame->node = node;
	}
}

/* How far into the current chunk this stack reached. */
static void measure_chunk(struct stack *stack)
{
	const struct chunk *current =
		stack->chunks.count ? &stack->chunks.items[stack->chunks.current] : NULL;
	uint64_t need = 0;

	for (size_t i = 0; current && i < stack->count && !need; i++) {
		uint64_t address = stack->frames[i].address;

		if (address >= current->start && address < current->end)
			need = address - current->start +
			       (stack->codes[i] ? stack->codes[i]->frame_bytes : 0);
	}
	chunks_measure(&stack->chunks, need);
}

static bool is_consistent(struct reading *reading, size_t unchanged)
{
	return callers_wait(reading->layout, reading->stack) && frames_adjoin(reading) &&
	       callers_call(reading, unchanged);
}

/* Keeps a good reading for the next one to compare with. */
static void keep(struct stack *stack, size_t unchanged)
{
	measure_chunk(stack);
	stack->last = memory_grow(stack->last, stack->count, &stack->last_room,
				  sizeof(*stack->last), purpose);
	for (size_t level = unchanged; level < stack->count; level++)
		stack->last[level] = stack->frames[stack->count - 1 - level];
	stack->last_count = stack->count;
	stack->last_leaf = stack->count ? stack->frames[0].address : 0;
}

/* The words around the frames. */
struct surroundings {
	uint64_t leaf; /* of PYABI_CFRAME: in the cframe */
	uint64_t generation;
	unsigned char gil[GIL_BYTES_MAX];
	uint32_t gil_low;
};

static enum view_result read_all(struct reading *reading, struct surroundings *around)
{
	const struct pyabi_layout *layout = reading->layout;
	const struct stack_target *from = reading->from;
	struct stack *stack = reading->stack;
	struct view_words words[4], after[STACK_ALONG_MAX + CODES_WORDS_MAX];
	struct view_plan plan = {.words = words, .interest = stack->last_leaf, .after = after};
	size_t along = from->along_count;
	enum view_result result;

	if (from->gil) {
		uint32_t low = layout->gil_last_holder, high = layout->gil_locked;

		if (low > high) {
			low = layout->gil_locked;
			high = layout->gil_last_holder;
		}
		around->gil_low = low;
		if (high + 8 - low <= sizeof(around->gil))
			words[plan.word_count++] =
				(struct view_words){from->gil + low, around->gil, high + 8 - low};
	}
	if (from->generation)
		words[plan.word_count++] =
			(struct view_words){from->generation, &around->generation, 8};
	/* What leads to the frames is read right before them. */
	words[plan.word_count++] =
		(struct view_words){stack->tstate, stack->copy, layout->tstate_size};
	if (layout->features & PYABI_CFRAME) {
		words[plan.word_count++] = (struct view_words){
			stack->cframe + layout->cframe_current_frame, &around->leaf, 8};
	}
	/*
	 * Where the target writes often, a look takes the line away from its processor, and it
	 * waits for that: what is read next finds it there. So whatever is not needed to find the
	 * frames comes behind them.
	 */
	if (along)
		memcpy(after, from->along, along * sizeof(*after));
	plan.after_count = along + codes_foresee(from->codes, stack->foreseen,
						 stack->foreseen_count, after + along);
	result = view_read(&stack->view, from->target, &plan);
	stack->has_along = along && plan.after_read >= along;
	codes_foreseen(from->codes, plan.after_read > along ? plan.after_read - along : 0);
	return result;
}

static void parse_tstate(struct reading *reading, const struct surroundings *around)
{
	const struct pyabi_layout *layout = reading->layout;
	struct stack *stack = reading->stack;

	stack->interp = pyabi_word(stack->copy, layout->tstate_interp);
	stack->next = pyabi_word(stack->copy, layout->tstate_next);
	stack->thread_id = pyabi_word(stack->copy, layout->tstate_thread_id);
	stack->native_id = pyabi_word(stack->copy, layout->tstate_native_thread_id);
	/* Of this interpreter: code objects of all of them are in one table. */
	stack->generation = around->generation ^ reading->from->generation << 16;
	reading->chunk = pyabi_word(stack->copy, layout->tstate_datastack_chunk);
	stack->gil_holder = 0;
	if (reading->from->gil && pyabi_int(around->gil, layout->gil_locked - around->gil_low) > 0)
		stack->gil_holder =
			pyabi_word(around->gil, layout->gil_last_holder - around->gil_low);
	stack->holds_gil = stack->gil_holder == stack->tstate;
	reading->leaf = layout->features & PYABI_CFRAME
				? around->leaf
				: pyabi_word(stack->copy, layout->tstate_frame);
}

/* Up to 3.12 the record that leads to the innermost frame is on the C stack. */
static bool find_cframe(struct reading *reading)
{
	const struct pyabi_layout *layout = reading->layout;
	struct stack *stack = reading->stack;

	if (!(layout->features & PYABI_CFRAME) || stack->cframe)
		return true;
	stack->view.reads++;
	return target_read(reading->from->target, stack->tstate + layout->tstate_frame,
			   &stack->cframe, sizeof(stack->cframe)) &&
	       stack->cframe;
}

/* Rule 6. */
static bool callers_stay(struct reading *reading)
{
	const struct pyabi_layout *layout = reading->layout;
	struct stack *stack = reading->stack;
	struct surroundings around = {0};

	if (layout->frame_executing == PYABI_NONE || stack->count < 2)
		return true;
	if (read_all(reading, &around) != VIEW_READ)
		return false;
	for (size_t i = 1; i < stack->count; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		const unsigned char *copy =
			view_find(&stack->view, frame->address, layout->frame_size);
		struct stack_frame again;

		if (!copy || !frame_executes(layout, copy))
			return false;
		parse_frame(layout, copy, frame->address, &again);
		if (again.code != frame->code || again.instr != frame->instr ||
		    pyabi_word(copy, layout->frame_previous) !=
			    (i + 1 < stack->count ? stack->frames[i + 1].address : 0))
			return false;
	}
	return true;
}

enum stack_result stack_read(struct stack *stack, const struct stack_target *from, bool is_still,
			     uint32_t *node)
{
	struct reading reading = {
		.stack = stack,
		.from = from,
		.layout = &from->runtime->layout,
		.is_still = is_still,
	};
	const struct pyabi_layout *layout = reading.layout;
	struct surroundings around = {0};
	enum view_result result;
	uint64_t own;
	size_t unchanged;

	*node = SAMPLE_STACK_UNKNOWN;
	view_begin(&stack->view);
	chunks_want(&stack->chunks, &stack->view);
	if (layout->tstate_size > TSTATE_BYTES_MAX || !find_cframe(&reading))
		return STACK_GONE;
	result = read_all(&reading, &around);
	if (result != VIEW_READ) {
		bool had_cframe = stack->cframe != 0;

		stack->cframe = 0;
		if (result == VIEW_GONE)
			return STACK_LOST;
		return had_cframe ? STACK_ELSEWHERE : STACK_GONE;
	}
	parse_tstate(&reading, &around);
	own = pyabi_word(stack->copy, layout->tstate_frame);
	if (layout->features & PYABI_CFRAME && own != stack->cframe) {
		stack->cframe = own;
		return STACK_ELSEWHERE;
	}
	chunks_follow(&stack->chunks, from->target, layout, reading.chunk);
	stack->view.reads += stack->chunks.reads;
	stack->chunks.reads = 0;
	if (!walk(&reading))
		return STACK_CHANGED;
	if (!is_still && reading.fetched)
		return STACK_ELSEWHERE;
	unchanged = count_unchanged(stack);
	if (!find_codes(&reading, unchanged))
		return STACK_CHANGED;
	if (!ends_well(layout, stack) || !find_places(&reading, &unchanged))
		return STACK_CHANGED;
	if ((!is_still || layout->features & PYABI_CFRAME) && !stays_empty(stack, is_still))
		return STACK_CHANGED;
	if (!is_still && !(is_consistent(&reading, unchanged) && callers_stay(&reading)))
		return STACK_CHANGED;
	name_frames(&reading, unchanged);
	keep(stack, unchanged);
	*node = stack->count ? stack->frames[0].node : SAMPLE_STACK_EMPTY;
	return STACK_GOOD;
}
