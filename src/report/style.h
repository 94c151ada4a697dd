#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ANSI colours, or nothing. A style lasts until the next call. */
enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_HOT,
	STYLE_WARM,
	STYLE_COLD,
	STYLE_WARNING,
};

void style_set(FILE *out, bool color, enum style style);

/* What a section begins with: an empty line and its title. */
void style_title(FILE *out, bool color, const char *title);

/* A part of a whole; 0 when there is no whole. */
double style_share(uint64_t part, uint64_t whole);

/* For a share of the total: hot from a fifth, warm from a twentieth. */
enum style style_of_share(double share);
