#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/help.h"
#include "cmd/terminal.h"

#define STATUS_PIPE_CLOSED 141 /* what a shell shows for a program that SIGPIPE ended */

/*
 * Keeps files that sonde opens off descriptors 0 to 2. A target still finds closed what was closed:
 * the placeholders do not survive exec.
 */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int dispatch(int argc, char **argv, struct error *err)
{
	const struct command *command;
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		help_write_overview(80, stderr);
		return ERROR_USAGE;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("sonde %s\n", SONDE_VERSION);
		return 0;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help_write_overview(terminal_help_columns(), stdout);
		return 0;
	}
	if (name[0] == '-')
		return error_set(
			err, ERROR_USAGE,
			"unknown option %s; a command comes first, as in: sonde run app.py "
			"(sonde help lists all)",
			name);
	command = command_find(name);
	if (!command)
		return command_unknown(name, err);
	return command_execute(command, argc - 2, argv + 2, err);
}

static int finish_stdout(int status, struct error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return STATUS_PIPE_CLOSED;
	return error_set_errno(err, ERROR_FAILED, errno, "cannot write to standard output");
}

int main(int argc, char **argv)
{
	struct error err = {0};
	int status;

	fill_standard_descriptors();
	status = dispatch(argc, argv, &err);
	if (status >= 0)
		status = finish_stdout(status, &err);
	if (status < 0) {
		fflush(stdout);
		command_print_error(&err);
		return -status;
	}
	return status;
}
