#include "agent/stack.h"

#include <sys/mman.h>

#include "agent/code.h"
#include "agent/node.h"
#include "agent/python.h"
#include "agent/ring.h"
#include "agent/sys.h"

/*
 * The stack is read at the event, from the thread's own frame chain, and compared with the stack
 * that this thread recorded last.
 *
 *   1. A frame address is followed only after it was read from the live chain during this event. A
 *      cached address is live once the live frame above it was seen to link to it.
 *   2. An unchanged address is not an unchanged frame: position (and code object) are compared at
 *      every level, down to the outermost.
 *   3. Positions are addresses inside code objects. When a code object that we know dies, the
 *      generation moves and everything cached is forgotten, because its memory may be used again.
 *   4. levels[0..depth) is a chain as it was recorded last, and levels[i].node has levels[i-1].node
 *      as its parent, frames without code standing for their parent.
 *   5. Level 0 links to levels[-1].frame. That is 0 and `base` the empty node; or, in a chain
 * deeper than can be kept, the first frame that is left out, and `base` the node that says so. What
 *      is below is not looked at: it is not part of the stack. So a chain beyond the cap is walked
 *      anew only when its bottom moves, which takes STACK_LEVEL_MAX / 2 calls or returns.
 */

static inline uintptr_t read_pointer(uintptr_t address, uint32_t offset)
{
	return *(const uintptr_t *)(address + offset);
}

static inline uintptr_t frame_previous(uintptr_t frame)
{
	return read_pointer(frame, agent.layout.frame_previous);
}

static inline uintptr_t frame_code(uintptr_t frame)
{
	return read_pointer(frame, agent.layout.frame_code) &
	       ~(uintptr_t)agent.layout.code_tag_mask;
}

static inline uintptr_t frame_instr(uintptr_t frame)
{
	if (agent.layout.features & PYABI_INSTR_INDEX)
		return *(const uint32_t *)(frame + agent.layout.frame_instr);
	return read_pointer(frame, agent.layout.frame_instr);
}

/* Whether an address lies in the part of this thread's stack that is in use. The C library puts the
 * thread pointer at the end of a thread's stack, but for the first thread, whose stack is above all
 * else. */
static bool on_this_stack(uintptr_t address)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (uintptr_t)__builtin_thread_pointer();

	if (here > end)
		end = agent.stack_end;
	return address > here && address < end;
}

/* Whether the thread state `holder`, which somebody runs now, is run by the thread of `own`. Where
 * the interpreter's loop keeps a record on the C stack, that tells. Else it is who made it that
 * counts. */
static bool is_run_here(uintptr_t holder, uintptr_t own)
{
	const struct pyabi_layout *layout = &agent.layout;

	if (layout->features & PYABI_CFRAME)
		return on_this_stack(read_pointer(holder, layout->tstate_frame));
	return read_pointer(holder, layout->tstate_thread_id) ==
	       read_pointer(own, layout->tstate_thread_id);
}

/* The interpreter state that this thread runs. Where the runtime knows who holds the GIL, the
 * thread's own slot knows the main interpreter's state only; while a subinterpreter runs, the
 * holder is the one. */
static uintptr_t thread_state(void)
{
	uintptr_t own = (uintptr_t)agent.this_thread_state();
	const struct pyabi_layout *layout = &agent.layout;
	uintptr_t interpreter, holder;

	if (layout->runtime_tstate_current == PYABI_NONE || !own)
		return own;
	interpreter = read_pointer((uintptr_t)agent.runtime, layout->runtime_interpreters_head);
	if (LIKELY(!interpreter || !read_pointer(interpreter, layout->interp_next)))
		return own;
	holder = read_pointer((uintptr_t)agent.runtime, layout->runtime_tstate_current);
	return holder && holder != own && is_run_here(holder, own) ? holder : own;
}

/* The thread's innermost frame, 0 if none. */
static inline uintptr_t leaf_frame(void)
{
	uintptr_t state;

	if (!atomic_load_explicit(&agent.python, memory_order_acquire))
		return 0;
	state = thread_state();
	if (!state)
		return 0;
	if (UNLIKELY(!atomic_load_explicit(&agent.up, memory_order_relaxed)))
		python_first_seen();
	/* While the interpreter tears itself down, the states of other threads are freed under
	 * them. */
	if (UNLIKELY(*(void *const volatile *)(agent.runtime + agent.layout.runtime_finalizing) &&
		     *(void *const volatile *)(agent.runtime + agent.layout.runtime_finalizing) !=
			     (void *)state))
		return 0;
	if (agent.layout.features & PYABI_CFRAME) {
		state = read_pointer(state, agent.layout.tstate_frame);
		return state ? read_pointer(state, agent.layout.cframe_current_frame) : 0;
	}
	return read_pointer(state, agent.layout.tstate_frame);
}

