/*
 * Memory of any content where a Python's thread states, frames and code objects should be: each
 * reading ends, soon, and what it takes for a stack is one.
 *
 * Input: a byte that chooses the Python, then steps. A step is a byte that chooses what is done and
 * what that needs: words are put into an object (its number, a byte for where in it, a byte for how
 * many, 8 bytes each); something is read; a part of memory goes, or comes to hold anything. A word
 * whose top byte is 0xa5 becomes the address of the object that its lowest byte numbers, or one
 * near it.
 */
#include <stdlib.h>

#define PYTHON_HEAP_BYTES (1u << 16)

#include "sampler/interpreters.h"
#include "sampler/sample.h"
#include "sampler/test_python.h"

#define CODES     4u
#define FRAMES    6u
#define OBJECTS   32u
#define WORDS     12u
#define STEPS_MAX 64u
#define LISTS_MAX 2u /* they may take long */
/* Of one step: a read of each thing that there may be at most of a kind, and some. */
#define CALLS_MAX (4u * 65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

struct world {
	struct python python;
	struct interpreters interpreters;
	struct task items[2];
	struct tasks tasks;
	uint64_t objects[OBJECTS];
	size_t count;
	unsigned lists;
	/* What is put while the next reading goes on. */
	uint64_t late_address, late_word;
	unsigned late_place;
};

static uint8_t take(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

static uint64_t take_word(struct input *input)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)take(input) << 8 * i;
	return word;
}

static void add_object(struct world *world, uint64_t address)
{
	if (world->count < OBJECTS && address)
		world->objects[world->count++] = address;
}

static void make_world(struct world *world, unsigned kind)
{
	static const char *const names[CODES] = {"a", "b", "c", "d"};
	struct python *python = &world->python;
	uint64_t codes[CODES], interp, states[2];

	python_init(python, kind);
	codes_begin_round(&python->codes, 10000000000ull);
	add_object(world, python->tstate);
	add_object(world, python->interp);
	add_object(world, python->gil);
	add_object(world, PYTHON_RUNTIME);
	add_object(world, python->chunk);
	add_object(world, python->cframe);
	for (unsigned i = 0; i < CODES; i++) {
		codes[i] = python_code(python, names[i], "/a.py", WORDS);
		add_object(world, codes[i]);
		add_object(world,
			   memory_word(&python->memory, codes[i] + python->layout->code_name));
	}
	for (unsigned i = 0; i < FRAMES; i++) {
		if (i == 0 || i == 4)
			python_enter_c(python);
		if (i == 3)
			python_add_chunk(python);
		add_object(world, python->frame);
		add_object(world, python_push(python, codes[i % CODES], 10 + i, WORDS));
	}
	add_object(world, python->chunk);
	interp = python_interpreter(python, 1, true);
	python_link_interpreters(python, (uint64_t[]){python->interp, interp}, 2);
	states[0] = python->tstate;
	states[1] = python_thread_state(python, python->interp, PYTHON_C_STACK, 2);
	python_link(python, python->interp, states, 2);
	add_object(world, interp);
	add_object(world, states[1]);
	interpreters_init(&world->interpreters, memory_target(&python->memory), &python->runtime);
	world->items[0].inner_tid = 1234;
	world->items[1].inner_tid = 2;
	world->tasks = (struct tasks){.items = world->items, .count = 2};
}

static void end_world(struct world *world)
{
	interpreters_deinit(&world->interpreters);
	python_deinit(&world->python);
}

/* Fields that lead somewhere, or say how much there is. */
static uint32_t field_of(const struct pyabi_layout *layout, uint8_t number)
{
	const uint32_t fields[] = {
		layout->runtime_interpreters_head,
		layout->interp_next,
		layout->interp_tstate_head,
		layout->interp_gil,
		layout->interp_code_object_generation,
		layout->tstate_frame,
		layout->tstate_next,
		layout->tstate_interp,
		layout->tstate_thread_id,
		layout->tstate_datastack_chunk,
		layout->cframe_current_frame,
		layout->chunk_size,
		layout->chunk_top,
		layout->frame_previous,
		layout->frame_code,
		layout->frame_instr,
		layout->frame_owner,
		layout->frame_stacktop,
		layout->frame_is_entry,
		layout->frame_return_offset,
		layout->frame_tlbc_index,
		layout->frame_executing,
		layout->object_type,
		layout->code_name,
		layout->code_qualname,
		layout->code_filename,
		layout->code_linetable,
		layout->code_tlbc,
		layout->code_size,
		layout->code_code,
		layout->code_framesize,
		layout->code_stacksize,
		layout->code_nlocalsplus,
		layout->code_firsttraceable,
		layout->unicode_length,
		layout->unicode_state,
		layout->gil_locked,
		layout->gil_last_holder,
	};
	const size_t count = sizeof(fields) / sizeof(fields[0]);

	return number < count && fields[number] != PYABI_NONE ? fields[number]
							      : (number - (uint32_t)count) * 8;
}

