#pragma once

#include <sys/types.h>

#include "base/error.h"

/* 0: the text is no process id. */
pid_t pid_parse(const char *text);

/*
 * The process that a command is about: named as its argument or by --pid (the other is NULL), which
 * is what users of other tools type. ERROR_USAGE with the command's example for anything else.
 */
int pid_choose(const char *command, const char *argument, const char *option, pid_t *pid,
	       struct error *err);
