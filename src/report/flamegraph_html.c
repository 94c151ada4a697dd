#include "report/flamegraph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calltree.h"
#include "report/escape.h"
#include "report/formats.h"
#include "report/frametable.h"
#include "report/heading.h"
#include "report/json.h"
#include "report/names.h"
#include "report/packer.h"

/*
 * The page holds the upright tree with all its lines and threads; the browser merges, hides, turns
 * and measures. Two elements carry the data: "data", JSON of schema sonde.flamegraph/1, and
 * "nodes", base64 of deflate (RFC 1951) of LEB128 numbers: one column after the other, each with
 * the nodes in preorder.
 *
 *   up      how many levels above the node before it the node's parent lies
 *   frame   0: the root; 1..frames: a frame; above: a thread
 *   amount  own, in "unit"s: bytes or ns
 *   count   own
 *   error   standard error of the own amount, rounded; only when "estimated"
 *
 * What has no frame of its own to stand on, blocks without a stack and branches that were left out,
 * is a node with a marker frame, so that own numbers always add up to the total.
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
};

struct page {
	const struct profile *profile;
	const struct report_options *options;
	const struct calltree *tree;
	FILE *out;
	struct frametable frames;
	uint32_t *frame_number;  /* [frame_id]: its number among these; 0: not in the tree */
	uint32_t *thread_number; /* [thread_id]: from 1 */
	thread_id *threads;
	uint32_t thread_count;
	uint32_t no_stack, left_out; /* places of the markers */
	uint32_t node_count;
};

/* What a node stands for beside its frame's own and its children. */
struct remainder {
	uint64_t amount, count;
	double own_error;
};

void flamegraph_title(const struct profile *profile, const struct report_options *options,
		      char *buffer, size_t size)
{
	const char *const *word = reader_start(profile->reader)->command_line;
	const char *name = "sonde";

	if (options->title != NULL && options->title[0] != '\0') {
		snprintf(buffer, size, "%s", options->title);
		return;
	}
	for (; word != NULL && *word != NULL; word++) {
		const char *slash = strrchr(*word, '/');
		const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : *word;

		name = base;
		if (strcmp(*word, "-c") == 0) {
			name = "python -c";
			break;
		}
		/* The interpreter and its options say less than what it runs. */
		if ((*word)[0] != '-' && strncmp(base, "python", 6) != 0)
			break;
	}
	snprintf(buffer, size, "%s", name);
}

static struct remainder node_remainder(const struct calltree *tree,
				       const struct calltree_node *node)
{
	struct remainder rest = {
		.amount = node->total_amount - node->own_amount,
		.count = node->total_count - node->own_count,
	};
	double squared = node->total_error * node->total_error;

	for (uint32_t c = node->first_child; c != 0; c = tree->nodes[c].next_sibling) {
		const struct calltree_node *child = &tree->nodes[c];

		rest.amount -= child->total_amount;
		rest.count -= child->total_count;
		squared -= child->total_error * child->total_error;
	}
	rest.own_error = squared > 0 ? sqrt(squared) : 0;
	return rest;
}

static bool has_no_stack(const struct calltree_node *node)
{
	return node->frame == 0 && (node->own_amount != 0 || node->own_count != 0);
}

static void number_thread(struct page *page, thread_id thread)
{
	if (page->thread_number[thread] != 0)
		return;
	page->threads[page->thread_count] = thread;
	page->thread_number[thread] = ++page->thread_count;
}

/* Gives all frames and threads of the tree their places, and counts what nodes will be written. */
static void number_tree(struct page *page)
{
	static const struct capture_frame left_out = {
		.function = "<left out>",
		.file = "",
		.kind = FRAME_MARKER,
	};

	for (uint32_t i = 0; i < page->tree->count; i++) {
		const struct calltree_node *node = &page->tree->nodes[i];
		struct remainder rest = node_remainder(page->tree, node);

		page->node_count++;
		if (node->thread != 0)
			number_thread(page, node->thread);
		if (node->frame != 0 && page->frame_number[node->frame] == 0)
			page->frame_number[node->frame] = frametable_add(
				&page->frames, profile_frame(page->profile, node->frame));
		if (has_no_stack(node)) {
			page->node_count++;
			if (page->no_stack == 0)
				page->no_stack = frametable_add(&page->frames,
								profile_frame(page->profile, 0));
		}
		if (rest.amount != 0 || rest.count != 0) {
			page->node_count++;
			if (page->left_out == 0)
				page->left_out = frametable_add(&page->frames, &left_out);
		}
	}
}