/* Frames that stand for C code, and frames whose function has not begun, have no place of their
 * own. */
static bool frame_has_place(uintptr_t frame, uintptr_t code, uintptr_t instr)
{
	const struct pyabi_layout *layout = &agent.layout;

	if (layout->frame_owner != PYABI_NONE &&
	    *(const uint8_t *)(frame + layout->frame_owner) >= layout->frame_owner_shim)
		return false;
	if (!code || (const void *)read_pointer(code, layout->object_type) != agent.code_type)
		return false;
	if (layout->code_firsttraceable != PYABI_NONE && !agent.compare_code &&
	    *(const uint8_t *)(frame + layout->frame_owner) != layout->frame_owner_generator &&
	    instr < code + layout->code_bytecode +
			    2 * (uintptr_t) * (const int32_t *)(code + layout->code_firsttraceable))
		return false;
	return true;
}

uintptr_t stack_outermost_code(void)
{
	uintptr_t code = 0;

	for (uintptr_t frame = leaf_frame(); frame; frame = frame_previous(frame)) {
		uintptr_t own = frame_code(frame);

		if (frame_has_place(frame, own, frame_instr(frame)))
			code = own;
	}
	return code;
}

/* The instruction as struct wire_node spells it. */
static uint32_t place_of(uintptr_t frame, uintptr_t code, uintptr_t instr)
{
	const struct pyabi_layout *layout = &agent.layout;
	uintptr_t copies;

	if (layout->features & PYABI_INSTR_INDEX)
		return (uint32_t)instr;
	if (!(layout->features & PYABI_THREAD_LOCAL_BYTECODE))
		return (uint32_t)(instr - code);
	copies = read_pointer(code, layout->code_tlbc);
	if (copies) {
		intptr_t count = *(const intptr_t *)(copies + layout->tlbc_size);
		int32_t index = *(const int32_t *)(frame + layout->frame_tlbc_index);

		if (index >= 0 && index < count) {
			uintptr_t copy =
				read_pointer(copies, layout->tlbc_entries + 8 * (uint32_t)index);

			if (copy)
				return (uint32_t)(instr - copy + layout->code_bytecode);
		}
	}
	return (uint32_t)(instr - code);
}

static inline uint16_t *join_of(struct thread *t, uintptr_t frame)
{
	return &t->join[(frame >> 4 ^ frame >> 12) & (STACK_JOIN_SIZE - 1)];
}

/* Records `frame` as level `i`, on top of node `parent`. */
static uint32_t stack_set_level(struct thread *t, uint32_t i, uint32_t parent, uintptr_t frame)
{
	struct stack_level *level = &t->levels[i];
	uintptr_t code = frame_code(frame);
	uintptr_t instr = frame_instr(frame);
	uint32_t node = parent;

	*join_of(t, frame) = (uint16_t)i;
	if (i < t->high && level->frame == frame && level->instr == instr && level->code == code &&
	    level->parent == parent)
		return level->node;
	if (frame_has_place(frame, code, instr))
		node = node_intern(t, parent, code_id(t, code), place_of(frame, code, instr));
	*level = (struct stack_level){frame, instr, code, parent, node};
	if (i >= t->high)
		t->high = i + 1;
	return node;
}

static COLD bool stack_allocate(struct thread *t)
{
	size_t levels = (STACK_LEVEL_MAX + 1) * sizeof(struct stack_level);
	size_t fresh = STACK_LEVEL_MAX * sizeof(uintptr_t);
	long memory = sys_mmap(NULL, levels + fresh, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory < 0 && memory > -4096)
		return false;
	t->fresh = (uintptr_t *)(memory + (long)levels);
	t->levels = (struct stack_level *)memory + 1;
	return true;
}

static COLD void stack_forget(struct thread *t, uint32_t generation)
{
	t->generation = generation;
	t->depth = 0;
	t->high = 0;
	for (uint32_t i = 0; i < CODE_CACHE_SIZE; i++)
		t->codes[i].code = 0;
}

