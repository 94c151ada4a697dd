#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "sampler/snapshot.h"

/* One dump of one process, on its way to the reader. */
struct dump_process {
	pid_t pid, parent_pid;
	const char *command, *executable; /* "" if not known */
	char python_version[24];          /* "": no Python in it yet */
	bool is_debug, is_free_threaded;  /* builds of it */
	const char *python_file;          /* the executable or library that it is */
	struct trace_tree *tree;
	const struct snapshot *snapshot;
};

/* As people read it. locals: they were asked for. */
void dump_write_text(const struct dump_process *process, bool locals, bool color, FILE *out);

/* The schema "sonde.dump/1": a document a dump, on one line. */
struct dump_time {
	struct timespec wall; /* CLOCK_REALTIME */
	uint64_t sequence;    /* from 0 */
};
void dump_write_json(const struct dump_process *processes, size_t count,
		     const struct dump_time *time, bool locals, FILE *out);

/* "running", "blocked", "stopped" */
const char *dump_state(const struct sample *sample);
