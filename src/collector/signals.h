#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * sonde between its caller and the target. The target runs in sonde's process group, so what the
 * terminal sends reaches both: sonde lets it pass (it ends when the target does). What a process
 * sends to sonde alone is handed on. A signal that sonde's caller had it ignore stays ignored. Once
 * the target has ended, what ends a program asks sonde to end.
 *
 * One target at a time: signals_begin; fork; signals_child in the child, signals_watch in the
 * parent; signals_target_ended; signals_end.
 */
#define SIGNALS_MAX 16u

struct signals {
	sigset_t mask;
	struct sigaction old[SIGNALS_MAX];
	bool has_terminal;
};

/* Holds signals back until signals_watch, and remembers how sonde got them. */
void signals_begin(struct signals *signals);
/* Gives the target mask and dispositions as sonde got them. */
void signals_child(const struct signals *signals);
void signals_watch(struct signals *signals, pid_t target);
void signals_end(struct signals *signals);

/* There is nobody any more to hand signals on to. */
void signals_target_ended(struct signals *signals);
/* Whether sonde was told to end since then. */
bool signals_asked_to_end(const struct signals *signals);

/* The target was stopped by a signal. When that is job control, sonde stops too, and continues the
 * target when it is itself continued. Returns whether it did. */
bool signals_target_stopped(const struct signals *signals, int signal_number);
