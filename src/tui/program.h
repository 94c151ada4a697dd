#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* A program that runs beside the screen: ours to start, to interrupt and to wait for. */
struct program {
	pid_t pid;
	int interrupt; /* the signal that interrupts it: SIGINT, unless it was born ignoring that */
	bool ended;
	int status; /* as wait(2) has it */
};

/* streams: as those of struct launch_options. Fails as launch_check. */
int program_start(struct program *program, char *const *argv, const int *streams,
		  struct error *err);

/* Whether it has ended. */
bool program_poll(struct program *program);
/* "exit status 3", "killed by signal 9 (Killed)" */
void program_describe(const struct program *program, char *text, size_t size);

void program_signal(const struct program *program, int number);
/* Waits until it has ended, and reaps it: sampling is over. waiting is called once, when that takes
 * long. Keys that interrupt the whole foreground are the program's alone meanwhile. */
void program_wait(struct program *program, void (*waiting)(pid_t pid));
