#pragma once

#include <stdio.h>

#include "report/json.h"
#include "report/report.h"

/* How well the sampling behind a profile of time went, and what it cost. */

/* Text: a section. */
void sampling_write(const struct profile *profile, const struct report_options *options, FILE *out);

/* JSON: keys of an object that is open. */
void sampling_write_json(const struct profile *profile, struct json *json);
