#include <stdio.h>

#include "report/formats.h"
#include "report/json.h"
#include "report/names.h"
#include "report/numbers.h"
#include "report/path.h"

/*
 * What `gprof2dot -f json` reads: functions by number, and events with a call chain (innermost
 * first) and a cost, here bytes or nanoseconds.
 */
struct writer {
	const struct profile *profile;
	const struct calltree *tree; /* lines merged: a frame is a function */
	struct json json;
	struct numbers numbers;
};

static void write_function(struct writer *writer, frame_id frame)
{
	const struct capture_frame *here;
	struct names_location location;

	if (!numbers_add(&writer->numbers, frame))
		return;
	here = profile_frame(writer->profile, numbers_frame(&writer->numbers, frame));
	names_location(here, false, false, &location);
	json_line(&writer->json);
	json_begin_object(&writer->json);
	json_key_string(&writer->json, "name", location.function);
	if (here->file[0] != '\0')
		json_key_string(&writer->json, "module", here->file);
	json_end_object(&writer->json);
}

static void write_functions(struct writer *writer)
{
	const struct calltree *tree = writer->tree;

	json_key(&writer->json, "functions");
	json_begin_array(&writer->json);
	for (uint32_t i = 0; i < tree->count; i++) {
		bool is_frame = i > 0 && tree->nodes[i].thread == 0;

		if (is_frame || tree->nodes[i].own_amount > 0)
			write_function(writer, is_frame ? tree->nodes[i].frame : 0);
	}
	json_end_array(&writer->json);
}

static void write_event(struct writer *writer, const struct path *path, uint64_t amount)
{
	json_line(&writer->json);
	json_begin_object(&writer->json);
	json_key(&writer->json, "callchain");
	json_begin_array(&writer->json);
	if (path->count == 0)
		json_uint(&writer->json, numbers_get(&writer->numbers, 0));
	for (size_t i = path->count; i-- > 0;)
		json_uint(&writer->json, numbers_get(&writer->numbers, path->frames[i]));
	json_end_array(&writer->json);
	json_key(&writer->json, "cost");
	json_begin_array(&writer->json);
	json_uint(&writer->json, amount);
	json_end_array(&writer->json);
	json_end_object(&writer->json);
}

static void write_events(struct writer *writer)
{
	struct path path = {0};
	uint32_t node = 0;

	json_key(&writer->json, "events");
	json_begin_array(&writer->json);
	do {
		path_enter(&path, writer->tree, node, writer->profile->options.split_threads);
		if (writer->tree->nodes[node].own_amount > 0)
			write_event(writer, &path, writer->tree->nodes[node].own_amount);
		node = calltree_next(writer->tree, node, 0);
	} while (node != 0);
	json_end_array(&writer->json);
	path_deinit(&path);
}

static void write_costs(enum unit unit, struct json *json)
{
	json_key(json, "costs");
	json_begin_array(json);
	json_begin_object(json);
	json_key_string(json, "description", unit == UNIT_NS ? "Time" : "Memory");
	json_key_string(json, "unit", unit == UNIT_NS ? "nanoseconds" : "bytes");
	json_end_object(json);
	json_end_array(json);
}

static int write_gprof2dot(const struct profile *profile, const struct report_options *options,
			   FILE *out, struct error *err)
{
	struct calltree *tree =
		calltree_create(profile, &(struct calltree_options){.merge_lines = true});
	struct writer writer = {
		.profile = profile,
		.tree = tree,
	};

	(void)options;
	json_init(&writer.json, out);
	numbers_init(&writer.numbers, profile);
	json_begin_object(&writer.json);
	json_key_uint(&writer.json, "version", 0);
	write_costs(profile->unit, &writer.json);
	write_functions(&writer);
	write_events(&writer);
	json_end_object(&writer.json);
	putc('\n', out);
	numbers_deinit(&writer.numbers);
	calltree_destroy(tree);
	return report_finish(out, err);
}

const struct report_format report_gprof2dot = {
	.name = "gprof2dot",
	.extension = "json",
	.description = "for gprof2dot -f json",
	.write = write_gprof2dot,
};
