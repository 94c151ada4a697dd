#include <stdlib.h>

#include "analysis/difftree.h"
#include "report/diff_words.h"
#include "report/escape.h"
#include "report/flamegraph.h"
#include "report/frametable.h"
#include "report/heading.h"
#include "report/names.h"
#include "report/packer.h"

/*
 * The flame graph page (report/flamegraph_html.c) of two captures: its amounts and counts are those
 * of the new one. "data" has besides the key "diff", and "nodes" another column behind the others:
 *
 *   error   standard error of the change of the own amount; only when "estimated"
 *   base    own amount of the base
 */
enum {
	NODES_MAX = 1000000,
};

enum column {
	COLUMN_UP,
	COLUMN_FRAME,
	COLUMN_AMOUNT,
	COLUMN_COUNT,
	COLUMN_ERROR,
	COLUMN_BASE,
	COLUMN_END,
};

struct page {
	const struct diff *diff;
	const struct diff_report_options *options;
	const struct difftree *tree;
	FILE *out;
	struct frametable frames;
	uint32_t *frame_number; /* [frame_id]: its number among these; 0: not in the tree */
	uint32_t no_stack, left_out;
	uint32_t node_count;
};

static bool is_nothing(const struct diff_amount *amount)
{
	return amount->before == 0 && amount->after == 0 && amount->before_count == 0 &&
	       amount->after_count == 0;
}

/* What a node has beside its own and its children: branches that were left out. */
static struct diff_amount node_rest(const struct difftree *tree, const struct difftree_node *node)
{
	struct diff_amount rest = {
		.before = node->total.before - node->own.before,
		.after = node->total.after - node->own.after,
		.before_count = node->total.before_count - node->own.before_count,
		.after_count = node->total.after_count - node->own.after_count,
	};

	for (uint32_t c = node->first_child; c != 0; c = tree->nodes[c].next_sibling) {
		const struct diff_amount *child = &tree->nodes[c].total;

		rest.before -= child->before;
		rest.after -= child->after;
		rest.before_count -= child->before_count;
		rest.after_count -= child->after_count;
	}
	return rest;
}

static bool has_no_stack(const struct difftree_node *node)
{
	return node->frame == 0 && !is_nothing(&node->own);
}

static void number_tree(struct page *page)
{
	static const struct capture_frame left_out = {
		.function = "<left out>",
		.file = "",
		.kind = FRAME_MARKER,
	};

	for (uint32_t i = 0; i < page->tree->count; i++) {
		const struct difftree_node *node = &page->tree->nodes[i];
		struct diff_amount rest = node_rest(page->tree, node);

		page->node_count++;
		if (node->frame != 0 && page->frame_number[node->frame] == 0)
			page->frame_number[node->frame] =
				frametable_add(&page->frames, &page->diff->frames[node->frame]);
		if (has_no_stack(node)) {
			page->node_count++;
			page->no_stack = frametable_add(&page->frames, &page->diff->frames[0]);
		}
		if (is_nothing(&rest))
			continue;
		page->node_count++;
		if (page->left_out == 0)
			page->left_out = frametable_add(&page->frames, &left_out);
	}
}

static void write_side(const struct profile *profile, const char *key, const char *name,
		       struct json *json)
{
	json_key(json, key);
	json_begin_object(json);
	json_key_string(json, "capture", name);
	heading_write_metadata(profile, json);
	json_key_uint(json, "amount", profile->amount);
	json_key_uint(json, "count", profile->count);
	json_key_double(json, "amount_error", profile->amount_error);
	json_end_object(json);
}

static void write_diff(const struct page *page, struct json *json)
{
	const struct diff *diff = page->diff;

	json_key(json, "diff");
	json_begin_object(json);
	json_key_bool(json, "normalized", diff->options.normalize);
	json_key_double(json, "scale", diff->options.normalize ? diff_words_scale(diff) : 1);
	json_key_bool(json, "lines", diff->options.lines);
	json_key_bool(json, "by_base", page->options->width_before);
	json_key_uint(json, "base", diff->total.before);
	json_key_double(json, "error", diff->total.error);
	write_side(diff->before, "before", page->options->before_name, json);
	write_side(diff->after, "after", page->options->after_name, json);
	json_end_object(json);
}

/* What the page of one capture has too. */
static void write_common(const struct page *page, struct json *json)
{
	const struct profile *profile = page->diff->after;
	const struct report_options *options = &page->options->report;
	bool is_time = profile->unit == UNIT_NS;

	heading_write_metadata(profile, json);
	json_key_string(json, "host", reader_start(profile->reader)->host);
	json_key_string(json, "metric", metric_name(profile->options.metric));
	json_key_string(json, "unit", is_time ? "ns" : "bytes");
	json_key_uint(json, "amount", profile->amount);
	json_key_uint(json, "count", profile->count);
	json_key_bool(json, "estimated", page->diff->estimated);
	json_key_double(json, "amount_error", profile->amount_error);
	json_key_double(json, "count_error", profile->count_error);
	json_key_uint(json, "temporary_threshold", profile->options.temporary_threshold);
	json_key_uint(json, "thread_count", profile->time.counted_threads);
	json_key_uint(json, "left_out", page->tree->left_out);
	json_key(json, "start");
	json_begin_object(json);
	json_key_bool(json, "dark", options->dark);
	json_key_bool(json, "inverted", options->inverted);
	json_key_bool(json, "icicle", options->icicle);
	json_end_object(json);
	json_key(json, "timeline");
	json_begin_object(json);
	json_key(json, "seconds");
	json_begin_array(json);
	json_end_array(json);
	json_end_object(json);
	json_key(json, "threads");
	json_begin_array(json);
	json_end_array(json);
}

