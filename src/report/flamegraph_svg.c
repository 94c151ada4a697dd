#include "report/flamegraph.h"

#include <math.h>
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

/*
 * The flame graph as a picture that stands on its own: text is cut here, and clipped by the box it
 * is in, so that it needs no script. Its size is bounded: boxes that would be narrower than a tenth
 * of a pixel are left out, and of the others the lightest, and the picture says so.
 */
enum {
	WIDTH = 1200,
	MARGIN = 8,
	ROW_HEIGHT = 17,
	LINE_HEIGHT = 17,
	TITLE_BASELINE = 26,
	BOXES_MAX = 30000,
	NARROWEST_PER_PIXEL = 10,
	LABEL_INSET = 3,
	HUES = 6,
};

/* Of the monospaced fonts at 11 px the widest. */
static const double CHARACTER_WIDTH = 6.7;

struct picture {
	const struct profile *profile;
	const struct report_options *options;
	const struct calltree *tree;
	FILE *out;
	double *left; /* [node]: its left edge, as an amount */
	double total;
	unsigned graph_top, height;
};

/* In hundredths of a pixel, with a point in every locale. */
static void write_pixels(FILE *out, double pixels)
{
	long hundredths = lround(pixels * 100);

	fprintf(out, "%ld.%02ld", hundredths / 100, hundredths % 100);
}

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

static void write_class(const struct picture *picture, const struct calltree_node *node)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	const char *group;
	size_t length;
	char letter;

	if (node->frame == 0) {
		fputs("g0", picture->out);
		return;
	}
	letter = frame_kind_letter(profile_frame(picture->profile, node->frame), &group, &length);
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)group[i]) * 16777619u;
	hash ^= hash >> 15;
	fprintf(picture->out, "%c%u", letter, letter == 'g' ? 0 : hash % HUES);
}

static void node_location(const struct picture *picture, const struct calltree_node *node,
			  struct names_location *location)
{
	if (node->frame != 0) {
		names_location(profile_frame(picture->profile, node->frame), true, false, location);
		return;
	}
	location->place[0] = '\0';
	if (node->thread != 0)
		names_thread(picture->profile, node->thread, location->function,
			     sizeof(location->function));
	else
		snprintf(location->function, sizeof(location->function), "all");
}

static void write_location(const struct names_location *location, FILE *out)
{
	escape_html(out, location->function);
	if (location->place[0] == '\0')
		return;
	fputs(" (", out);
	escape_html(out, location->place);
	putc(')', out);
}

/* Its first line is the frame, which the script reads; then its numbers. */
static void write_tooltip(const struct picture *picture, const struct calltree_node *node,
			  const struct names_location *location)
{
	enum unit unit = picture->profile->unit;
	const struct amount_words *words = amount_words(unit);
	FILE *out = picture->out;
	char text[64];

	fputs("<title>", out);
	write_location(location, out);
	fprintf(out, "\n%s", amount_text(unit, node->total_amount, text, sizeof(text)));
	fprintf(out, "%s, ", amount_error_text(unit, node->total_error, text, sizeof(text)));
	escape_html(out,
		    text_percent((double)node->total_amount / picture->total, text, sizeof(text)));
	if (!picture->options->inverted)
		fprintf(out, ", own %s", amount_text(unit, node->own_amount, text, sizeof(text)));
	fprintf(out, ", %s %s", text_count(node->total_count, text, sizeof(text)),
		node->total_count == 1 ? words->count_one : words->count_many);
	fputs("</title>", out);
}

static unsigned node_top(const struct picture *picture, const struct calltree_node *node)
{
	unsigned row =
		picture->options->icicle ? node->depth : picture->tree->max_depth - node->depth;

	return picture->graph_top + row * ROW_HEIGHT;
}

static void write_box(const struct picture *picture, uint32_t index)
{
	const struct calltree_node *node = &picture->tree->nodes[index];
	double scale = (WIDTH - 2 * MARGIN) / picture->total;
	double width = (double)node->total_amount * scale;
	double columns = floor((width - 2 * LABEL_INSET) / CHARACTER_WIDTH);
	struct names_location location;
	FILE *out = picture->out;

	node_location(picture, node, &location);
	fputs("<svg class=\"box\" x=\"", out);
	write_pixels(out, MARGIN + picture->left[index] * scale);
	fprintf(out, "\" y=\"%u\" width=\"", node_top(picture, node));
	write_pixels(out, width);
	fprintf(out, "\" height=\"%d\">", ROW_HEIGHT - 1);
	write_tooltip(picture, node, &location);
	fputs("<rect width=\"100%\" height=\"100%\" class=\"", out);
	write_class(picture, node);
	fputs("\"/>", out);
	if (columns >= 3) {
		names_fit(&location, (size_t)columns);
		fprintf(out, "<text x=\"%d\" y=\"12\">", LABEL_INSET);
		write_location(&location, out);
		fputs("</text>", out);
	}
	fputs("</svg>\n", out);
}

