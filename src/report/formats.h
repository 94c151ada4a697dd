#pragma once

#include "report/report.h"

/* The formats, each defined in the file of its name; report.c lists them. */
extern const struct report_format report_table;
extern const struct report_format report_tree;
extern const struct report_format report_summary;
extern const struct report_format report_stats;
extern const struct report_format report_info;
extern const struct report_format report_flamegraph_html;
extern const struct report_format report_flamegraph_svg;
extern const struct report_format report_collapsed;
extern const struct report_format report_speedscope;
extern const struct report_format report_csv;
extern const struct report_format report_gprof2dot;
extern const struct report_format report_pprof;
extern const struct report_format report_gecko;
extern const struct report_format report_chrometrace;
extern const struct report_format report_pstats;
