#pragma once

#include <stddef.h>

#include "report/report.h"

/*
 * The flame graph page, made of the files in src/report/page when sonde is built (page/embed.py):
 * what stands before the title, between title and data, between data and nodes, and after them.
 */
extern const char flamegraph_page_head[];
extern const char flamegraph_page_body[];
extern const char flamegraph_page_nodes[];
extern const char flamegraph_page_tail[];

/* The script and style of the SVG; neither holds a "]]>". */
extern const char flamegraph_svg_script[];
extern const char flamegraph_svg_style[];

/* The title that was asked for, else what was run: "app.py" of "python3 /srv/app.py --verbose".
 * Raw: to be escaped. */
void flamegraph_title(const struct profile *profile, const struct report_options *options,
		      char *buffer, size_t size);