/*
 * Walks down from the cached level `base`, whose frame is live. Returns the lowest level whose
 * position changed (base + 1: none). Where a live frame links elsewhere than the cache says,
 * *diverged is that level and *next the frame below it; else *diverged is UINT32_MAX. The outermost
 * frame links to what stands below level 0.
 */
static inline __attribute__((always_inline)) uint32_t stack_verify(struct thread *t, uint32_t base,
								   const bool compare_code,
								   uint32_t *diverged,
								   uintptr_t *next)
{
	const uintptr_t previous_offset = agent.layout.frame_previous;
	const uintptr_t instr_offset = agent.layout.frame_instr;
	const struct stack_level *level = &t->levels[base];
	const struct stack_level *low = level + 1;

	do {
		uintptr_t frame = level->frame;
		uintptr_t previous = *(const uintptr_t *)(frame + previous_offset);
		bool changed;

		if (compare_code)
			changed = (frame_instr(frame) != level->instr) |
				  (frame_code(frame) != level->code);
		else
			changed = *(const uintptr_t *)(frame + instr_offset) != level->instr;
		low = changed ? level : low;
		if (UNLIKELY(previous != level[-1].frame)) {
			*next = previous;
			*diverged = (uint32_t)(level - t->levels);
			return (uint32_t)(low - t->levels);
		}
	} while (level-- != t->levels);
	*diverged = UINT32_MAX;
	return (uint32_t)(low - t->levels);
}

/*
 * Walks the chain from its innermost frame `leaf` to where it joins the last stack, to its end, or
 * until there are more new frames than can be kept: then a marker stands for all but half of them.
 * Leaves the new frames in t->fresh, innermost first, and returns how many; *kept cached levels
 * stay, of which those below *low are unchanged.
 */
static inline uint32_t stack_walk(struct thread *t, uintptr_t leaf, uint32_t *kept, uint32_t *low)
{
	uintptr_t frame = leaf;
	uint32_t fresh = 0;

	while (frame) {
		uint32_t level = *join_of(t, frame);
		uint32_t diverged;

		if (level >= t->depth || t->levels[level].frame != frame) {
			if (UNLIKELY(fresh == STACK_LEVEL_MAX)) {
				fresh = STACK_LEVEL_MAX / 2;
				frame = t->fresh[fresh];
				break;
			}
			t->fresh[fresh++] = frame;
			frame = frame_previous(frame);
			continue;
		}
		*low = agent.compare_code ? stack_verify(t, level, true, &diverged, &frame)
					  : stack_verify(t, level, false, &diverged, &frame);
		if (LIKELY(diverged == UINT32_MAX)) {
			*kept = level + 1;
			return fresh;
		}
		/* What was verified so far has something else below it: record it anew. */
		t->depth = diverged;
		if (UNLIKELY(level + 1 - diverged > STACK_LEVEL_MAX - fresh)) {
			t->depth = 0;
			fresh = 0;
			frame = leaf;
			continue;
		}
		for (uint32_t i = level + 1; i-- > diverged;)
			t->fresh[fresh++] = t->levels[i].frame;
	}
	t->levels[-1].frame = frame;
	t->base = frame ? WIRE_NODE_OMITTED : WIRE_NODE_EMPTY;
	*kept = 0;
	*low = 0;
	return fresh;
}

uint32_t stack_capture(struct thread *t)
{
	uint32_t generation = atomic_load_explicit(&agent.code_generation, memory_order_acquire);
	uintptr_t leaf = leaf_frame();
	uint32_t fresh, kept, low, node;

	if (!leaf)
		return WIRE_NODE_EMPTY;
	if (UNLIKELY(!t->levels) && !stack_allocate(t)) {
		ring_count_lost(t, WIRE_LOST_STACK);
		return WIRE_NODE_UNKNOWN;
	}
	if (UNLIKELY(generation != t->generation))
		stack_forget(t, generation);

	fresh = stack_walk(t, leaf, &kept, &low);
	if (UNLIKELY(kept + fresh > STACK_LEVEL_MAX)) {
		/* Too deep together: once more, with a new bottom. */
		t->depth = 0;
		fresh = stack_walk(t, leaf, &kept, &low);
	}

	t->depth = kept + fresh;
	node = low ? t->levels[low - 1].node : t->base;
	for (uint32_t i = low; i < kept; i++)
		node = stack_set_level(t, i, node, t->levels[i].frame);
	for (uint32_t i = kept; fresh; i++)
		node = stack_set_level(t, i, node, t->fresh[--fresh]);
	return node;
}
