#include "report/flamegraph.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/calltree.h"
#include "analysis/frames.h"
#include "base/text.h"
#include "report/amount.h"
#include "report/escape.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/picture.h"

/* The flame graph as a picture. Its size is bounded: boxes that would be narrower than a tenth of a
 * pixel are left out, and of the others the lightest, and the picture says so. */
enum {
	HUES = 6,
};

struct graph {
	const struct profile *profile;
	const struct report_options *options;
	const struct calltree *tree;
	struct picture picture;
	double *left; /* [node]: its left edge, as an amount */
};

/* The first path component behind the last `marker`, or NULL when there is none. */
static const char *component_behind(const char *file, const char *marker, size_t *length)
{
	const char *found = NULL;

	for (const char *at = strstr(file, marker); at != NULL; at = strstr(at + 1, marker))
		found = at + strlen(marker);
	if (found != NULL)
		*length = strcspn(found, "/");
	return found;
}

/* "python3.12/x" -> "x": the module of the standard library that a file belongs to, or NULL. */
static const char *library_module(const char *file, size_t *length)
{
	size_t directory;
	const char *name = component_behind(file, "/python3", &directory);

	if (name == NULL || name[directory] != '/')
		return NULL;
	name += directory + 1;
	*length = strcspn(name, "/");
	return name;
}

/* The kind's letter in the style, and in *group what its hue is chosen by. */
static char frame_kind_letter(const struct capture_frame *frame, const char **group, size_t *length)
{
	*group = frame->file;
	*length = strlen(frame->file);
	switch (frame->kind) {
	case FRAME_PYTHON:
		break;
	case FRAME_NATIVE:
		return 'e';
	case FRAME_KERNEL:
		return 'f';
	default:
		return 'g';
	}
	if (strstr(frame->file, "-packages/") != NULL) {
		*group = component_behind(frame->file, "-packages/", length);
		return 'b';
	}
	if (frames_is_import_system(frame))
		return 'd';
	if (strncmp(frame->file, "<frozen ", 8) == 0)
		return 'c';
	if (strstr(frame->file, "/python3") != NULL && strstr(frame->file, "/lib") != NULL) {
		const char *module = library_module(frame->file, length);

		if (module != NULL) {
			*group = module;
			return 'c';
		}
		*length = strlen(frame->file);
	}
	return 'a';
}

/* size 8 does. */
static char *choose_class(const struct graph *graph, const struct calltree_node *node, char *class,
			  size_t size)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	const char *group;
	size_t length;
	char letter;

	if (node->frame == 0) {
		snprintf(class, size, "g0");
		return class;
	}
	letter = frame_kind_letter(profile_frame(graph->profile, node->frame), &group, &length);
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)group[i]) * 16777619u;
	hash ^= hash >> 15;
	snprintf(class, size, "%c%u", letter, letter == 'g' ? 0 : hash % HUES);
	return class;
}

static void node_location(const struct graph *graph, const struct calltree_node *node,
			  struct names_location *location)
{
	if (node->frame != 0) {
		names_location(profile_frame(graph->profile, node->frame), true, false, location);
		return;
	}
	location->place[0] = '\0';
	if (node->thread != 0)
		names_thread(graph->profile, node->thread, location->function,
			     sizeof(location->function));
	else
		snprintf(location->function, sizeof(location->function), "all");
}

static void write_numbers(const struct graph *graph, const struct calltree_node *node)
{
	enum unit unit = graph->profile->unit;
	const struct amount_words *words = amount_words(unit);
	double share = (double)node->total_amount / graph->picture.total;
	FILE *out = graph->picture.out;
	char text[64];

	fprintf(out, "\n%s", amount_text(unit, node->total_amount, text, sizeof(text)));
	fprintf(out, "%s, ", amount_error_text(unit, node->total_error, text, sizeof(text)));
	escape_html(out, text_percent(share, text, sizeof(text)));
	if (!graph->options->inverted)
		fprintf(out, ", own %s", amount_text(unit, node->own_amount, text, sizeof(text)));
	fprintf(out, ", %s %s", text_count(node->total_count, text, sizeof(text)),
		node->total_count == 1 ? words->count_one : words->count_many);
}

