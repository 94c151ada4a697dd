#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "target/target.h"

/* What a process has mapped, in the order of addresses. */
struct target_map {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t device, inode;
	bool readable, writable, executable, is_private;
	bool deleted;     /* the file was removed or replaced since */
	const char *path; /* as the target sees it; "" anonymous, "[heap]", "[stack]", .. */
};

struct target_maps {
	struct target_map *items;
	size_t count;
	char *texts; /* private */
};

/* Fails with ERROR_PERMISSION or ERROR_NOT_FOUND. */
int target_maps_read(const struct target *target, struct target_maps *maps, struct error *err);
void target_maps_deinit(struct target_maps *maps);
const struct target_map *target_maps_find(const struct target_maps *maps, uint64_t address);

/*
 * Opens the file behind a mapping, also where it was deleted or is in another mount namespace:
 * /proc/PID/map_files, else the path below /proc/PID/root if that is the same device and inode.
 * Returns a descriptor, or -1.
 */
int target_map_open(const struct target *target, const struct target_map *map);
