#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * What `sonde run` is to run, made from its arguments: its argv, exactly as if
 * the user had typed it.
 */
enum target_kind {
	TARGET_SCRIPT,  /* a file, folder or zip */
	TARGET_MODULE,  /* -m */
	TARGET_CODE,    /* -c */
	TARGET_STDIN,   /* "-" */
	TARGET_COMMAND, /* behind "--" */
};

struct target {
	enum target_kind kind;
	char **argv; /* NULL-terminated; argv[0] is on PATH or a path; the texts are borrowed */
	const char *label; /* for the name of the capture */
};

struct target_choice {
	const char *module; /* -m, or NULL */
	const char *code;   /* -c, or NULL */
	const char *python; /* --python, or NULL */
	bool command;       /* the arguments stood behind "--" */
	char **arguments;   /* NULL-terminated */
};

int target_create(const struct target_choice *choice, struct target *target, struct error *err);
void target_deinit(struct target *target);
