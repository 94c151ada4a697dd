#pragma once

#include <stdint.h>

/*
 * Lines of Python source for tooltips. The names come from a capture and are not trusted: only
 * regular files that are Python by their name or their first line are read, none larger than
 * 8 MiB, none that changed after `not_after_ns` (the line would be another one), and only what is
 * clean UTF-8 is handed out. Memory stays below a fixed bound.
 */
struct source;

/* not_after_ns: CLOCK_REALTIME at the end of the recording. */
struct source *source_create(int64_t not_after_ns);
void source_destroy(struct source *source);

/* The line, counted from 1, without the space around it, cut after 300 bytes; NULL when it cannot
 * be had. Valid until the next call. Fits report_options.source_line. */
const char *source_line(const char *file, unsigned line, void *source);
