#include "cmd/completion.h"

/* A word in single quotes, as fish reads them. */
static void write_quoted(const char *text, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void write_condition(const struct command *command, FILE *out)
{
	fprintf(out, "complete -c sonde -n '__sonde_at %s%s%s'", command->name,
		command->order == OPTIONS_FIRST ? "; and __sonde_open_" : "",
		command->order == OPTIONS_FIRST ? command->name : "");
}

static void write_names(const struct option *option, FILE *out)
{
	char spelling[64];

	if (option->letter)
		fprintf(out, " -%c", option->letter);
	if (*option->name)
		fprintf(out, " %s", option_spelling(option, spelling, sizeof(spelling)));
}

/* For a command whose options end at its first argument: whether they may still come. */
static void write_open(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	fprintf(out,
		"\nfunction __sonde_open_%s\n"
		"    set -l words (commandline -opc)\n"
		"    set -e words[1..2]\n"
		"    set -l skip 0\n"
		"    for word in $words\n"
		"        if test $skip -eq 1\n"
		"            set skip 0\n"
		"            continue\n"
		"        end\n"
		"        switch $word\n"
		"            case",
		command->name);
	while ((option = options_next(command->options, &cursor)))
		if (option->argument && option->kind != OPTION_SELECT && !option->ends_options)
			write_names(option, out);
	fputs("\n                set skip 1\n"
	      "            case --",
	      out);
	cursor = (struct option_cursor){0};
	while ((option = options_next(command->options, &cursor)))
		if (option->ends_options)
			write_names(option, out);
	fputs("\n                return 1\n"
	      "            case '-?*'\n"
	      "            case '*'\n"
	      "                return 1\n"
	      "        end\n"
	      "    end\n"
	      "end\n",
	      out);
}

/* What is offered for an argument: -F files, -a words; nothing where there is nothing to offer. */
static void write_action(enum option_completes completes, FILE *out)
{
	switch (completes) {
	case COMPLETES_FILE:
		fputs(" -F", out);
		break;
	case COMPLETES_CAPTURE:
		fputs(" -k -a '(__fish_complete_suffix .sonde)'", out);
		break;
	case COMPLETES_COMMAND:
		fputs(" -a '(__fish_complete_command)'", out);
		break;
	default:
		break;
	}
}

static void write_words(const char *const *words, FILE *out)
{
	fputs(" -a '", out);
	for (size_t i = 0; words[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
	fputc('\'', out);
}

static void write_option(const struct command *command, const struct option *option, FILE *out)
{
	write_condition(command, out);
	if (option->letter)
		fprintf(out, " -s %c", option->letter);
	if (*option->name)
		fprintf(out, " -l %s%s", option->on_by_default ? "no-" : "", option->name);
	if (option->argument && option->kind != OPTION_SELECT) {
		/* -x: nothing but what stands here; -r: files too */
		fputs(option->completes == COMPLETES_FILE ? " -r" : " -x", out);
		if (option->choices)
			write_words(option->choices, out);
		else
			write_action(option->completes, out);
	}
	fputs(" -d ", out);
	write_quoted(option->help, out);
	fputc('\n', out);
}

static void write_command(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	if (command->order == OPTIONS_FIRST)
		write_open(command, out);
	fputs("\ncomplete -c sonde -n '__sonde_first' -a ", out);
	fputs(command->name, out);
	fputs(" -d ", out);
	write_quoted(command->summary, out);
	fputc('\n', out);
	while ((option = options_next(command->options, &cursor)))
		write_option(command, option, out);
	if (command->words || command->completes != COMPLETES_NOTHING) {
		fprintf(out, "complete -c sonde -n '__sonde_at %s'", command->name);
		if (command->words)
			write_words(command->words, out);
		else if (command->completes == COMPLETES_TOPIC)
			fputs(" -a '$__sonde_commands'", out);
		else
			write_action(command->completes, out);
		fputc('\n', out);
	}
}

void completion_write_fish(FILE *out)
{
	fputs("# fish completion for sonde; made by: sonde completion fish\n\n"
	      "set -g __sonde_commands",
	      out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			fprintf(out, " %s", command_list[i]->name);
	fputs("\n\nfunction __sonde_first\n"
	      "    test (count (commandline -opc)) -eq 1\n"
	      "end\n\n"
	      "function __sonde_at\n"
	      "    set -l words (commandline -opc)\n"
	      "    test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
	      "end\n\n"
	      "complete -c sonde -f\n"
	      "complete -c sonde -n '__sonde_first' -l help -s h -d 'show the commands'\n"
	      "complete -c sonde -n '__sonde_first' -l version -s V -d 'show the version'\n",
	      out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			write_command(command_list[i], out);
}
