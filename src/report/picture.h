#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "report/names.h"

/*
 * A flame graph as an SVG that stands on its own: text is cut here, and clipped by the box it is
 * in, so that it needs no script; where there are scripts, it zooms and searches.
 */
enum {
	PICTURE_BOXES_MAX = 30000,
	PICTURE_NARROWEST = 11840, /* as a part of the whole width: a tenth of a pixel */
};

struct picture {
	FILE *out;
	double total;   /* what is as wide as the graph; 0: nothing is drawn */
	unsigned depth; /* of the innermost box; that of the outermost one is 0 */
	bool icicle;    /* which stands on top */
	unsigned top;   /* private: where the graph begins */
};

/* What stands above the graph; description is lines, each of which ends, and is used up. */
void picture_begin(struct picture *picture, const char *title, char *description, bool dark);

/*
 * A box, from its outermost one on. Its tooltip begins with the location, which is a line of its
 * own; between the two calls the caller writes more of it, as HTML. picture_end_box cuts the
 * location to what fits; `class` is of the style (page/svg.css).
 */
void picture_begin_box(const struct picture *picture, double left, double amount, unsigned depth,
		       const struct names_location *location);
void picture_end_box(const struct picture *picture, double amount, struct names_location *location,
		     const char *class);

int picture_end(const struct picture *picture, struct error *err);
