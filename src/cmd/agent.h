#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * The absolute path of the shared object that is preloaded into targets: what SONDE_AGENT names,
 * else beside sonde in a build folder, else where an installed sonde has it.
 */
int agent_find(char *path, size_t size, struct error *err);
