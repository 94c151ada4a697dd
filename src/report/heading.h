#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/json.h"
#include "report/report.h"

/*
 * What every report begins with. Text: a line with the metric, its total and the number of rows
 * (called `rows_name`, "stacks" or "functions"), then a line for everything that makes these
 * numbers less than the whole truth: filters, sampling, lost events, damage, an early end.
 */
void heading_write(const struct profile *profile, const struct report_options *options, size_t rows,
		   const char *rows_name, FILE *out);

/* Only these lines; also for reports of no single metric. */
void heading_write_notices(const struct profile *profile, const struct report_options *options,
			   FILE *out);

/* "12 of 345 stacks are shown; the others hold 1.2 MiB (3.4 %)", if any were left out. */
void heading_write_left_out(const struct profile *profile, size_t shown, size_t rows,
			    const char *rows_name, uint64_t left_out_bytes, FILE *out);

/* Whether the blocks of Python's own allocators are in it: they were asked for, or are always
 * traced. */
bool heading_traces_python_allocators(const struct capture_reader *reader);

/* JSON: the key "metadata" and its object, the same in every schema. */
void heading_write_metadata(const struct profile *profile, struct json *json);

/* JSON: the object is opened, with "schema", "metadata", "metric", "bytes", "count" in it. */
void heading_begin_json(const struct profile *profile, const char *schema, struct json *json,
			FILE *out);
/* Closes it, and the line. */
int heading_end_json(struct json *json, struct error *err);
