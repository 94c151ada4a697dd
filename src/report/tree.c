#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/calltree.h"
#include "base/text.h"
#include "report/amount.h"
#include "report/formats.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/style.h"

enum {
	CHAIN_HEAD = 6, /* of a long chain of only children the first and last are shown */
	CHAIN_TAIL = 3,
	INDENT_UNLIMITED = 200, /* columns of lines, when the width has no limit */
};

/*
 * The text tree as it is written. A chain (a node, its only child with the same weight, and so on)
 * stands below itself without moving right; the nodes below its end hang under it:
 *
 *	├ f (a.py:1)
 *	│ g (a.py:2)
 *	│ ├ h (a.py:3)
 *	│ └ i (a.py:4)
 *
 * Lines beyond the deepest that the width allows stay in place and say their level.
 */
struct drawing {
	const struct profile *profile;
	const struct report_options *options;
	const struct calltree *tree;
	FILE *out;
	int count_width, error_width;
	size_t numbers; /* columns before the lines */
	/* One mark for each level: true where its line goes on below. */
	bool *goes_on;
	size_t level, level_room;
	size_t levels_drawn; /* at most so many of them */
};

static void write_numbers(const struct drawing *drawing, const struct calltree_node *node)
{
	double share = style_share(node->total_amount, drawing->profile->amount);
	FILE *out = drawing->out;
	enum unit unit = drawing->profile->unit;
	char text[32];

	style_set(out, drawing->options->color, style_of_share(share));
	fprintf(out, "%7s", text_percent(share, text, sizeof(text)));
	style_set(out, drawing->options->color, STYLE_PLAIN);
	fprintf(out, "  %10s", amount_text(unit, node->total_amount, text, sizeof(text)));
	if (drawing->error_width > 0)
		fprintf(out, " \u00b1 %*s", drawing->error_width - 3,
			amount_text(unit, (uint64_t)node->total_error, text, sizeof(text)));
	fprintf(out, "  %*s  ", drawing->count_width,
		text_count(node->total_count, text, sizeof(text)));
}

/* The lines of the levels above; returns the columns they take. */
static size_t write_lines(const struct drawing *drawing, size_t levels)
{
	size_t drawn = levels < drawing->levels_drawn ? levels : drawing->levels_drawn;

	for (size_t i = 0; i < drawn; i++)
		fputs(drawing->goes_on[i] ? "\u2502 " : "  ", drawing->out);
	return drawn * 2;
}

static void write_name(const struct drawing *drawing, const struct calltree_node *node,
		       size_t indent)
{
	size_t columns = (size_t)drawing->options->columns;
	size_t taken = drawing->numbers + indent;
	struct names_location location;

	if (node->thread != 0) {
		char name[256];

		names_thread(drawing->profile, node->thread, name, sizeof(name));
		fprintf(drawing->out, "%s [%u]\n", name, names_tid(drawing->profile, node->thread));
		return;
	}
	names_location(profile_frame(drawing->profile, node->frame), true, false, &location);
	names_fit(&location, columns == 0 ? 0 : columns > taken + 12 ? columns - taken : 12);
	names_write(&location, drawing->options->color, drawing->out);
	putc('\n', drawing->out);
}

/* The end of the chain that begins at `node`, and how many nodes it has. */
static uint32_t find_chain_end(const struct calltree *tree, uint32_t node, uint32_t *length)
{
	*length = 1;
	for (;;) {
		const struct calltree_node *here = &tree->nodes[node];
		const struct calltree_node *child = &tree->nodes[here->first_child];

		if (here->thread != 0 || here->first_child == 0 || child->next_sibling != 0 ||
		    child->total_amount != here->total_amount ||
		    child->total_count != here->total_count)
			return node;
		node = here->first_child;
		++*length;
	}
}

