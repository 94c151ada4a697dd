#pragma once

#include <stdio.h>

#include "report/json.h"
#include "report/report.h"

/* What the threads of a profile of time did, and how busy the GIL was. */

/* Text: two sections. At most report_options' max_rows threads; the others are said. */
void threads_write(const struct profile *profile, const struct report_options *options, FILE *out);

/* JSON: the keys "threads" and "gil". */
void threads_write_json(const struct profile *profile, struct json *json);
/* JSON: the key "states", of one thread or of all: samples by what was done. */
void threads_write_json_states(const struct profile_thread *thread, struct json *json);
