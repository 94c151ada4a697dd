#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "cmd/options.h"

/*
 * What `sonde run` is to run, made from its arguments: its argv, exactly as if
 * the user had typed it.
 */
enum invocation_kind {
	INVOCATION_SCRIPT,  /* a file, folder or zip */
	INVOCATION_MODULE,  /* -m */
	INVOCATION_CODE,    /* -c */
	INVOCATION_STDIN,   /* "-" */
	INVOCATION_COMMAND, /* behind "--" */
};

struct invocation {
	enum invocation_kind kind;
	char **argv; /* NULL-terminated; argv[0] is on PATH or a path; the texts are borrowed */
	const char *label; /* for the name of the capture */
};

/* What says, on a command line, which Python program to run. */
struct invocation_settings {
	const char *python, *module, *code;
};

/* Rows of an option table; `member` is the struct invocation_settings in the command's settings. */
#define INVOCATION_OPTIONS(type, member)                                                         \
	{.name = "",                                                                             \
	 .letter = 'm',                                                                          \
	 .kind = OPTION_TEXT,                                                                    \
	 .argument = "MODULE",                                                                   \
	 .completes = COMPLETES_MODULE,                                                          \
	 .ends_options = true,                                                                   \
	 .help = "run a module, as python -m does; everything behind it is the module's",        \
	 .setting = offsetof(type, member.module)},                                              \
		{.name = "",                                                                     \
		 .letter = 'c',                                                                  \
		 .kind = OPTION_TEXT,                                                            \
		 .argument = "CODE",                                                             \
		 .ends_options = true,                                                           \
		 .help = "run this code, as python -c does; everything behind it is the code's", \
		 .setting = offsetof(type, member.code)},                                        \
	{                                                                                        \
		.name = "python", .kind = OPTION_TEXT, .argument = "PATH",                       \
		.completes = COMPLETES_COMMAND,                                                  \
		.help = "the interpreter, instead of python3 (else python) from PATH",           \
		.setting = offsetof(type, member.python)                                         \
	}

struct invocation_choice {
	const char *module; /* -m, or NULL */
	const char *code;   /* -c, or NULL */
	const char *python; /* --python, or NULL */
	bool command;       /* the arguments stood behind "--" */
	char **arguments;   /* NULL-terminated */
};

int invocation_create(const struct invocation_choice *choice, struct invocation *target,
		      struct error *err);
void invocation_deinit(struct invocation *target);
