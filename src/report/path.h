#pragma once

#include <stddef.h>

#include "analysis/calltree.h"

/*
 * The frames from the outermost one to a node of an upright call tree, kept while the tree is read
 * with calltree_next. The root and threads are not among them.
 */
struct path {
	frame_id *frames;
	size_t count, room;
};

/* Call it for every node that calltree_next comes to. */
void path_enter(struct path *path, const struct calltree *tree, uint32_t node, bool threads);
void path_deinit(struct path *path);
