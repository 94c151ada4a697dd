#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "capture/writer.h"

/* The first chunk: what is known when recording starts. */
void meta_write(const struct capture_start *start, struct buffer *out);

/* A start whose strings are its own. */
struct meta {
	struct capture_start start;
	char **arguments; /* NULL-terminated */
	size_t argument_count;
	char *host, *system, *sonde_version;
};

/* NULL, or what is wrong. */
const char *meta_parse(struct meta *meta, const unsigned char *payload, size_t length);
void meta_deinit(struct meta *meta);
