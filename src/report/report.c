#include "report/report.h"

#include <errno.h>
#include <string.h>

#include "report/formats.h"

const struct report_format *const report_formats[] = {
	/* clang-format off */
	&report_table,
	&report_tree,
	&report_summary,
	&report_stats,
	&report_info,
	&report_flamegraph_html,
	&report_flamegraph_svg,
	&report_collapsed,
	&report_speedscope,
	&report_csv,
	&report_gprof2dot,
	&report_pprof,
	&report_gecko,
	&report_chrometrace,
	&report_pstats,
	NULL,
	/* clang-format on */
};

const struct report_format *report_find(const char *name)
{
	for (size_t i = 0; report_formats[i] != NULL; i++) {
		if (strcmp(report_formats[i]->name, name) == 0)
			return report_formats[i];
	}
	return NULL;
}

int report_finish(FILE *out, struct error *err)
{
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	return error_set_errno(err, ERROR_FAILED, errno != 0 ? errno : EIO,
			       "cannot write the report");
}