static bool page_create(struct page *page)
{
	frame_id highest_frame = 0;
	thread_id highest_thread = 0;

	for (uint32_t i = 0; i < page->tree->count; i++) {
		const struct calltree_node *node = &page->tree->nodes[i];

		if (node->frame > highest_frame)
			highest_frame = node->frame;
		if (node->thread > highest_thread)
			highest_thread = node->thread;
	}
	if (!frametable_init(&page->frames, highest_frame + 2, page->options))
		return false;
	page->frame_number = calloc((size_t)highest_frame + 1, sizeof(*page->frame_number));
	page->thread_number = calloc((size_t)highest_thread + 1, sizeof(*page->thread_number));
	page->threads = calloc((size_t)highest_thread + 1, sizeof(*page->threads));
	if (page->frame_number == NULL || page->thread_number == NULL || page->threads == NULL)
		return false;
	number_tree(page);
	return true;
}

static void page_destroy(struct page *page)
{
	frametable_deinit(&page->frames);
	free(page->frame_number);
	free(page->thread_number);
	free(page->threads);
}

static void write_threads(const struct page *page, struct json *json)
{
	json_key(json, "threads");
	json_begin_array(json);
	for (uint32_t i = 0; i < page->thread_count; i++) {
		thread_id thread = page->threads[i];
		const struct capture_thread_info *info = NULL;

		if (thread <= reader_thread_count(page->profile->reader))
			info = reader_thread(page->profile->reader, thread);
		json_begin_object(json);
		json_key_uint(json, "tid", info != NULL ? info->tid : 0);
		json_key_string(json, "name", info != NULL ? info->name : "");
		json_key_uint(json, "pid",
			      info != NULL ? names_pid(page->profile, info->process) : 0);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_heap(const struct profile_memory *memory, struct json *json)
{
	json_key(json, "seconds");
	json_begin_array(json);
	for (size_t i = 0; i < memory->timeline_count; i++)
		json_seconds(json, memory->timeline[i].time_ns / 1000 * 1000);
	json_end_array(json);
	json_key(json, "heap");
	json_begin_array(json);
	for (size_t i = 0; i < memory->timeline_count; i++)
		json_uint(json, memory->timeline[i].heap_bytes);
	json_end_array(json);
	json_key(json, "rss");
	json_begin_array(json);
	for (size_t i = 0; i < memory->timeline_count; i++)
		json_uint(json, memory->timeline[i].rss_bytes);
	json_end_array(json);
}

static void write_busy_threads(const struct profile_time *time, struct json *json)
{
	json_key(json, "seconds");
	json_begin_array(json);
	for (size_t i = 0; i < time->timeline_count; i++)
		json_seconds(json, time->timeline[i].time_ns / 1000 * 1000);
	json_end_array(json);
	json_key(json, "threads");
	json_begin_array(json);
	for (size_t i = 0; i < time->timeline_count; i++)
		json_double(json, time->timeline[i].threads);
	json_end_array(json);
}

static void write_timeline(const struct page *page, struct json *json)
{
	json_key(json, "timeline");
	json_begin_object(json);
	if (page->profile->unit == UNIT_NS)
		write_busy_threads(&page->profile->time, json);
	else
		write_heap(&page->profile->memory, json);
	json_end_object(json);
}

static void write_numbers(const struct page *page, struct json *json)
{
	const struct profile *profile = page->profile;

	json_key_string(json, "metric", metric_name(profile->options.metric));
	json_key_string(json, "unit", profile->unit == UNIT_NS ? "ns" : "bytes");
	json_key_uint(json, "amount", profile->amount);
	json_key_uint(json, "count", profile->count);
	json_key_bool(json, "estimated", profile->estimated);
	json_key_double(json, "amount_error", profile->amount_error);
	json_key_double(json, "count_error", profile->count_error);
	json_key_uint(json, "temporary_threshold", profile->options.temporary_threshold);
	json_key_uint(json, "peak_bytes", profile->memory.totals.peak_bytes);
	json_key_seconds(json, "peak_seconds", profile->memory.totals.peak_time_ns);
	json_key_uint(json, "thread_count", profile->time.counted_threads);
	json_key_uint(json, "left_out", page->tree->left_out);
	json_key_uint(json, "left_out_amount", page->tree->left_out_amount);
}

static void write_data(const struct page *page, const char *title)
{
	struct json json;

	json_init(&json, page->out);
	json.html_safe = true;
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.flamegraph/1");
	heading_write_metadata(page->profile, &json);
	json_key_string(&json, "host", reader_start(page->profile->reader)->host);
	json_key_string(&json, "title", title);
	write_numbers(page, &json);
	json_key(&json, "start");
	json_begin_object(&json);
	json_key_bool(&json, "dark", page->options->dark);
	json_key_bool(&json, "inverted", page->options->inverted);
	json_key_bool(&json, "icicle", page->options->icicle);
	json_end_object(&json);
	json_line(&json);
	write_timeline(page, &json);
	json_line(&json);
	write_threads(page, &json);
	json_line(&json);
	frametable_write(&page->frames, &json);
	json_line(&json);
	json_key_uint(&json, "nodes", page->node_count);
	json_end_object(&json);
}

/* One column of one node; *depth is that of the node before. */
static void pack_node(struct packer *packer, enum column column, uint32_t *depth,
		      uint32_t node_depth, uint64_t frame, const struct remainder *own)
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
		packer_add(packer, own->amount);
		break;
	case COLUMN_COUNT:
		packer_add(packer, own->count);
		break;
	case COLUMN_ERROR:
		packer_add(packer, (uint64_t)(own->own_error + 0.5));
		break;
	}
}

