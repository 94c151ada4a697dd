#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What a screen waits for: keys, signals, time. From events_begin to events_end the signals that
 * end or stop programs, or tell of children and windows, arrive here and nowhere else; threads that
 * are started meanwhile do not get them.
 */
struct events {
	int fd;
	sigset_t before;
};

int events_begin(struct events *events);
void events_end(struct events *events);

struct occurrence {
	int signal;       /* 0: none */
	bool by_terminal; /* it went to everything in the foreground */
	bool readable;    /* the descriptor has something, or has ended */
	bool gone;        /* the descriptor is of a terminal that hung up */
};

/* Until something happens, or that time has passed. fd -1: there is none. */
struct occurrence events_wait(struct events *events, int fd, uint64_t timeout_ns);

/* Does to this process what a stop key does by default, and returns when it is continued. */
void events_stop_here(void);
