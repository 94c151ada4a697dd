#include "cmd/completion.h"

#include <string.h>

/* Text within the single quotes and square brackets of an _arguments specification. */
static void write_quoted(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static const char *action_of(enum option_completes completes)
{
	switch (completes) {
	case COMPLETES_FILE:
		return "_files";
	case COMPLETES_CAPTURE:
		return "_files -g \"*.sonde\"";
	case COMPLETES_COMMAND:
		return "_command_names -e";
	default:
		return " ";
	}
}

static void write_words(const char *const *words, FILE *out)
{
	fputc('(', out);
	for (size_t i = 0; words[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
	fputc(')', out);
}

static void write_topics(FILE *out)
{
	bool first = true;

	fputc('(', out);
	for (size_t i = 0; command_list[i]; i++) {
		if (command_list[i]->group == COMMAND_HIDDEN)
			continue;
		fprintf(out, "%s%s", first ? "" : " ", command_list[i]->name);
		first = false;
	}
	fputc(')', out);
}

/* ":what:action" for what an option takes; SELECT takes it behind "=" or not at all. */
static void write_argument(const struct option *option, FILE *out)
{
	if (!option->argument)
		return;
	fputs(option->kind == OPTION_SELECT ? "::" : ":", out);
	write_quoted(option->argument, out);
	fputc(':', out);
	if (option->choices)
		write_words(option->choices, out);
	else
		fputs(action_of(option->completes), out);
	if (option->ends_options)
		fputs(":*:argument:_files", out);
}

static void write_name(const struct option *option, const char *name, FILE *out)
{
	char spelling[64];
	bool is_long = name[1] == '-';

	fputs("            '", out);
	if (option->kind == OPTION_LIST)
		fputc('*', out);
	else if (option->letter && *option->name)
		fprintf(out, "(-%c %s)", option->letter,
			option_spelling(option, spelling, sizeof(spelling)));
	fputs(name, out);
	if (option->argument)
		fputs(option->kind == OPTION_SELECT ? "=-" : is_long ? "=" : "+", out);
	fputc('[', out);
	write_quoted(option->help, out);
	fputc(']', out);
	write_argument(option, out);
	fputs("' \\\n", out);
}

static void write_option(const struct option *option, FILE *out)
{
	char spelling[64];

	if (option->letter) {
		snprintf(spelling, sizeof(spelling), "-%c", option->letter);
		write_name(option, spelling, out);
	}
	if (*option->name)
		write_name(option, option_spelling(option, spelling, sizeof(spelling)), out);
}

static void write_command(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	fprintf(out, "        %s)\n", command->name);
	if (command->order == OPTIONS_FIRST)
		fputs("            dashes=${words[(i)--]}\n"
		      "            if (( dashes < CURRENT )); then\n"
		      "                shift $dashes words\n"
		      "                (( CURRENT -= dashes ))\n"
		      "                _normal\n"
		      "                return\n"
		      "            fi\n",
		      out);
	fprintf(out, "            _arguments -s -S%s \\\n",
		command->order == OPTIONS_FIRST ? " -A '-*'" : "");
	while ((option = options_next(command->options, &cursor)))
		write_option(option, out);
	if (command->arguments_max != 0) {
		fputs("            '1:", out);
		write_quoted(command->arguments, out);
		fputc(':', out);
		if (command->words)
			write_words(command->words, out);
		else if (command->completes == COMPLETES_TOPIC)
			write_topics(out);
		else
			fputs(action_of(command->completes), out);
		fputs("' \\\n", out);
	}
	if (command->arguments_max < 0)
		fputs("            '*::argument:_files' \\\n", out);
	fputs("            && return\n            ;;\n", out);
}

void completion_write_zsh(FILE *out)
{
	fputs("#compdef sonde\n# zsh completion for sonde; made by: sonde completion zsh\n\n"
	      "_sonde()\n{\n"
	      "    local curcontext=$curcontext context state state_descr line\n"
	      "    local -i dashes\n"
	      "    local -A opt_args\n"
	      "    local -a commands=(\n",
	      out);
	for (size_t i = 0; command_list[i]; i++) {
		if (command_list[i]->group == COMMAND_HIDDEN)
			continue;
		fprintf(out, "        '%s:", command_list[i]->name);
		write_quoted(command_list[i]->summary, out);
		fputs("'\n", out);
	}
	fputs("    )\n\n"
	      "    _arguments -C -A '-*' \\\n"
	      "        '(- *)--help[show the commands]' \\\n"
	      "        '(- *)--version[show the version]' \\\n"
	      "        '1:command:->command' \\\n"
	      "        '*::argument:->argument' && return\n"
	      "    case $state in\n"
	      "    command)\n"
	      "        _describe -t commands command commands\n"
	      "        ;;\n"
	      "    argument)\n"
	      "        curcontext=${curcontext%:*:*}:sonde-$words[1]:\n"
	      "        case $words[1] in\n",
	      out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			write_command(command_list[i], out);
	fputs("        esac\n"
	      "        ;;\n"
	      "    esac\n"
	      "}\n\n"
	      "if [[ $funcstack[1] == _sonde ]]; then\n"
	      "    _sonde \"$@\"\n"
	      "else\n"
	      "    compdef _sonde sonde\n"
	      "fi\n",
	      out);
}