/* A node of the tree and, below it, the markers that it needs. */
static void pack_tree_node(const struct page *page, struct packer *packer, enum column column,
			   uint32_t *depth, const struct calltree_node *node)
{
	struct remainder rest = node_remainder(page->tree, node);
	struct remainder own = {node->own_amount, node->own_count, rest.own_error};
	const struct remainder none = {0};
	bool no_stack = has_no_stack(node);
	bool left_out = rest.amount != 0 || rest.count != 0;
	uint64_t frame = 0;

	if (node->frame != 0)
		frame = page->frame_number[node->frame];
	else if (node->thread != 0)
		frame = (uint64_t)page->frames.count + page->thread_number[node->thread];
	/* The two errors cannot be told apart. */
	if (left_out)
		own.own_error = 0;
	pack_node(packer, column, depth, node->depth, frame, no_stack ? &none : &own);
	if (no_stack)
		pack_node(packer, column, depth, node->depth + 1, page->no_stack, &own);
	if (left_out)
		pack_node(packer, column, depth, node->depth + 1, page->left_out, &rest);
}

static void pack_column(const struct page *page, struct packer *packer, enum column column)
{
	const struct calltree_node *nodes = page->tree->nodes;
	uint32_t depth = 0;
	uint32_t at = 0;

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

static bool write_nodes(const struct page *page)
{
	struct packer packer;
	enum column last = page->profile->estimated ? COLUMN_ERROR : COLUMN_COUNT;

	if (!packer_init(&packer, page->out))
		return false;
	for (enum column column = COLUMN_UP; column <= last; column++)
		pack_column(page, &packer, column);
	packer_finish(&packer);
	return true;
}

static int write_page(const struct page *page, struct error *err)
{
	char title[512];

	flamegraph_title(page->profile, page->options, title, sizeof(title));
	fputs(flamegraph_page_head, page->out);
	escape_html(page->out, title);
	fputs(flamegraph_page_body, page->out);
	write_data(page, title);
	fputs(flamegraph_page_nodes, page->out);
	if (!write_nodes(page))
		return error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	fputs(flamegraph_page_tail, page->out);
	return report_finish(page->out, err);
}

static int flamegraph_html_write(const struct profile *profile,
				 const struct report_options *options, FILE *out, struct error *err)
{
	struct calltree_options tree_options = {.max_nodes = NODES_MAX};
	struct page page = {.profile = profile, .options = options, .out = out};
	struct calltree *tree;
	int result;

	if (options->max_rows > 0 && options->max_rows < NODES_MAX)
		tree_options.max_nodes = (uint32_t)options->max_rows + 1;
	tree = calltree_create(profile, &tree_options);
	page.tree = tree;
	if (page_create(&page))
		result = write_page(&page, err);
	else
		result = error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	page_destroy(&page);
	calltree_destroy(tree);
	return result;
}

const struct report_format report_flamegraph_html = {
	.name = "flamegraph-html",
	.extension = "html",
	.description = "interactive flame graph, one page that needs no network",
	.write = flamegraph_html_write,
};
