#include "report/picture.h"

#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/flamegraph.h"

enum {
	WIDTH = 1200,
	MARGIN = 8,
	ROW_HEIGHT = 17,
	LINE_HEIGHT = 17,
	TITLE_BASELINE = 26,
	LABEL_INSET = 3,
	PARTS_PER_PIXEL = 10,
};

_Static_assert(PICTURE_NARROWEST == (WIDTH - 2 * MARGIN) * PARTS_PER_PIXEL, "a tenth of a pixel");

/* Of the monospaced fonts at 11 px the widest. */
static const double CHARACTER_WIDTH = 6.7;

/* In hundredths of a pixel, with a point in every locale. */
static void write_pixels(FILE *out, double pixels)
{
	long hundredths = lround(pixels * 100);

	fprintf(out, "%ld.%02ld", hundredths / 100, hundredths % 100);
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

static void write_size(const struct picture *picture, bool dark)
{
	unsigned height = picture->top + MARGIN;

	if (picture->total > 0)
		height += (picture->depth + 1) * ROW_HEIGHT;
	fprintf(picture->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\"%s>\n<title>",
		WIDTH, height, WIDTH, height, dark ? " class=\"dark\"" : "");
}

static void write_controls(FILE *out)
{
	fprintf(out,
		"<g text-anchor=\"end\"><text id=\"search\" class=\"line link\" x=\"%d\" y=\"%d\" "
		"tabindex=\"0\" role=\"button\" style=\"display:none\">Search</text>\n"
		"<text id=\"reset\" class=\"line link\" x=\"%d\" y=\"%d\" tabindex=\"0\" "
		"role=\"button\" style=\"display:none\">Reset zoom</text>\n"
		"<text id=\"info\" class=\"line\" x=\"%d\" y=\"%d\"></text></g>\n",
		WIDTH - MARGIN, TITLE_BASELINE, WIDTH - MARGIN - 60, TITLE_BASELINE, WIDTH - MARGIN,
		TITLE_BASELINE + LINE_HEIGHT);
}

void picture_begin(struct picture *picture, const char *title, char *description, bool dark)
{
	FILE *out = picture->out;
	unsigned y = TITLE_BASELINE, lines = 0;
	char *rest = description;

	for (const char *p = description; *p != '\0'; p++)
		lines += *p == '\n';
	picture->top = TITLE_BASELINE + lines * LINE_HEIGHT + 14;
	write_size(picture, dark);
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
	write_controls(out);
}

static double pixels_of(const struct picture *picture, double amount)
{
	return amount * ((WIDTH - 2 * MARGIN) / picture->total);
}

void picture_begin_box(const struct picture *picture, double left, double amount, unsigned depth,
		       const struct names_location *location)
{
	unsigned row = picture->icicle ? depth : picture->depth - depth;
	FILE *out = picture->out;

	fputs("<svg class=\"box\" x=\"", out);
	write_pixels(out, MARGIN + pixels_of(picture, left));
	fprintf(out, "\" y=\"%u\" width=\"", picture->top + row * ROW_HEIGHT);
	write_pixels(out, pixels_of(picture, amount));
	fprintf(out, "\" height=\"%d\"><title>", ROW_HEIGHT - 1);
	write_location(location, out);
}

void picture_end_box(const struct picture *picture, double amount, struct names_location *location,
		     const char *class)
{
	double columns = floor((pixels_of(picture, amount) - 2 * LABEL_INSET) / CHARACTER_WIDTH);
	FILE *out = picture->out;

	fprintf(out, "</title><rect width=\"100%%\" height=\"100%%\" class=\"%s\"/>", class);
	if (columns >= 3) {
		names_fit(location, (size_t)columns);
		fprintf(out, "<text x=\"%d\" y=\"12\">", LABEL_INSET);
		write_location(location, out);
		fputs("</text>", out);
	}
	fputs("</svg>\n", out);
}

int picture_end(const struct picture *picture, struct error *err)
{
	fprintf(picture->out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flamegraph_svg_script);
	return report_finish(picture->out, err);
}
