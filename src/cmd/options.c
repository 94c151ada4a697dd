#include "cmd/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/suggest.h"

struct parser {
	const char *command;
	option_groups groups;
	int count;
	char **argv;
	int next; /* the argument to look at next */
	void *settings;
	struct arguments *arguments;
	bool ended; /* the rest are positional arguments */
	struct error *err;
};

const struct option *options_next(option_groups groups, struct option_cursor *cursor)
{
	while (groups[cursor->group]) {
		const struct option *option = &groups[cursor->group]->options[cursor->option];

		if (option->name) {
			cursor->option++;
			return option;
		}
		cursor->group++;
		cursor->option = 0;
	}
	return NULL;
}

const struct option *options_find(option_groups groups, const char *name)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	while ((option = options_next(groups, &cursor)))
		if (*name && (strcmp(option->name, name) == 0 ||
			      (option->also && strcmp(option->also, name) == 0)))
			return option;
	return NULL;
}

static const struct option *find_letter(option_groups groups, char letter)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	while ((option = options_next(groups, &cursor)))
		if (option->letter && option->letter == letter)
			return option;
	return NULL;
}

const char *option_spelling(const struct option *option, char *buffer, size_t size)
{
	if (*option->name)
		snprintf(buffer, size, "--%s%s", option->on_by_default ? "no-" : "", option->name);
	else
		snprintf(buffer, size, "-%c", option->letter);
	return buffer;
}

const char *option_synopsis(const struct option *option, char *buffer, size_t size)
{
	const char *no = option->on_by_default ? "no-" : "";
	const char *argument = option->argument ? option->argument : "";

	if (!*option->name)
		snprintf(buffer, size, "-%c %s", option->letter, argument);
	else if (option->letter)
		snprintf(buffer, size, "-%c, --%s%s%s%s", option->letter, no, option->name,
			 *argument ? " " : "", argument);
	else if (option->kind == OPTION_SELECT && *argument)
		snprintf(buffer, size, "    --%s%s[=%s]", no, option->name, argument);
	else
		snprintf(buffer, size, "    --%s%s%s%s", no, option->name, *argument ? " " : "",
			 argument);
	return buffer;
}

static bool takes_argument(const struct option *option)
{
	return option->argument && option->kind != OPTION_SELECT && option->kind != OPTION_REFUSED;
}

static bool in_choices(const struct option *option, const char *text, int *place)
{
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*place = i;
			return true;
		}
	}
	return false;
}

static int refuse_choice(struct parser *p, const struct option *option, const char *typed,
			 const char *value)
{
	struct suggestion suggestion;
	char list[256] = "";
	size_t used = 0;

	suggestion_init(&suggestion, value);
	for (int i = 0; option->choices[i] && used < sizeof(list); i++) {
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 option->choices[i]);
		suggestion_consider(&suggestion, option->choices[i]);
	}
	if (suggestion.nearest)
		return error_set(p->err, ERROR_USAGE, "%s cannot be '%s'; did you mean %s? (%s)",
				 typed, value, suggestion.nearest, list);
	return error_set(p->err, ERROR_USAGE, "%s cannot be '%s': choose one of %s", typed, value,
			 list);
}

static int parse_number(const char *text, long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*number = strtol(text, &end, 10);
	return *end || errno ? -1 : 0;
}

static void list_add(struct option_list *list, const char *text)
{
	const char **items = realloc(list->items, (list->count + 2) * sizeof(*items));

	if (!items)
		abort();
	items[list->count++] = text;
	items[list->count] = NULL;
	list->items = items;
}

