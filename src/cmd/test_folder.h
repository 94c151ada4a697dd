#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For tests that need files: an empty folder of their own, as the current one. */
static char folder[64];

static inline int folder_remove_entry(const char *path, const struct stat *st, int type,
				      struct FTW *walk)
{
	(void)st;
	(void)type;
	return walk->level == 0 ? 0 : remove(path);
}

/* Empties it. */
static inline int folder_clear(void **state)
{
	(void)state;
	return nftw(folder, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int folder_enter(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/sonde-test.XXXXXX");
	return !mkdtemp(folder) || chdir(folder) < 0 ? -1 : 0;
}

static inline int folder_leave(void **state)
{
	if (chdir("/") < 0 || folder_clear(state) != 0)
		return -1;
	return rmdir(folder);
}
