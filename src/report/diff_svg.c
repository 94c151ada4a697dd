#include <stdlib.h>
#include <string.h>

#include "analysis/difftree.h"
#include "base/text.h"
#include "report/amount.h"
#include "report/diff_words.h"
#include "report/escape.h"
#include "report/picture.h"

/*
 * The flame graph of one side, coloured by what changed against the other. A colour stands for the
 * change as a part of the larger of both, in four steps up and down; what grew has a triangle
 * before its name that points up, what shrank one that points down, so that nobody needs to tell
 * the colours apart.
 */
struct graph {
	const struct diff *diff;
	const struct diff_report_options *options;
	const struct difftree *tree;
	struct picture picture;
	double *left; /* [node]: its left edge, as an amount */
};

static uint64_t width_of(const struct graph *graph, const struct diff_amount *amount)
{
	return graph->options->width_before ? amount->before : amount->after;
}

/* The step of a change: u1 to u4, v1 to v4, n0 for none and for what may be chance. */
static const char *choose_class(const struct diff_amount *amount)
{
	static const char *const grown[] = {"u1", "u2", "u3", "u4"};
	static const char *const shrunk[] = {"v1", "v2", "v3", "v4"};
	uint64_t larger = amount->after > amount->before ? amount->after : amount->before;
	double share;
	unsigned step;

	if (!diff_is_significant(amount))
		return "n0";
	share = (double)diff_distance(amount) / (double)larger;
	step = share <= 0.1 ? 0 : share <= 0.3 ? 1 : share <= 0.6 ? 2 : 3;
	return amount->after > amount->before ? grown[step] : shrunk[step];
}

static void node_location(const struct graph *graph, const struct difftree_node *node,
			  struct names_location *location)
{
	size_t length;

	location->place[0] = '\0';
	if (node->frame != 0)
		names_location(&graph->diff->frames[node->frame], true, false, location);
	else
		snprintf(location->function, sizeof(location->function), "all");
	length = strlen(location->function);
	if (!diff_is_significant(&node->total) || length + 8 > sizeof(location->function))
		return;
	memmove(location->function + 4, location->function, length + 1);
	memcpy(location->function, node->total.after > node->total.before ? "\u25b2 " : "\u25bc ",
	       4);
}

static void write_numbers(const struct graph *graph, const struct difftree_node *node)
{
	enum unit unit = graph->diff->unit;
	FILE *out = graph->picture.out;
	char text[64];

	fprintf(out, "\nnew %s", amount_text(unit, node->total.after, text, sizeof(text)));
	fprintf(out, ", base %s", amount_text(unit, node->total.before, text, sizeof(text)));
	fprintf(out, "\n%s", diff_words_change(unit, &node->total, text, sizeof(text)));
	fputs(amount_error_text(unit, node->total.error, text, sizeof(text)), out);
	diff_words_relative(&node->total, text, sizeof(text));
	if (text[0] != '\0')
		fprintf(out, ", %s", text);
	if (diff_words_is_doubtful(&node->total))
		fputs(", may be chance", out);
	if (!graph->options->report.inverted)
		fprintf(out, "\nown %s", diff_words_change(unit, &node->own, text, sizeof(text)));
}

static void write_box(const struct graph *graph, uint32_t index)
{
	const struct difftree_node *node = &graph->tree->nodes[index];
	double width = (double)width_of(graph, &node->total);
	struct names_location location;

	node_location(graph, node, &location);
	picture_begin_box(&graph->picture, graph->left[index], width, node->depth, &location);
	write_numbers(graph, node);
	picture_end_box(&graph->picture, width, &location, choose_class(&node->total));
}

/* Children stand side by side at the left edge of their parent. Parents come first in the tree. */
static void place_boxes(struct graph *graph)
{
	const struct difftree_node *nodes = graph->tree->nodes;

	for (uint32_t i = 0; i < graph->tree->count; i++) {
		double left = graph->left[i];

		for (uint32_t c = nodes[i].first_child; c != 0; c = nodes[c].next_sibling) {
			graph->left[c] = left;
			left += (double)width_of(graph, &nodes[c].total);
		}
	}
}

static char *describe(const struct graph *graph)
{
	struct diff_report_options plain = *graph->options;
	char *text = NULL, count[32];
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (memory == NULL)
		return NULL;
	plain.report.color = false;
	diff_words_heading(graph->diff, &plain, memory);
	fprintf(memory,
		"a box is as wide as what is in %s; \u25b2 red grew, \u25bc blue shrank, %s\n",
		graph->options->width_before ? "base" : "new",
		graph->diff->estimated ? "grey did not or by less than two standard errors"
				       : "grey did not change");
	if (graph->tree->left_out > 0)
		fprintf(memory, "the narrowest are left out: %s %s\n",
			text_count(graph->tree->left_out, count, sizeof(count)),
			graph->tree->left_out == 1 ? "branch" : "branches");
	if (graph->picture.total <= 0)
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
	char title[600];

	graph->left = calloc(graph->tree->count, sizeof(*graph->left));
	if (graph->left == NULL || description == NULL) {
		free(graph->left);
		free(description);
		return error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	}
	diff_words_title(graph->diff, graph->options, title, sizeof(title));
	picture_begin(&graph->picture, title, description, graph->options->report.dark);
	place_boxes(graph);
	for (uint32_t i = 0; graph->picture.total > 0 && i < graph->tree->count; i++)
		write_box(graph, i);
	free(graph->left);
	free(description);
	return picture_end(&graph->picture, err);
}

static int write_svg(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		     struct error *err)
{
	struct graph graph = {.diff = diff, .options = options};
	uint64_t total = width_of(&graph, &diff->total);
	struct difftree_options tree_options = {
		.weight = options->width_before ? DIFFTREE_BEFORE : DIFFTREE_AFTER,
		.inverted = options->report.inverted,
		.min_weight = total / PICTURE_NARROWEST,
		.max_nodes = PICTURE_BOXES_MAX,
	};
	struct difftree *tree;
	int result;

	if (tree_options.min_weight == 0)
		tree_options.min_weight = 1; /* without a width there is nothing to draw */
	if (options->report.max_rows > 0 && options->report.max_rows < PICTURE_BOXES_MAX)
		tree_options.max_nodes = (uint32_t)options->report.max_rows + 1;
	tree = difftree_create(diff, &tree_options);
	graph.tree = tree;
	graph.picture = (struct picture){
		.out = out,
		.total = (double)total,
		.depth = tree->max_depth,
		.icicle = options->report.icicle,
	};
	result = write_graph(&graph, err);
	difftree_destroy(tree);
	return result;
}

const struct diff_report diff_report_svg = {
	.name = "svg",
	.extension = "svg",
	.description = "flame graph coloured by what changed, as a picture",
	.write = write_svg,
};
