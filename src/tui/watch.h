#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "tui/feed.h"

/* A sampler, fed to a board. */
struct watch;

struct watch_options {
	double rate_hz;
	bool never_pause, pause_always; /* as struct sampler_options has them */
	bool python_only;               /* leave out threads that Python does not know */
	bool subprocesses;
};

int watch_create(const struct watch_options *options, struct watch **out, struct error *err);
void watch_destroy(struct watch *watch);

/* Before watch_start. must: fail if it cannot be sampled, else wait until Python appears in it. */
int watch_add(struct watch *watch, pid_t pid, bool must, struct error *err);
int watch_start(struct watch *watch, struct error *err);
/* No samples come after this; what has come can still be pulled. */
void watch_stop(struct watch *watch);

/* To every process but this one that is sampled, as far as was pulled. */
void watch_signal(const struct watch *watch, int number, pid_t but);

struct trace_tree *watch_tree(struct watch *watch);
/* Whether there was a Python in any process, as far as was pulled. No watch has seen none. */
bool watch_saw_python(const struct watch *watch);

/* struct feed with the watch as its data. It has ended when no process is left. */
void watch_pull(struct live *live, void *watch);
void watch_look(struct feed_facts *facts, void *watch);