/* Children stand side by side at the left edge of their parent. Parents come first in the tree. */
static void place_boxes(struct picture *picture)
{
	const struct calltree_node *nodes = picture->tree->nodes;

	for (uint32_t i = 0; i < picture->tree->count; i++) {
		double left = picture->left[i];

		for (uint32_t c = nodes[i].first_child; c != 0; c = nodes[c].next_sibling) {
			picture->left[c] = left;
			left += (double)nodes[c].total_amount;
		}
	}
}

/* The lines under the title: what every report says, and what this one leaves out. */
static char *describe(const struct picture *picture, size_t *lines)
{
	struct report_options plain = *picture->options;
	char *text = NULL, count[32], amount[32];
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	*lines = 0;
	if (memory == NULL)
		return NULL;
	plain.color = false;
	heading_write(picture->profile, &plain, picture->profile->row_count, "stacks", memory);
	if (picture->tree->left_out > 0)
		fprintf(memory, "the narrowest are left out: %s %s, %s together\n",
			text_count(picture->tree->left_out, count, sizeof(count)),
			picture->tree->left_out == 1 ? "branch" : "branches",
			amount_text(picture->profile->unit, picture->tree->left_out_amount, amount,
				    sizeof(amount)));
	if (picture->profile->amount == 0)
		fputs("Nothing was recorded that would have a width.\n", memory);
	if (fclose(memory) != 0) {
		free(text);
		return NULL;
	}
	for (const char *p = text; *p != '\0'; p++)
		*lines += *p == '\n';
	return text;
}

static void write_head(const struct picture *picture, char *description)
{
	FILE *out = picture->out;
	char title[512];
	unsigned y = TITLE_BASELINE;
	char *rest = description;

	flamegraph_title(picture->profile, picture->options, title, sizeof(title));
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\"%s>\n<title>",
		WIDTH, picture->height, WIDTH, picture->height,
		picture->options->dark ? " class=\"dark\"" : "");
	escape_html(out, title);
	fprintf(out,
		"</title>\n<style><![CDATA[\n%s]]></style>\n"
		"<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n"
		"<text class=\"title\" x=\"%d\" y=\"%u\">",
		flamegraph_svg_style, MARGIN, y);
	escape_html(out, title);
	fputs("</text>\n", out);
	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		y += LINE_HEIGHT;
		fprintf(out, "<text class=\"line soft\" x=\"%d\" y=\"%u\">", MARGIN, y);
		escape_html(out, line);
		fputs("</text>\n", out);
	}
	fprintf(out,
		"<g text-anchor=\"end\"><text id=\"search\" class=\"line link\" x=\"%d\" y=\"%d\" "
		"tabindex=\"0\" role=\"button\" style=\"display:none\">Search</text>\n"
		"<text id=\"reset\" class=\"line link\" x=\"%d\" y=\"%d\" tabindex=\"0\" "
		"role=\"button\" style=\"display:none\">Reset zoom</text>\n"
		"<text id=\"info\" class=\"line\" x=\"%d\" y=\"%d\"></text></g>\n",
		WIDTH - MARGIN, TITLE_BASELINE, WIDTH - MARGIN - 60, TITLE_BASELINE, WIDTH - MARGIN,
		TITLE_BASELINE + LINE_HEIGHT);
}

static int write_picture(struct picture *picture, struct error *err)
{
	size_t lines;
	char *description = describe(picture, &lines);

	picture->left = calloc(picture->tree->count, sizeof(*picture->left));
	if (picture->left == NULL || description == NULL) {
		free(picture->left);
		free(description);
		return error_set(err, ERROR_FAILED, "out of memory for the flame graph");
	}
	picture->graph_top = TITLE_BASELINE + (unsigned)lines * LINE_HEIGHT + 14;
	picture->height = picture->graph_top + MARGIN;
	if (picture->total > 0)
		picture->height += (picture->tree->max_depth + 1) * ROW_HEIGHT;
	write_head(picture, description);
	place_boxes(picture);
	for (uint32_t i = 0; picture->total > 0 && i < picture->tree->count; i++)
		write_box(picture, i);
	fprintf(picture->out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flamegraph_svg_script);
	free(picture->left);
	free(description);
	return report_finish(picture->out, err);
}

static int flamegraph_svg_write(const struct profile *profile, const struct report_options *options,
				FILE *out, struct error *err)
{
	struct calltree_options tree_options = {
		.inverted = options->inverted,
		.min_amount = profile->amount / ((WIDTH - 2 * MARGIN) * NARROWEST_PER_PIXEL),
		.max_nodes = BOXES_MAX,
	};
	struct picture picture = {
		.profile = profile,
		.options = options,
		.out = out,
		.total = (double)profile->amount,
	};
	struct calltree *tree;
	int result;

	if (tree_options.min_amount == 0)
		tree_options.min_amount = 1; /* without a width there is nothing to draw */
	if (options->max_rows > 0 && options->max_rows < BOXES_MAX)
		tree_options.max_nodes = (uint32_t)options->max_rows + 1;
	tree = calltree_create(profile, &tree_options);
	picture.tree = tree;
	result = write_picture(&picture, err);
	calltree_destroy(tree);
	return result;
}

const struct report_format report_flamegraph_svg = {
	.name = "flamegraph-svg",
	.extension = "svg",
	.description = "flame graph as a picture, with zoom and search in browsers",
	.write = flamegraph_svg_write,
};
