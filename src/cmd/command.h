#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "cmd/options.h"

/*
 * A command of sonde: what it is called, what it takes, what it says about itself, and what it
 * does. One a file; main only dispatches. To add one: a file with its `const struct command`, a
 * line in command_list; help, man page and completions follow by themselves.
 */
enum command_group {
	COMMAND_RECORD,
	COMMAND_WATCH,
	COMMAND_READ,
	COMMAND_HELP,
	COMMAND_HIDDEN, /* for the build; in no list */
	COMMAND_GROUPS,
};

struct command_example {
	const char *line; /* as typed */
	const char *what; /* lower case, no full stop */
};

struct command {
	const char *name;
	enum command_group group;
	const char *arguments;                  /* "CAPTURE", or "" */
	const char *summary;                    /* one line, lower case, no full stop */
	const char *description;                /* paragraphs, separated by empty lines; or NULL */
	const struct command_example *examples; /* ends with a line of NULL */
	option_groups options;
	enum option_order order;
	int arguments_min;
	int arguments_max;               /* -1: any number */
	enum option_completes completes; /* of its arguments */
	const char *const *words;        /* fixed words its argument may be, or NULL */
	const void *defaults;            /* what the settings are before parsing; copied */
	size_t settings_bytes;
	/* Returns the exit status (0 and more), or a negative error with *err filled. */
	int (*run)(const void *settings, const struct arguments *arguments, struct error *err);
};

extern const struct command *const command_list[]; /* NULL-terminated, as help shows them */

const char *command_group_heading(enum command_group group);
const struct command *command_find(const char *name);

/* Parses what stands behind the command's name and runs it. Same result as struct command's run. */
int command_execute(const struct command *command, int count, char **argv, struct error *err);

/* "sonde: <message>" on stderr; nothing in it can steer the terminal. */
void command_print_error(const struct error *err);

/* "no such command", with the nearest one. Returns -ERROR_USAGE. */
int command_unknown(const char *name, struct error *err);

/* The group that every command ends with. */
extern const struct option_group command_common_options;

extern const struct command command_run;
extern const struct command command_attach;
extern const struct command command_record;
extern const struct command command_top;
extern const struct command command_dump;
extern const struct command command_flamegraph;
extern const struct command command_table;
extern const struct command command_tree;
extern const struct command command_summary;
extern const struct command command_stats;
extern const struct command command_info;
extern const struct command command_diff;
extern const struct command command_export;
extern const struct command command_doctor;
extern const struct command command_help;
extern const struct command command_completion;
extern const struct command command_man;
