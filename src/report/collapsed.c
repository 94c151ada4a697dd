#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "report/formats.h"
#include "report/names.h"
#include "report/path.h"

/*
 * One line a stack: its frames, outermost first, separated by semicolons, a blank, its bytes; of
 * time its samples, as tools for such lines expect. What frames hold of semicolons and control
 * characters is written as \xNN.
 */

/* The text of each frame, made when it is first needed. */
struct labels {
	const struct profile *profile;
	char **texts; /* [frame] */
	uint32_t count;
};

static const char *find_label(struct labels *labels, frame_id frame)
{
	struct names_location location;
	size_t length;
	char *text;

	if (frame > labels->count)
		frame = 0;
	if (labels->texts[frame] != NULL)
		return labels->texts[frame];
	names_location(profile_frame(labels->profile, frame), true, true, &location);
	length = strlen(location.function) + strlen(location.place) + sizeof(" ()");
	text = array_create(length, 1);
	if (location.place[0] != '\0')
		snprintf(text, length, "%s (%s)", location.function, location.place);
	else
		memcpy(text, location.function, strlen(location.function));
	labels->texts[frame] = text;
	return text;
}

static void write_stack(struct labels *labels, const struct path *path, thread_id thread, FILE *out)
{
	char name[256];

	if (thread != 0) {
		names_thread(labels->profile, thread, name, sizeof(name));
		fprintf(out, "%s [%u];", name, names_tid(labels->profile, thread));
	}
	if (path->count == 0)
		fputs(find_label(labels, 0), out);
	for (size_t i = 0; i < path->count; i++) {
		if (i > 0)
			putc_unlocked(';', out);
		fputs_unlocked(find_label(labels, path->frames[i]), out);
	}
}

static int write_collapsed(const struct profile *profile, const struct report_options *options,
			   FILE *out, struct error *err)
{
	struct calltree *tree = calltree_create(profile, &(struct calltree_options){0});
	struct labels labels = {.profile = profile, .count = profile->frame_count};
	struct path path = {0};
	thread_id thread = 0;
	uint32_t node = 0;

	(void)options;
	labels.texts = array_create((size_t)labels.count + 1, sizeof(*labels.texts));
	do {
		const struct calltree_node *here = &tree->nodes[node];
		uint64_t own = profile->unit == UNIT_BYTES ? here->own_amount : here->own_count;

		path_enter(&path, tree, node, profile->options.split_threads);
		if (here->thread != 0)
			thread = here->thread;
		if (own > 0) {
			write_stack(&labels, &path, thread, out);
			fprintf(out, " %" PRIu64 "\n", own);
		}
		node = calltree_next(tree, node, 0);
	} while (node != 0);
	for (size_t i = 0; i <= labels.count; i++)
		free(labels.texts[i]);
	free(labels.texts);
	path_deinit(&path);
	calltree_destroy(tree);
	return report_finish(out, err);
}

const struct report_format report_collapsed = {
	.name = "collapsed",
	.extension = "txt",
	.description = "folded stacks, one a line, for flame graph tools",
	.write = write_collapsed,
};