/* Stores a value that is there. `typed` is the option as the user spelled it. */
static int store(struct parser *p, const struct option *option, const char *typed,
		 const char *value)
{
	void *setting = (char *)p->settings + option->setting;
	long number;

	switch (option->kind) {
	case OPTION_CHOICE:
		if (!in_choices(option, value, setting))
			return refuse_choice(p, option, typed, value);
		return 0;
	case OPTION_TEXT:
		*(const char **)setting = value;
		return 0;
	case OPTION_LIST:
		list_add(setting, value);
		return 0;
	case OPTION_NUMBER:
		if (parse_number(value, setting) < 0)
			return error_set(p->err, ERROR_USAGE,
					 "%s needs a number, 0 or more, not '%s'", typed, value);
		return 0;
	case OPTION_SELECT:
		if (parse_number(value, &number) < 0 || number < 1 || number > INT32_MAX)
			return error_set(p->err, ERROR_USAGE,
					 "%s needs a number, 1 or more, not '%s'", typed, value);
		*(uint32_t *)((char *)p->settings + option->amount) = (uint32_t)number;
		*(int *)setting = option->value;
		return 0;
	case OPTION_BYTES:
		if (text_parse_bytes(value, setting) < 0 || *(uint64_t *)setting == 0)
			return error_set(p->err, ERROR_USAGE,
					 "%s needs a size such as 4096, 512K or 1.5MiB, not '%s'",
					 typed, value);
		return 0;
	case OPTION_DURATION:
		if (text_parse_duration(value, setting) < 0)
			return error_set(p->err, ERROR_USAGE,
					 "%s needs a time such as 30s, 250ms or 1.5m, not '%s'",
					 typed, value);
		return 0;
	default:
		return error_set(p->err, ERROR_USAGE, "%s takes no value", typed);
	}
}

/* What stands alone: flags, selections, help, and what is refused. */
static int store_bare(struct parser *p, const struct option *option, const char *typed, bool on)
{
	void *setting = (char *)p->settings + option->setting;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)setting = on;
		return 0;
	case OPTION_COUNT:
		*(unsigned *)setting = on ? *(unsigned *)setting + 1 : 0;
		return 0;
	case OPTION_SELECT:
		*(int *)setting = option->value;
		return 0;
	case OPTION_HELP:
		p->arguments->help = true;
		p->ended = true;
		p->next = p->count;
		return 0;
	default:
		return error_set(p->err, ERROR_UNSUPPORTED, "%s: %s", typed, option->refusal);
	}
}

static int unknown_option(struct parser *p, const char *typed, const char *name)
{
	struct option_cursor cursor = {0};
	const struct option *option;
	struct suggestion suggestion;
	char spelling[64];

	suggestion_init(&suggestion, name);
	if (*name)
		while ((option = options_next(p->groups, &cursor)))
			suggestion_consider(&suggestion, option->name);
	if (suggestion.nearest) {
		option_spelling(options_find(p->groups, suggestion.nearest), spelling,
				sizeof(spelling));
		return error_set(p->err, ERROR_USAGE,
				 "unknown option %s; did you mean %s? (sonde help %s lists all)",
				 typed, spelling, p->command);
	}
	return error_set(p->err, ERROR_USAGE, "unknown option %s; sonde help %s lists all", typed,
			 p->command);
}

/* --temporary 5: an optional number that stands apart would be taken for an argument. */
static int check_apart(struct parser *p, const struct option *option, const char *typed)
{
	const char *next = p->next < p->count ? p->argv[p->next] : NULL;
	long number;

	if (option->kind != OPTION_SELECT || !option->argument || !next ||
	    parse_number(next, &number) < 0)
		return 0;
	return error_set(p->err, ERROR_USAGE, "%s takes its number behind '=': %s=%s", typed, typed,
			 next);
}

/* -f speedscope, -fspeedscope: `value` is what another tool would take as this flag's argument. */
static int check_mistaken(struct parser *p, const struct option *option, const char *value)
{
	const struct option *meant;
	int place;

	if (!option->mistaken_for || !value)
		return 0;
	meant = options_find(p->groups, option->mistaken_for);
	if (!meant || !in_choices(meant, value, &place))
		return 0;
	return error_set(p->err, ERROR_USAGE,
			 "-%c is --%s here; to choose what is written: --%s %s", option->letter,
			 option->name, meant->name, value);
}