/* The rest of a chain below its first node. */
static void write_chain(const struct drawing *drawing, uint32_t first, uint32_t length)
{
	uint32_t node = first;
	char text[32];

	for (uint32_t i = 1; i < length; i++) {
		bool hidden = length > CHAIN_HEAD + CHAIN_TAIL + 1 && i >= CHAIN_HEAD &&
			      i < length - CHAIN_TAIL;
		size_t indent;

		node = drawing->tree->nodes[node].first_child;
		if (hidden && i > CHAIN_HEAD)
			continue;
		fprintf(drawing->out, "%*s", (int)drawing->numbers, "");
		indent = write_lines(drawing, drawing->level);
		if (hidden)
			fprintf(drawing->out,
				"\u22ee %s frames, each the only one below the last\n",
				text_count(length - CHAIN_HEAD - CHAIN_TAIL, text, sizeof(text)));
		else
			write_name(drawing, &drawing->tree->nodes[node], indent);
	}
}

/* A node, with its chain; leaves the level below it open and returns the end of the chain. */
static uint32_t write_node(struct drawing *drawing, uint32_t node)
{
	const struct calltree_node *here = &drawing->tree->nodes[node];
	uint32_t length, end = find_chain_end(drawing->tree, node, &length);
	bool last = here->next_sibling == 0;
	size_t indent;

	write_numbers(drawing, here);
	indent = write_lines(drawing, drawing->level) + 2;
	if (drawing->level >= drawing->levels_drawn)
		indent += (size_t)fprintf(drawing->out, "[%zu] ", drawing->level) - 2;
	else
		fputs(last ? "\u2514 " : "\u251c ", drawing->out);
	write_name(drawing, here, indent);
	drawing->goes_on = array_grow(drawing->goes_on, drawing->level, &drawing->level_room,
				      sizeof(*drawing->goes_on));
	drawing->goes_on[drawing->level++] = !last;
	write_chain(drawing, node, length);
	return end;
}

/* All nodes below the root. `level` counts chains, not nodes: leaving a chain leaves one level. */
static void write_nodes(struct drawing *drawing)
{
	const struct calltree *tree = drawing->tree;
	uint32_t *chains = NULL; /* [level]: the first node of the chain there */
	size_t chain_room = 0;
	uint32_t node = tree->nodes[0].first_child;

	while (node != 0) {
		uint32_t end;

		chains = array_grow(chains, drawing->level, &chain_room, sizeof(*chains));
		chains[drawing->level] = node;
		end = write_node(drawing, node);
		node = tree->nodes[end].first_child;
		while (node == 0 && drawing->level > 0)
			node = tree->nodes[chains[--drawing->level]].next_sibling;
	}
	free(chains);
}

static void write_titles(const struct drawing *drawing)
{
	const struct report_options *options = drawing->options;
	const struct amount_words *words = amount_words(drawing->profile->unit);

	style_set(drawing->out, options->color, STYLE_BOLD);
	fprintf(drawing->out, "%7s  %10s", "Share", words->title);
	if (drawing->error_width > 0)
		fprintf(drawing->out, "%*s", drawing->error_width, "Error");
	fprintf(drawing->out, "  %*s  %s\n", drawing->count_width, words->count_title,
		options->inverted ? "Function, below it its callers" : "Function");
	style_set(drawing->out, options->color, STYLE_PLAIN);
}

static void drawing_init(struct drawing *drawing)
{
	const struct report_options *options = drawing->options;
	char text[32];
	size_t width = strlen(text_count(drawing->profile->count, text, sizeof(text)));
	size_t title = strlen(amount_words(drawing->profile->unit)->count_title);

	drawing->count_width = (int)(width > title ? width : title);
	drawing->error_width = drawing->profile->estimated ? 13 : 0;
	drawing->numbers =
		7 + 2 + 10 + 2 + 2 + (size_t)drawing->count_width + (size_t)drawing->error_width;
	drawing->levels_drawn = INDENT_UNLIMITED / 2;
	if (options->columns > 0) {
		size_t columns = (size_t)options->columns;
		size_t room = columns > drawing->numbers ? columns - drawing->numbers : 0;

		/* Half of what is left, so that names can be read. */
		drawing->levels_drawn =
			room / 4 < INDENT_UNLIMITED / 2 ? room / 4 : INDENT_UNLIMITED / 2;
	}
}

