#include "report/path.h"

#include <stdlib.h>

#include "analysis/array.h"

void path_enter(struct path *path, const struct calltree *tree, uint32_t node, bool threads)
{
	const struct calltree_node *here = &tree->nodes[node];

	path->count = here->depth - (threads && here->depth > 0);
	if (path->count == 0)
		return;
	path->frames =
		array_grow(path->frames, path->count - 1, &path->room, sizeof(*path->frames));
	path->frames[path->count - 1] = here->frame;
}

void path_deinit(struct path *path)
{
	free(path->frames);
	*path = (struct path){0};
}
