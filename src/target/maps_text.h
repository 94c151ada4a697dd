#pragma once

#include <stdbool.h>

#include "target/maps.h"

/* The parser behind target_maps_read, for this room, its tests and its fuzz target. */

/* One line without its end, which becomes map->path. */
bool maps_parse_line(char *line, struct target_map *map);

/* Takes maps->texts apart, which is terminated; items point into it. */
void maps_parse(struct target_maps *maps);
