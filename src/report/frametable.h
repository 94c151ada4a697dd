#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/intern.h"
#include "report/json.h"
#include "report/report.h"

/* The frames of a page: columns of numbers, and the texts that these are the places of. */
struct frametable {
	const struct report_options *options; /* for source lines */
	struct intern *texts;
	struct frametable_frame {
		uint32_t function, file, source; /* texts */
		uint32_t line;
		uint8_t kind;
	} * frames;
	uint32_t count;
};

/* Room for so many frames; false when there is no memory. */
bool frametable_init(struct frametable *table, uint32_t room, const struct report_options *options);
void frametable_deinit(struct frametable *table);

/* Its number, from 1. */
uint32_t frametable_add(struct frametable *table, const struct capture_frame *frame);

/* JSON: the keys "strings", "functions", "files", "lines", "kinds" and "sources". */
void frametable_write(const struct frametable *table, struct json *json);
