#include <stdlib.h>

#include "analysis/difftree.h"
#include "report/amount.h"
#include "report/diff_words.h"
#include "report/heading.h"
#include "report/names.h"

/* The keys of an amount, behind a prefix: "own_before_bytes", .., "own_delta_bytes". */
static void write_amount(const struct diff *diff, const char *prefix,
			 const struct diff_amount *amount, struct json *json)
{
	char key[32];

	snprintf(key, sizeof(key), "%sbefore_", prefix);
	amount_write_json(diff->unit, key, "", amount->before, json);
	amount_write_json_count(diff->unit, key, amount->before_count, json);
	snprintf(key, sizeof(key), "%safter_", prefix);
	amount_write_json(diff->unit, key, "", amount->after, json);
	amount_write_json_count(diff->unit, key, amount->after_count, json);
	snprintf(key, sizeof(key), "%sdelta_", prefix);
	amount_write_json_change(diff->unit, key, diff_change(amount), json);
	if (!diff->estimated)
		return;
	amount_write_json_error(diff->unit, key, amount->error, json);
	snprintf(key, sizeof(key), "%ssignificant", prefix);
	json_key_bool(json, key, diff_is_significant(amount));
}

static void write_side(const struct profile *profile, const char *key, const char *name,
		       struct json *json)
{
	json_line(json);
	json_key(json, key);
	json_begin_object(json);
	json_key_string(json, "capture", name);
	heading_write_metadata(profile, json);
	amount_write_json(profile->unit, "", "", profile->amount, json);
	amount_write_json_count(profile->unit, "", profile->count, json);
	if (profile->estimated)
		amount_write_json_error(profile->unit, "", profile->amount_error, json);
	json_end_object(json);
}

static void write_functions(const struct diff *diff, const struct report_options *options,
			    struct json *json)
{
	size_t shown = diff->sum_count;

	if (options->max_rows > 0 && (size_t)options->max_rows < shown) {
		shown = (size_t)options->max_rows;
		json_key_uint(json, "functions_left_out", diff->sum_count - shown);
	}
	json_line(json);
	json_key(json, "functions");
	json_begin_array(json);
	for (size_t i = 0; i < shown; i++) {
		const struct diff_sum *sum = &diff->sums[i];

		json_line(json);
		json_begin_object(json);
		names_write_json(&diff->frames[sum->frame], true, json);
		write_amount(diff, "own_", &sum->own, json);
		write_amount(diff, "total_", &sum->total, json);
		json_end_object(json);
	}
	json_line(json);
	json_end_array(json);
}

static void write_nodes(const struct diff *diff, const struct report_options *options,
			struct json *json)
{
	struct difftree_options tree_options = {0};
	struct difftree *tree;

	if (options->max_rows > 0 && options->max_rows < UINT32_MAX)
		tree_options.max_nodes = (uint32_t)options->max_rows + 1;
	tree = difftree_create(diff, &tree_options);
	if (tree->left_out > 0)
		json_key_uint(json, "branches_left_out", tree->left_out);
	json_key(json, "nodes");
	json_begin_array(json);
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct difftree_node *node = &tree->nodes[i];

		json_line(json);
		json_begin_object(json);
		if (i > 0) {
			json_key_uint(json, "parent", node->parent);
			names_write_json(&diff->frames[node->frame], true, json);
		}
		write_amount(diff, "", &node->total, json);
		write_amount(diff, "own_", &node->own, json);
		json_end_object(json);
	}
	json_line(json);
	json_end_array(json);
	difftree_destroy(tree);
}

int diff_json_write(const struct diff *diff, const struct diff_report_options *options, FILE *out,
		    struct error *err)
{
	struct json json;

	json_init(&json, out);
	json_begin_object(&json);
	json_key_string(&json, "schema", "sonde.diff/1");
	json_key_string(&json, "metric", metric_name(diff->after->options.metric));
	json_key_bool(&json, "lines", diff->options.lines);
	json_key_bool(&json, "normalized", diff->options.normalize);
	if (diff->options.normalize)
		json_key_double(&json, "scale", diff_words_scale(diff));
	write_side(diff->before, "before", options->before_name, &json);
	write_side(diff->after, "after", options->after_name, &json);
	json_line(&json);
	write_amount(diff, "", &diff->total, &json);
	write_functions(diff, &options->report, &json);
	write_nodes(diff, &options->report, &json);
	return heading_end_json(&json, err);
}