static int write_text(const struct profile *profile, const struct report_options *options,
		      const struct calltree *tree, FILE *out, struct error *err)
{
	struct drawing drawing = {.profile = profile, .options = options, .tree = tree, .out = out};
	char count[32], amount[32], percent[32];

	heading_write(profile, options, profile->row_count, "rows", out);
	if (profile->row_count == 0)
		return report_finish(out, err);
	drawing_init(&drawing);
	putc('\n', out);
	write_titles(&drawing);
	write_numbers(&drawing, &tree->nodes[0]);
	fputs("all\n", out);
	write_nodes(&drawing);
	free(drawing.goes_on);
	if (tree->left_out > 0)
		fprintf(out, "\n%s lighter %s left out; %s %s (%s)\n",
			text_count(tree->left_out, count, sizeof(count)),
			tree->left_out == 1 ? "branch is" : "branches are",
			tree->left_out == 1 ? "it holds" : "they hold",
			amount_text(profile->unit, tree->left_out_amount, amount, sizeof(amount)),
			text_percent(style_share(tree->left_out_amount, profile->amount), percent,
				     sizeof(percent)));
	return report_finish(out, err);
}

static void write_json_node(const struct profile *profile, const struct calltree_node *node,
			    bool root, struct json *json)
{
	json_line(json);
	json_begin_object(json);
	if (!root)
		json_key_uint(json, "parent", node->parent);
	if (node->thread != 0)
		names_write_thread_json(profile, node->thread, json);
	else if (!root)
		names_write_json(profile_frame(profile, node->frame), true, json);
	amount_write_json(profile->unit, "", "", node->total_amount, json);
	amount_write_json_count(profile->unit, "", node->total_count, json);
	if (profile->estimated)
		amount_write_json_error(profile->unit, "", node->total_error, json);
	amount_write_json(profile->unit, "own_", "", node->own_amount, json);
	amount_write_json_count(profile->unit, "own_", node->own_count, json);
	json_end_object(json);
}

static int write_json(const struct profile *profile, const struct report_options *options,
		      const struct calltree *tree, FILE *out, struct error *err)
{
	struct json json;

	heading_begin_json(profile, "sonde.tree/1", &json, out);
	json_key_bool(&json, "inverted", options->inverted);
	if (tree->left_out > 0) {
		json_key_uint(&json, "branches_left_out", tree->left_out);
		amount_write_json(profile->unit, "", "_left_out", tree->left_out_amount, &json);
	}
	json_key(&json, "nodes");
	json_begin_array(&json);
	for (uint32_t i = 0; i < tree->count; i++)
		write_json_node(profile, &tree->nodes[i], i == 0, &json);
	json_line(&json);
	json_end_array(&json);
	return heading_end_json(&json, err);
}

static int write_tree(const struct profile *profile, const struct report_options *options,
		      FILE *out, struct error *err)
{
	struct calltree_options tree_options = {.inverted = options->inverted};
	struct calltree *tree;
	int result;

	if (options->max_rows > 0)
		tree_options.max_nodes = options->max_rows < UINT32_MAX
						 ? (uint32_t)options->max_rows + 1
						 : UINT32_MAX;
	tree = calltree_create(profile, &tree_options);
	result = (options->json ? write_json : write_text)(profile, options, tree, out, err);
	calltree_destroy(tree);
	return result;
}

const struct report_format report_tree = {
	.name = "tree",
	.extension = "txt",
	.description = "the call tree, drawn with lines",
	.write = write_tree,
};