static int take_argument(struct parser *p, const struct option *option, const char *typed,
			 const char *attached)
{
	int status;

	if (!attached) {
		if (p->next == p->count)
			return error_set(p->err, ERROR_USAGE, "%s needs its argument: %s %s", typed,
					 typed, option->argument);
		attached = p->argv[p->next++];
	}
	status = store(p, option, typed, attached);
	if (option->ends_options)
		p->ended = true;
	return status;
}

static int parse_long(struct parser *p, const char *argument)
{
	const char *equals = strchr(argument, '=');
	size_t typed_bytes = equals ? (size_t)(equals - argument) : strlen(argument);
	const struct option *option;
	const char *name;
	char typed[64];
	bool on = true;

	/* Longer than any name of ours: cut, it will not be found. */
	snprintf(typed, sizeof(typed), "%.*s", (int)(typed_bytes < 60 ? typed_bytes : 60),
		 argument);
	name = typed + 2;
	option = options_find(p->groups, name);
	if (!option && strncmp(typed, "--no-", 5) == 0) {
		name = typed + 5;
		option = options_find(p->groups, name);
		on = false;
		if (option && option->kind != OPTION_FLAG && option->kind != OPTION_COUNT)
			option = NULL;
	}
	if (!option)
		return unknown_option(p, typed, name);
	if (option->on_by_default && strcmp(option->name, name) != 0)
		on = !on;
	if (takes_argument(option))
		return take_argument(p, option, typed, equals ? equals + 1 : NULL);
	if (equals && option->kind == OPTION_SELECT && option->argument)
		return store(p, option, typed, equals + 1);
	if (equals && option->kind != OPTION_REFUSED)
		return error_set(p->err, ERROR_USAGE, "%s takes no value", typed);
	if (check_apart(p, option, typed) < 0)
		return -ERROR_USAGE;
	return store_bare(p, option, typed, on);
}

static int parse_letters(struct parser *p, const char *argument)
{
	char typed[3] = "-?";
	int status = 0;

	for (const char *at = argument + 1; *at && !status && !p->arguments->help; at++) {
		const struct option *option = find_letter(p->groups, *at);

		typed[1] = *at;
		if (!option)
			return unknown_option(p, (unsigned char)*at < 0x80 ? typed : argument, "");
		if (takes_argument(option))
			return take_argument(p, option, typed, at[1] ? at + 1 : NULL);
		status = check_mistaken(p, option,
					at[1]                ? at + 1
					: p->next < p->count ? p->argv[p->next]
							     : NULL);
		if (!status)
			status = store_bare(p, option, typed, true);
	}
	return status;
}

int options_parse(const char *command, option_groups groups, enum option_order order, int count,
		  char **argv, void *settings, struct arguments *arguments, struct error *err)
{
	struct parser p = {.command = command,
			   .groups = groups,
			   .count = count,
			   .argv = argv,
			   .settings = settings,
			   .arguments = arguments,
			   .err = err};
	int status = 0;

	memset(arguments, 0, sizeof(*arguments));
	arguments->items = calloc((size_t)count + 1, sizeof(*arguments->items));
	if (!arguments->items)
		abort();
	while (p.next < count && !status) {
		char *argument = argv[p.next++];

		if (p.ended || argument[0] != '-' || !argument[1]) {
			arguments->items[arguments->count++] = argument;
			p.ended |= order == OPTIONS_FIRST;
		} else if (strcmp(argument, "--") == 0) {
			arguments->dashes = arguments->count == 0;
			p.ended = true;
		} else if (argument[1] == '-') {
			status = parse_long(&p, argument);
		} else {
			status = parse_letters(&p, argument);
		}
	}
	if (status) {
		arguments_deinit(arguments);
		options_release(groups, settings);
	}
	return status;
}

void arguments_deinit(struct arguments *arguments)
{
	free(arguments->items);
	arguments->items = NULL;
	arguments->count = 0;
}

void options_release(option_groups groups, void *settings)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	while ((option = options_next(groups, &cursor))) {
		if (option->kind == OPTION_LIST) {
			struct option_list *list =
				(struct option_list *)((char *)settings + option->setting);

			free(list->items);
			list->items = NULL;
			list->count = 0;
		}
	}
}
