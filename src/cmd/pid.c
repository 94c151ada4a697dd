#include "cmd/pid.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

pid_t pid_parse(const char *text)
{
	char *rest;
	long number;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	number = strtol(text, &rest, 10);
	return *rest || errno || number > INT32_MAX ? 0 : (pid_t)number;
}

int pid_choose(const char *command, const char *argument, const char *option, pid_t *pid,
	       struct error *err)
{
	const char *text = argument ? argument : option;

	if (!text)
		return error_set(err, ERROR_USAGE,
				 "which process? its id is missing, as in: sonde %s 4242", command);
	if (argument && option)
		return error_set(err, ERROR_USAGE, "two process ids: %s and %s", option, argument);
	*pid = pid_parse(text);
	if (!*pid)
		return error_set(err, ERROR_USAGE, "'%s' is no process id; as in: sonde %s 4242",
				 text, command);
	return 0;
}
