#include "cmd/pid.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int pid_choose(const char *command, const char *argument, const char *option, pid_t *pid,
	       struct error *err)
{
	const char *text = argument ? argument : option;
	char *rest;
	long number;

	if (!text)
		return error_set(err, ERROR_USAGE,
				 "which process? its id is missing, as in: sonde %s 4242", command);
	if (argument && option)
		return error_set(err, ERROR_USAGE, "two process ids: %s and %s", option, argument);
	errno = 0;
	number = strtol(text, &rest, 10);
	if (*text < '0' || *text > '9' || *rest || errno || number < 1 || number > INT32_MAX)
		return error_set(err, ERROR_USAGE, "'%s' is no process id; as in: sonde %s 4242",
				 text, command);
	*pid = (pid_t)number;
	return 0;
}