static uint64_t object_of(const struct world *world, uint64_t number)
{
	return world->objects[(number & 0xff) % world->count];
}

static uint64_t word_of(const struct world *world, uint64_t word)
{
	if (word >> 56 != 0xa5)
		return word;
	return object_of(world, word) + (uint64_t)(int64_t)(int16_t)(word >> 8);
}

static void put_word(struct world *world, uint64_t address, uint64_t word)
{
	unsigned char *at = memory_at(&world->python.memory, address, sizeof(word));

	if (at)
		memcpy(at, &word, sizeof(word));
}

static void put_some(struct world *world, struct input *input)
{
	uint64_t address = object_of(world, take(input));
	unsigned count;

	address += field_of(world->python.layout, take(input));
	count = take(input) % 8 + 1;
	for (unsigned i = 0; i < count && input->size; i++)
		put_word(world, address + 8 * i, word_of(world, take_word(input)));
}

static void put_late(struct memory *memory, size_t place, uint64_t address, void *data)
{
	struct world *world = data;

	(void)memory;
	(void)place;
	(void)address;
	if (world->late_place && --world->late_place == 0)
		put_word(world, world->late_address, world->late_word);
}

static void arm(struct world *world, struct input *input)
{
	world->late_address = object_of(world, take(input));
	world->late_address += field_of(world->python.layout, take(input));
	world->late_place = take(input);
	world->late_word = word_of(world, take_word(input));
}

/* Any words, many of which lead to where there are such. */
static void put_anything(struct world *world, uint64_t seed)
{
	struct memory_region *region =
		&world->python.memory.regions[seed % world->python.memory.count];
	uint64_t random = seed | 1;

	for (size_t at = 0; at + 8 <= region->bytes && region->bytes <= PYTHON_HEAP_BYTES;
	     at += 8) {
		uint64_t word;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		word = random >> 40;
		if (random >> 20 & 1)
			word = PYTHON_HEAP + (word & 0xfff8);
		else if (random >> 21 & 1)
			word &= 0xff;
		memcpy(region->data + at, &word, 8);
	}
}

static void check_node(struct world *world, uint32_t node)
{
	size_t depth = 0;

	while (node > SAMPLE_STACK_UNKNOWN) {
		const struct trace_node *at = trace_tree_node(world->python.tree, node);

		if (at->parent >= node || !at->code || ++depth > world->python.stack.count)
			abort();
		trace_tree_line(world->python.tree, node);
		node = at->parent;
	}
}

static void read_stack(struct world *world, bool is_still)
{
	struct stack_target from = python_stack_target(&world->python);
	enum stack_result result;
	uint32_t node;

	result = stack_read(&world->python.stack, &from, is_still, &node);
	if ((result == STACK_GOOD) == (node == SAMPLE_STACK_UNKNOWN))
		abort();
	check_node(world, node == SAMPLE_STACK_UNKNOWN ? 0 : node);
}

static void read_interpreters(struct world *world)
{
	if (world->lists++ >= LISTS_MAX)
		return;
	interpreters_look(&world->interpreters);
	interpreters_list(&world->interpreters, &world->tasks);
	for (size_t i = 0; i < world->tasks.count; i++)
		interpreters_state_of(&world->interpreters, &world->items[i]);
	interpreters_look(&world->interpreters);
}

static void step(struct world *world, struct input *input)
{
	struct python *python = &world->python;
	uint8_t kind = take(input);

	python->memory.calls = 0;
	if (kind < 128)
		put_some(world, input);
	else if (kind < 192)
		read_stack(world, kind & 1);
	else if (kind < 208)
		read_interpreters(world);
	else if (kind < 228)
		arm(world, input);
	else if (kind < 236)
		codes_begin_round(&python->codes,
				  python->codes.now_ns + (1ull << take(input) % 36));
	else if (kind < 250)
		put_anything(world, take_word(input));
	else if (python->memory.count > 2 && take(input) & 1)
		memory_unmap(&python->memory,
			     python->memory.regions[python->memory.count - 1].start);
	if (python->memory.calls > CALLS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	static struct world world;

	memset(&world, 0, sizeof(world));
	make_world(&world, take(&input) % PYTHON_KINDS);
	world.python.memory.before = put_late;
	world.python.memory.data = &world;
	for (unsigned i = 0; i < STEPS_MAX && input.size; i++)
		step(&world, &input);
	read_stack(&world, false);
	read_stack(&world, true);
	read_stack(&world, false);
	end_world(&world);
	return 0;
}
