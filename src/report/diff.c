#include "report/diff.h"

#include <string.h>

const struct diff_report *const diff_reports[] = {
	&diff_report_table,
	&diff_report_html,
	&diff_report_svg,
	NULL,
};

const struct diff_report *diff_report_find(const char *name)
{
	for (size_t i = 0; diff_reports[i] != NULL; i++) {
		if (strcmp(diff_reports[i]->name, name) == 0)
			return diff_reports[i];
	}
	return NULL;
}
