#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/*
 * Where a report goes: standard output, or a file that appears under its name only once it is
 * whole. An existing file stays untouched unless force. Devices and pipes are written to as they
 * are.
 */
struct destination {
	FILE *stream;
	char *path;      /* what the user named; NULL: standard output */
	char *final;     /* path with symbolic links followed, or path itself */
	char *temporary; /* NULL: no renaming at the end */
	bool force;
};

/* Says early, before a long reading, that destination_open would refuse. path NULL or "-": stdout.
 */
int destination_check(const char *path, bool force, struct error *err);

int destination_open(const char *path, bool force, struct destination *destination,
		     struct error *err);
/* Puts everything in place and releases the destination, also when it fails. */
int destination_commit(struct destination *destination, struct error *err);
/* Takes back what was written, as far as that is possible, and releases the destination. */
void destination_abandon(struct destination *destination);
