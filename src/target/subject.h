#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Processes for tests to look at. A board is memory that the test and all of its subjects share;
 * zero at first, each test uses of it what it likes.
 */
struct subject_board {
	_Atomic pid_t pid;
	_Atomic bool ready, go, stop;
	_Atomic uint64_t numbers[16];
};

struct subject_board *subject_board_create(void);
void subject_board_destroy(struct subject_board *board);

/* Runs body in another process, which ends with it: a child, or one whose parent is not the test.
 * Returns when the subject has set board->ready. It is killed when the test ends. */
pid_t subject_start(struct subject_board *board, bool is_child,
		    void (*body)(struct subject_board *));

/* Kills it, if it lives, and waits for its end. */
void subject_end(pid_t pid);

void subject_sleep_ms(unsigned ms);
/* Waits at most some seconds; false: it stayed false. */
bool subject_wait(const _Atomic bool *flag);

/* From /proc/TID: the state's letter (0: no such thread), and who traces it. */
char subject_state(pid_t tid);
pid_t subject_tracer(pid_t tid);
