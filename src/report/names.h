#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analysis/profile.h"
#include "report/json.h"

/* What frames, threads and processes are called in documents. */

/* "python", "native", "kernel", "marker". */
const char *names_kind(unsigned kind);

/*
 * The two halves of "function (file:line)", made visible (see escape_visible): a marker's function
 * is always in <>, a kernel function ends in "_[k]"; place is "" when no file is known. with_line
 * false leaves the line out. Returns false when something had to be cut.
 */
struct names_location {
	char function[4096];
	char place[4096];
};
void names_location(const struct capture_frame *frame, bool with_line, bool semicolon,
		    struct names_location *location);

/* The same, cut to so many columns (0: no limit) as "function (place)": the file's folders go
 * first, then the place, then the end of the function. Returns the columns taken. */
size_t names_fit(struct names_location *location, size_t columns);

/* Writes it, the place dim where colours are wanted. */
void names_write(const struct names_location *location, bool color, FILE *out);

/* A thread's name, or "thread <tid>"; visible. */
void names_thread(const struct profile *profile, thread_id thread, char *buffer, size_t size);
uint32_t names_tid(const struct profile *profile, thread_id thread);
/* 0 when the process is not known. */
uint32_t names_pid(const struct profile *profile, process_id process);

/* JSON: the keys "function", "file", "line" (with_line) and "kind", as far as they apply. */
void names_write_json(const struct capture_frame *frame, bool with_line, struct json *json);
/* JSON: the keys "tid" and "thread". */
void names_write_thread_json(const struct profile *profile, thread_id thread, struct json *json);
