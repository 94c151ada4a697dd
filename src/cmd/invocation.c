#include "cmd/invocation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/launch.h"

static int find_python(const char *python, const char **name, struct error *err)
{
	struct stat st;

	if (python) {
		if (stat(python, &st) == 0 && S_ISDIR(st.st_mode))
			return error_set(err, ERROR_NOT_EXECUTABLE,
					 "--python %s is a folder; the interpreter of a virtual "
					 "environment is %s/bin/python",
					 python, python);
		*name = python;
		return launch_check(python, err);
	}
	*name = "python3";
	if (launch_check(*name, err) == 0)
		return 0;
	*name = "python";
	if (launch_check(*name, err) == 0)
		return 0;
	return error_set(err, err->code,
			 "neither python3 nor python can be run from PATH; name the "
			 "interpreter with --python PATH");
}

static int check_script(const char *script, struct error *err)
{
	struct error ignored;
	struct stat st;
	int errnum;

	if (stat(script, &st) == 0)
		return 0;
	errnum = errno;
	if (errnum == ENOENT && launch_check(script, &ignored) == 0)
		return error_set(err, ERROR_USAGE,
				 "there is no script %s here, but a program: sonde run -- %s ...",
				 script, script);
	return error_set_errno(err, ERROR_USAGE, errnum, "cannot open the script %s", script);
}

/* [first, option, value, arguments...]; NULL ones of the first three are left out. */
static char **build_argv(const char *first, const char *option, const char *value, char **arguments)
{
	size_t count = 0, used = 0;
	char **argv;

	while (arguments[count])
		count++;
	argv = calloc(count + 4, sizeof(*argv));
	if (!argv)
		abort();
	if (first)
		argv[used++] = (char *)first;
	if (option)
		argv[used++] = (char *)option;
	if (value)
		argv[used++] = (char *)value;
	memcpy(argv + used, arguments, count * sizeof(*argv));
	return argv;
}

static int create_command(const struct invocation_choice *choice, struct invocation *target,
			  struct error *err)
{
	if (choice->python)
		return error_set(
			err, ERROR_USAGE,
			"--python chooses the interpreter of a script; behind -- it is the "
			"command itself: sonde run -- %s ...",
			choice->python);
	target->kind = INVOCATION_COMMAND;
	target->label = choice->arguments[0];
	target->argv = build_argv(NULL, NULL, NULL, choice->arguments);
	return launch_check(choice->arguments[0], err);
}

static int create_python(const struct invocation_choice *choice, struct invocation *target,
			 struct error *err)
{
	const char *option = NULL, *value = NULL, *python = NULL;
	int status = 0;

	if (choice->module) {
		target->kind = INVOCATION_MODULE;
		target->label = value = choice->module;
		option = "-m";
	} else if (choice->code) {
		target->kind = INVOCATION_CODE;
		target->label = "code";
		value = choice->code;
		option = "-c";
	} else if (strcmp(choice->arguments[0], "-") == 0) {
		target->kind = INVOCATION_STDIN;
		target->label = "stdin";
	} else {
		target->kind = INVOCATION_SCRIPT;
		target->label = choice->arguments[0];
		status = check_script(target->label, err);
	}
	if (!status)
		status = find_python(choice->python, &python, err);
	if (status < 0)
		return status;
	target->argv = build_argv(python, option, value, choice->arguments);
	return 0;
}

int invocation_create(const struct invocation_choice *choice, struct invocation *target,
		      struct error *err)
{
	int status;

	memset(target, 0, sizeof(*target));
	if (!choice->module && !choice->code && !choice->arguments[0])
		return error_set(err, ERROR_USAGE,
				 "there is nothing to run; name a script, -m module, -c code, or "
				 "-- command, as in: sonde run app.py");
	status = choice->command ? create_command(choice, target, err)
				 : create_python(choice, target, err);
	if (status < 0)
		invocation_deinit(target);
	return status;
}

void invocation_deinit(struct invocation *target)
{
	free(target->argv);
	memset(target, 0, sizeof(*target));
}
