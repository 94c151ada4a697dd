#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/*
 * One declarative table per subject says what an option is called, what it takes and where its
 * value goes. Parsing, --help, the man page and the completions all read the same tables.
 *
 * Accepted forms: --name, --name=value, --name value, -x, -xvalue, -x value, bundled flags (-fq),
 * and --no-name for every flag. A value that is optional is taken from --name=value alone. The last
 * one wins, lists collect.
 */
enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_COUNT,    /* unsigned: how often it stands there; --no- makes it 0 */
	OPTION_SELECT,   /* int: becomes `value`; `amount` (uint32_t) takes an optional number */
	OPTION_CHOICE,   /* int: the place of the argument in `choices` */
	OPTION_TEXT,     /* const char *, borrowed from argv */
	OPTION_LIST,     /* struct option_list */
	OPTION_NUMBER,   /* long, 0 or more */
	OPTION_BYTES,    /* uint64_t, as text_parse_bytes reads it, more than 0 */
	OPTION_DURATION, /* uint64_t ns, as text_parse_duration reads it */
	OPTION_REFUSED,  /* known, not there: ERROR_UNSUPPORTED with `refusal` */
	OPTION_HELP,     /* parsing ends, struct arguments says so */
};

/* What a shell offers in place of an argument. */
enum option_completes {
	COMPLETES_NOTHING,
	COMPLETES_FILE,
	COMPLETES_CAPTURE, /* *.sonde */
	COMPLETES_COMMAND, /* a program on PATH */
	COMPLETES_MODULE,  /* a Python module: nothing is offered */
	COMPLETES_TOPIC,   /* a command of sonde */
};

struct option_list {
	const char **items; /* NULL, or NULL-terminated; the texts are argv's */
	size_t count;
};

struct option {
	const char *name;   /* without dashes; NULL ends a table. "" if it has a letter alone */
	const char *also;   /* NULL, or another tool's name for it, accepted and not listed: a flag
			     * that is on by default goes off by it */
	char letter;        /* 0: none */
	bool on_by_default; /* FLAG: shown as --no-name */
	bool ends_options;  /* what follows its argument are positional arguments, dashes or not */
	enum option_kind kind;
	enum option_completes completes;
	const char *argument;       /* "FILE", or NULL where it takes none */
	const char *help;           /* one sentence, lower case, no full stop */
	size_t setting;             /* offset in the command's settings */
	size_t amount;              /* SELECT with an argument: offset of its number */
	int value;                  /* SELECT */
	const char *const *choices; /* CHOICE: NULL-terminated */
	const char *refusal;        /* REFUSED: the way out */
	/* FLAG: other tools know this letter as the option of this name, which takes an argument. A
	 * value that only that one could take is met with a hint. */
	const char *mistaken_for;
};

struct option_group {
	const char *heading;
	const struct option *options; /* ends with a name of NULL */
};

/* A command's options: groups in the order in which help shows them, NULL-terminated. */
typedef const struct option_group *const *option_groups;

enum option_order {
	OPTIONS_ANYWHERE, /* before, between and behind positional arguments */
	OPTIONS_FIRST,    /* the first positional argument ends them */
};

struct arguments {
	char **items; /* NULL-terminated, to be freed by arguments_deinit; the texts are argv's */
	int count;
	bool dashes; /* "--" stood before the first of them */
	bool help;   /* --help was met; what came after it was not looked at */
};

/* Parses argv[0..count), which begins behind the command's name. `command` is for messages.
 * Fails with ERROR_USAGE, or ERROR_UNSUPPORTED for what is refused. */
int options_parse(const char *command, option_groups groups, enum option_order order, int count,
		  char **argv, void *settings, struct arguments *arguments, struct error *err);
void arguments_deinit(struct arguments *arguments);
/* Frees the lists that parsing put into the settings. */
void options_release(option_groups groups, void *settings);

/* The option as a user types it: "--leaks", "--no-verify", "-c"; size 64 does. */
const char *option_spelling(const struct option *option, char *buffer, size_t size);
/* Both names and the argument: "-o, --output FILE", "    --temporary[=N]"; size 128 does. */
const char *option_synopsis(const struct option *option, char *buffer, size_t size);

const struct option *options_find(option_groups groups, const char *name);

/* For help, man page and completion: every option of every group, in order. */
struct option_cursor {
	size_t group, option;
};
const struct option *options_next(option_groups groups, struct option_cursor *cursor);
