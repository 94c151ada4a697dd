#pragma once

#include <sys/types.h>

#include "base/error.h"

/*
 * The process that a command is about: named as its argument or by --pid (the other is NULL), which
 * is what users of other tools type. ERROR_USAGE with the command's example for anything else.
 */
int pid_choose(const char *command, const char *argument, const char *option, pid_t *pid,
	       struct error *err);