static void write_data(const struct page *page, const char *title)
{
	struct json json;

	json_init(&json, page->out);
	json.html_safe = true;
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.flamegraph/1");
	json_key_string(&json, "title", title);
	write_common(page, &json);
	json_line(&json);
	write_diff(page, &json);
	json_line(&json);
	frametable_write(&page->frames, &json);
	json_line(&json);
	json_key_uint(&json, "nodes", page->node_count);
	json_end_object(&json);
}

/* One column of one node; *depth is that of the node before. */
static void pack_node(struct packer *packer, enum column column, uint32_t *depth,
		      uint32_t node_depth, uint32_t frame, const struct diff_amount *own)
{
	switch (column) {
	case COLUMN_UP:
		packer_add(packer, node_depth == 0 ? 0 : *depth + 1 - node_depth);
		*depth = node_depth;
		break;
	case COLUMN_FRAME:
		packer_add(packer, frame);
		break;
	case COLUMN_AMOUNT:
		packer_add(packer, own->after);
		break;
	case COLUMN_COUNT:
		packer_add(packer, own->after_count);
		break;
	case COLUMN_ERROR:
		packer_add(packer, (uint64_t)(own->error + 0.5));
		break;
	case COLUMN_BASE:
		packer_add(packer, own->before);
		break;
	case COLUMN_END:
		break;
	}
}

/* A node of the tree and, below it, the markers that it needs. */
static void pack_tree_node(const struct page *page, struct packer *packer, enum column column,
			   uint32_t *depth, const struct difftree_node *node)
{
	struct diff_amount rest = node_rest(page->tree, node);
	const struct diff_amount none = {0};
	bool no_stack = has_no_stack(node);
	uint32_t frame = node->frame != 0 ? page->frame_number[node->frame] : 0;

	pack_node(packer, column, depth, node->depth, frame, no_stack ? &none : &node->own);
	if (no_stack)
		pack_node(packer, column, depth, node->depth + 1, page->no_stack, &node->own);
	if (!is_nothing(&rest))
		pack_node(packer, column, depth, node->depth + 1, page->left_out, &rest);
}

/* Every node before what is below it. */
static void pack_column(const struct page *page, struct packer *packer, enum column column)
{
	const struct difftree_node *nodes = page->tree->nodes;
	uint32_t depth = 0, at = 0;

	for (;;) {
		pack_tree_node(page, packer, column, &depth, &nodes[at]);
		if (nodes[at].first_child != 0) {
			at = nodes[at].first_child;
			continue;
		}
		while (at != 0 && nodes[at].next_sibling == 0)
			at = nodes[at].parent;
		if (at == 0)
			break;
		at = nodes[at].next_sibling;
	}
}

static int write_page(struct page *page, struct error *err)
{
	struct packer packer;
	char title[600];

	number_tree(page);
	diff_words_title(page->diff, page->options, title, sizeof(title));
	fputs(flamegraph_page_head, page->out);
	escape_html(page->out, title);
	fputs(flamegraph_page_body, page->out);
	write_data(page, title);
	fputs(flamegraph_page_nodes, page->out);
	if (!packer_init(&packer, page->out))
		return error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	for (enum column column = COLUMN_UP; column < COLUMN_END; column++) {
		if (column != COLUMN_ERROR || page->diff->estimated)
			pack_column(page, &packer, column);
	}
	packer_finish(&packer);
	fputs(flamegraph_page_tail, page->out);
	return report_finish(page->out, err);
}

static int write_html(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		      struct error *err)
{
	struct difftree_options tree_options = {.max_nodes = NODES_MAX};
	struct page page = {.diff = diff, .options = options, .out = out};
	struct difftree *tree;
	int result;

	if (options->report.max_rows > 0 && options->report.max_rows < NODES_MAX)
		tree_options.max_nodes = (uint32_t)options->report.max_rows + 1;
	tree = difftree_create(diff, &tree_options);
	page.tree = tree;
	page.frame_number = calloc((size_t)diff->frame_count + 1, sizeof(*page.frame_number));
	if (frametable_init(&page.frames, diff->frame_count + 2, &options->report) &&
	    page.frame_number != NULL)
		result = write_page(&page, err);
	else
		result = error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	frametable_deinit(&page.frames);
	free(page.frame_number);
	difftree_destroy(tree);
	return result;
}

const struct diff_report diff_report_html = {
	.name = "html",
	.extension = "html",
	.description = "flame graph coloured by what changed, one page that needs no network",
	.write = write_html,
};
