#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "wire/wire.h"

/*
 * The merge against threads that are played in steps: each time that it reads a head, some of them
 * take a few steps first. So every place where a thread can be overtaken is met, many times, and a
 * failure comes back with its seed.
 */
static void interleave(void);

#undef atomic_load_explicit
/* Reading an atomic object is a load in itself. */
#define atomic_load_explicit(place, order) (interleave(), *(place))
#include "collector/merge.c"

#define PLAYERS   5u
#define ADDRESSES 8u
#define BOXES     3u

enum step {
	STEP_IDLE,
	STEP_ALLOC_LOOK, /* has the address */
	STEP_ALLOC_PUBLISH,
	STEP_FREE_PUBLISH, /* has looked */
	STEP_FREE_GIVE,
};

struct player {
	enum step step;
	uint64_t address;
	uint64_t own[ADDRESSES];
	unsigned own_count;
	uint64_t head;
};

static struct world {
	struct wire_area *area;
	uint64_t random;
	bool quiet; /* nobody moves */
	struct player players[PLAYERS];
	uint64_t pool[ADDRESSES];
	unsigned pool_count;
	uint64_t boxes[BOXES];

	/* the reader's */
	bool live[ADDRESSES + 1];
	unsigned long events, violations;
} world;

static uint32_t world_random(uint32_t limit)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return (uint32_t)((world.random >> 11) % limit);
}

static void player_put(unsigned slot, uint64_t word)
{
	wire_ring(world.area, slot)[world.players[slot].head++ & (WIRE_RING_WORDS - 1)] = word;
}

static void player_look(unsigned slot)
{
	uint64_t turn = world.area->turn;

	if ((turn & 0xffff) == slot)
		return;
	turn = ((turn >> 16) + 1) << 16 | slot;
	atomic_store(&world.area->turn, turn);
	player_put(slot, wire_word(WIRE_TICKET, 0, turn >> 16));
}

static void player_publish(unsigned slot, uint64_t word)
{
	player_put(slot, word);
	atomic_store(&wire_threads(world.area)[slot].head, world.players[slot].head);
}

static void player_begin(unsigned slot)
{
	struct player *player = &world.players[slot];
	unsigned what = world_random(3);

	if (what == 0 && world.pool_count) {
		player->address = world.pool[--world.pool_count];
		player->step = STEP_ALLOC_LOOK;
	} else if (what == 1 && player->own_count) {
		player->address = player->own[--player->own_count];
		player_look(slot);
		player->step = STEP_FREE_PUBLISH;
	} else if (what == 2) {
		uint64_t *box = &world.boxes[world_random(BOXES)];
		uint64_t theirs = *box;

		*box = player->own_count ? player->own[--player->own_count] : 0;
		if (theirs)
			player->own[player->own_count++] = theirs;
	}
}

static void player_step(unsigned slot)
{
	struct player *player = &world.players[slot];

	switch (player->step) {
	case STEP_IDLE:
		player_begin(slot);
		break;
	case STEP_ALLOC_LOOK:
		player_look(slot);
		player->step = STEP_ALLOC_PUBLISH;
		break;
	case STEP_ALLOC_PUBLISH:
		player_publish(slot, wire_word(WIRE_REALLOC_BEGIN, 0, player->address));
		player->own[player->own_count++] = player->address;
		player->step = STEP_IDLE;
		break;
	case STEP_FREE_PUBLISH:
		player_publish(slot, wire_word(WIRE_FREE, 0, player->address));
		player->step = STEP_FREE_GIVE;
		break;
	case STEP_FREE_GIVE:
		world.pool[world.pool_count++] = player->address;
		player->step = STEP_IDLE;
		break;
	}
}

/* Between any two reads of a head: mostly little, sometimes a lot, often by one thread alone. */
static void interleave(void)
{
	unsigned steps = world_random(8) ? world_random(6) : world_random(80);
	unsigned favourite = world_random(PLAYERS);

	if (world.quiet)
		return;
	while (steps--)
		player_step(world_random(3) ? favourite : world_random(PLAYERS));
}

/* Of one word each: REALLOC_BEGIN stands for an allocation here. */
static uint64_t read_run(const struct merge_run *run)
{
	uint64_t at = run->from;

	for (; at != run->limit; at++) {
		uint64_t word = merge_word(run->ring, at);
		uint64_t kind = word >> WIRE_KIND_SHIFT;
		unsigned index = (unsigned)((word & WIRE_VALUE_MASK) / 16);

		if (kind == WIRE_TICKET) {
			if (at != run->from)
				break;
			continue;
		}
		world.events++;
		world.violations += world.live[index] == (kind == WIRE_REALLOC_BEGIN);
		world.live[index] = kind == WIRE_REALLOC_BEGIN;
	}
	return at;
}

static bool read_round(struct merge *merge)
{
	struct merge_run run;

	if (!merge_look(merge))
		return false;
	while (merge_next(merge, &run))
		merge_consumed(merge, read_run(&run));
	return true;
}

static void play(uint64_t seed, unsigned rounds)
{
	struct merge *merge = malloc(sizeof(*merge));
	unsigned live = 0, owned = 0;

	memset(&world, 0, sizeof(world));
	world.random = 0x9e3779b97f4a7c15ull * seed;
	world.area = mmap(NULL, WIRE_AREA_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(world.area, MAP_FAILED);
	assert_non_null(merge);
	atomic_store(&world.area->thread_high, PLAYERS);
	for (unsigned i = 0; i < ADDRESSES; i++)
		world.pool[world.pool_count++] = 16 * (uint64_t)(i + 1);
	merge_init(merge, world.area);
	for (unsigned i = 0; i < rounds; i++)
		read_round(merge);

	world.quiet = true;
	while (read_round(merge))
		;
	for (unsigned i = 0; i <= ADDRESSES; i++)
		live += world.live[i];
	for (unsigned i = 0; i < PLAYERS; i++)
		owned += world.players[i].own_count;
	for (unsigned i = 0; i < BOXES; i++)
		owned += world.boxes[i] != 0;
	if (world.violations)
		print_message("seed %llu: %lu violations in %lu events\n", (unsigned long long)seed,
			      world.violations, world.events);
	assert_int_equal(world.violations, 0);
	assert_int_equal(merge->damage, 0);
	/* Blocks whose release was looked at and not yet published still live. */
	assert_true(live >= owned);
	assert_true(live <= owned + PLAYERS);
	assert_true(world.events > rounds);
	munmap(world.area, WIRE_AREA_BYTES);
	free(merge);
}

static void test_interleavings(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++)
		play(seed, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleavings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