static void write_box(const struct graph *graph, uint32_t index)
{
	const struct calltree_node *node = &graph->tree->nodes[index];
	double amount = (double)node->total_amount;
	struct names_location location;
	char class[8];

	node_location(graph, node, &location);
	picture_begin_box(&graph->picture, graph->left[index], amount, node->depth, &location);
	write_numbers(graph, node);
	picture_end_box(&graph->picture, amount, &location,
			choose_class(graph, node, class, sizeof(class)));
}

/* Children stand side by side at the left edge of their parent. Parents come first in the tree. */
static void place_boxes(struct graph *graph)
{
	const struct calltree_node *nodes = graph->tree->nodes;

	for (uint32_t i = 0; i < graph->tree->count; i++) {
		double left = graph->left[i];

		for (uint32_t c = nodes[i].first_child; c != 0; c = nodes[c].next_sibling) {
			graph->left[c] = left;
			left += (double)nodes[c].total_amount;
		}
	}
}

/* The lines under the title: what every report says, and what this one leaves out. */
static char *describe(const struct graph *graph)
{
	struct report_options plain = *graph->options;
	char *text = NULL, count[32], amount[32];
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (memory == NULL)
		return NULL;
	plain.color = false;
	heading_write(graph->profile, &plain, graph->profile->row_count, "stacks", memory);
	if (graph->tree->left_out > 0)
		fprintf(memory, "the narrowest are left out: %s %s, %s together\n",
			text_count(graph->tree->left_out, count, sizeof(count)),
			graph->tree->left_out == 1 ? "branch" : "branches",
			amount_text(graph->profile->unit, graph->tree->left_out_amount, amount,
				    sizeof(amount)));
	if (graph->profile->amount == 0)
		fputs("Nothing was recorded that would have a width.\n", memory);
	if (fclose(memory) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int write_graph(struct graph *graph, struct error *err)
{
	char *description = describe(graph);
	char title[512];

	graph->left = calloc(graph->tree->count, sizeof(*graph->left));
	if (graph->left == NULL || description == NULL) {
		free(graph->left);
		free(description);
		return error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	}
	flamegraph_title(graph->profile, graph->options, title, sizeof(title));
	picture_begin(&graph->picture, title, description, graph->options->dark);
	place_boxes(graph);
	for (uint32_t i = 0; graph->picture.total > 0 && i < graph->tree->count; i++)
		write_box(graph, i);
	free(graph->left);
	free(description);
	return picture_end(&graph->picture, err);
}

static int flamegraph_svg_write(const struct profile *profile, const struct report_options *options,
				FILE *out, struct error *err)
{
	struct calltree_options tree_options = {
		.inverted = options->inverted,
		.min_amount = profile->amount / PICTURE_NARROWEST,
		.max_nodes = PICTURE_BOXES_MAX,
	};
	struct graph graph = {.profile = profile, .options = options};
	struct calltree *tree;
	int result;

	if (tree_options.min_amount == 0)
		tree_options.min_amount = 1; /* without a width there is nothing to draw */
	if (options->max_rows > 0 && options->max_rows < PICTURE_BOXES_MAX)
		tree_options.max_nodes = (uint32_t)options->max_rows + 1;
	tree = calltree_create(profile, &tree_options);
	graph.tree = tree;
	graph.picture = (struct picture){
		.out = out,
		.total = (double)profile->amount,
		.depth = tree->max_depth,
		.icicle = options->icicle,
	};
	result = write_graph(&graph, err);
	calltree_destroy(tree);
	return result;
}

const struct report_format report_flamegraph_svg = {
	.name = "flamegraph-svg",
	.extension = "svg",
	.description = "flame graph as a picture, with zoom and search in browsers",
	.write = flamegraph_svg_write,
};
