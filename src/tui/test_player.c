#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/loop.h"
#include "tui/test_specimen.h"

/*
 * The screen with a program that is not there, for tests/tui:
 *
 *	test_tui_player [--workers N] [--child] [--end-after SECONDS] [--leave] [--plain]
 *	                [--iterations N] [--color]
 *
 * Its exit status says how the loop ended: 10 + enum loop_end; 100 + the signal.
 */
struct player {
	struct specimen specimen;
	uint64_t begun_ns;
	double end_after; /* 0: never */
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pull(struct live *live, void *data)
{
	struct player *player = data;

	if (!player->specimen.facts.ended)
		player->specimen.facts.now_ns = clock_ns() - player->begun_ns;
	specimen_pull(live, &player->specimen);
}

static void look(struct feed_facts *facts, void *data)
{
	struct player *player = data;

	if (player->end_after > 0 &&
	    (double)player->specimen.facts.now_ns >= player->end_after * 1e9) {
		player->specimen.facts.ended = true;
		memcpy(player->specimen.facts.end, "it has ended: exit status 3", 28);
	}
	specimen_look(facts, &player->specimen);
}

static int play(struct player *player, struct loop_options *options, bool plain)
{
	const struct live_options books = {.window_ns = 5000000000u,
					   .period_ns = SPECIMEN_PERIOD_NS};
	const struct board_options look_of = {
		.interval_ns = 200000000,
		.window_ns = books.window_ns,
		.plain = plain,
		.rows = plain ? 20 : 0,
	};
	const struct feed feed = {pull, look, player};
	struct live *live = live_create(&books);
	struct loop_result result;
	struct events events;
	struct board board;
	struct error err;

	if (events_begin(&events) < 0)
		return 2;
	if (!plain && screen_open(options->color, &options->screen, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 2;
	}
	board_init(&board, &look_of, live, player->specimen.tree);
	player->begun_ns = clock_ns();
	result = loop_run(&board, &feed, &events, options);
	board_deinit(&board);
	screen_close(options->screen);
	events_end(&events);
	live_destroy(live);
	return result.end == LOOP_SIGNAL ? 100 + result.signal : 10 + (int)result.end;
}

int main(int argc, char **argv)
{
	struct loop_options options = {.out = stdout, .stay = true};
	struct player player = {0};
	bool plain = false;
	int status;

	specimen_init(&player.specimen);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--plain") == 0)
			plain = true;
		else if (strcmp(argv[i], "--color") == 0)
			options.color = true;
		else if (strcmp(argv[i], "--leave") == 0)
			options.stay = false;
		else if (strcmp(argv[i], "--child") == 0)
			player.specimen.child = 5000;
		else if (i + 1 == argc)
			return 2;
		else if (strcmp(argv[i], "--workers") == 0)
			player.specimen.workers = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--end-after") == 0)
			player.end_after = strtod(argv[++i], NULL);
		else if (strcmp(argv[i], "--iterations") == 0)
			options.iterations = strtoul(argv[++i], NULL, 10);
	}
	status = play(&player, &options, plain);
	specimen_deinit(&player.specimen);
	printf("player: %d\n", status);
	return status;
}
