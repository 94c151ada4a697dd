#include <stdio.h>

#include "report/formats.h"
#include "report/json.h"
#include "report/names.h"
#include "report/numbers.h"
#include "report/path.h"

/*
 * The file format of speedscope (https://www.speedscope.app/file-format-schema.json): frames in one
 * shared list, one profile of type "sampled" a thread, a sample being a stack and its weight its
 * bytes or seconds.
 */
struct writer {
	const struct profile *profile;
	const struct calltree *tree;
	struct json json;
	struct numbers numbers;
};

static void write_frame(struct writer *writer, frame_id frame)
{
	struct names_location location;
	const struct capture_frame *here;

	if (!numbers_add(&writer->numbers, frame))
		return;
	here = profile_frame(writer->profile, numbers_frame(&writer->numbers, frame));
	names_location(here, false, false, &location);
	json_line(&writer->json);
	json_begin_object(&writer->json);
	json_key_string(&writer->json, "name", location.function);
	if (here->file[0] != '\0')
		json_key_string(&writer->json, "file", here->file);
	if (here->line != 0)
		json_key_uint(&writer->json, "line", here->line);
	json_end_object(&writer->json);
}

static void write_frames(struct writer *writer)
{
	const struct calltree *tree = writer->tree;

	json_key(&writer->json, "shared");
	json_begin_object(&writer->json);
	json_key(&writer->json, "frames");
	json_begin_array(&writer->json);
	for (uint32_t i = 0; i < tree->count; i++) {
		bool is_frame = i > 0 && tree->nodes[i].thread == 0;

		if (is_frame || tree->nodes[i].own_amount > 0)
			write_frame(writer, is_frame ? tree->nodes[i].frame : 0);
	}
	json_end_array(&writer->json);
	json_end_object(&writer->json);
}

static void write_samples(struct writer *writer, uint32_t top)
{
	bool threads = writer->profile->options.split_threads;
	struct path path = {0};
	uint32_t node = top;

	json_key(&writer->json, "samples");
	json_begin_array(&writer->json);
	do {
		path_enter(&path, writer->tree, node, threads);
		if (writer->tree->nodes[node].own_amount > 0) {
			json_line(&writer->json);
			json_begin_array(&writer->json);
			if (path.count == 0)
				json_uint(&writer->json, numbers_get(&writer->numbers, 0));
			for (size_t i = 0; i < path.count; i++)
				json_uint(&writer->json,
					  numbers_get(&writer->numbers, path.frames[i]));
			json_end_array(&writer->json);
		}
		node = calltree_next(writer->tree, node, top);
	} while (node != 0);
	json_end_array(&writer->json);
	path_deinit(&path);
}

static void write_amount(struct writer *writer, uint64_t amount)
{
	if (writer->profile->unit == UNIT_NS)
		json_seconds(&writer->json, amount);
	else
		json_uint(&writer->json, amount);
}

static void write_weights(struct writer *writer, uint32_t top)
{
	uint32_t node = top;

	json_key(&writer->json, "weights");
	json_begin_array(&writer->json);
	do {
		if (writer->tree->nodes[node].own_amount > 0)
			write_amount(writer, writer->tree->nodes[node].own_amount);
		node = calltree_next(writer->tree, node, top);
	} while (node != 0);
	json_end_array(&writer->json);
}

static void write_profile(struct writer *writer, uint32_t top)
{
	const struct calltree_node *here = &writer->tree->nodes[top];
	char thread[256], name[320];

	if (here->thread != 0) {
		names_thread(writer->profile, here->thread, thread, sizeof(thread));
		snprintf(name, sizeof(name), "%s [%u]", thread,
			 names_tid(writer->profile, here->thread));
	} else {
		snprintf(name, sizeof(name), "%s", metric_name(writer->profile->options.metric));
	}
	json_line(&writer->json);
	json_begin_object(&writer->json);
	json_key_string(&writer->json, "type", "sampled");
	json_key_string(&writer->json, "name", name);
	json_key_string(&writer->json, "unit",
			writer->profile->unit == UNIT_NS ? "seconds" : "bytes");
	json_key_uint(&writer->json, "startValue", 0);
	json_key(&writer->json, "endValue");
	write_amount(writer, here->total_amount);
	write_samples(writer, top);
	write_weights(writer, top);
	json_end_object(&writer->json);
}

static void write_document(struct writer *writer, const char *title)
{
	const struct calltree *tree = writer->tree;
	uint32_t thread = writer->profile->options.split_threads ? tree->nodes[0].first_child : 0;
	char exporter[128];

	json_begin_object(&writer->json);
	json_key_string(&writer->json, "$schema",
			"https://www.speedscope.app/file-format-schema.json");
	snprintf(exporter, sizeof(exporter), "sonde %s",
		 reader_start(writer->profile->reader)->sonde_version);
	json_key_string(&writer->json, "exporter", exporter);
	json_key_string(&writer->json, "name", title);
	json_key_uint(&writer->json, "activeProfileIndex", 0);
	write_frames(writer);
	json_key(&writer->json, "profiles");
	json_begin_array(&writer->json);
	do {
		write_profile(writer, thread);
		thread = tree->nodes[thread].next_sibling;
	} while (thread != 0);
	json_end_array(&writer->json);
}

static int write_speedscope(const struct profile *profile, const struct report_options *options,
			    FILE *out, struct error *err)
{
	struct calltree *tree = calltree_create(profile, &(struct calltree_options){0});
	struct writer writer = {
		.profile = profile,
		.tree = tree,
	};

	json_init(&writer.json, out);
	numbers_init(&writer.numbers, profile);
	write_document(&writer, options->title != NULL ? options->title : "sonde");
	numbers_deinit(&writer.numbers);
	calltree_destroy(tree);
	json_end_object(&writer.json);
	putc('\n', out);
	return report_finish(out, err);
}

const struct report_format report_speedscope = {
	.name = "speedscope",
	.extension = "speedscope.json",
	.description = "for speedscope",
	.write = write_speedscope,
};
