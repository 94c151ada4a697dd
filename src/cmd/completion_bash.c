#include "cmd/completion.h"

/* Every way to type this option, separated by `between`. Returns how many there were. */
static int write_names(const struct option *option, const char *between, FILE *out)
{
	char spelling[64];
	int count = 0;

	if (option->letter)
		count += fprintf(out, "-%c", option->letter) > 0;
	if (*option->name)
		count += fprintf(out, "%s%s", count ? between : "",
				 option_spelling(option, spelling, sizeof(spelling))) > 0;
	return count;
}

static bool has_argument(const struct option *option)
{
	return option->argument && option->kind != OPTION_SELECT;
}

static const char *action_of(enum option_completes completes)
{
	switch (completes) {
	case COMPLETES_FILE:
		return "_sonde_files";
	case COMPLETES_CAPTURE:
		return "_sonde_captures";
	case COMPLETES_COMMAND:
		return "_sonde_programs";
	default:
		return ":";
	}
}

static void write_words(const char *const *words, FILE *out)
{
	fputs("_sonde_words \"", out);
	for (size_t i = 0; words[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
	fputs("\"", out);
}

static void write_commands(bool with_options, FILE *out)
{
	fputs("_sonde_words \"", out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			fprintf(out, "%s%s", i ? " " : "", command_list[i]->name);
	fprintf(out, "%s\"", with_options ? " --help --version" : "");
}

/* The value of the option before the cursor. */
static void write_values(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	fputs("        case $prev in\n", out);
	while ((option = options_next(command->options, &cursor))) {
		if (!has_argument(option))
			continue;
		fputs("        ", out);
		write_names(option, "|", out);
		fputs(") ", out);
		if (option->choices)
			write_words(option->choices, out);
		else
			fputs(action_of(option->completes), out);
		fputs("; return ;;\n", out);
	}
	fputs("        esac\n", out);
}

/* For commands whose options end at the first argument: what follows is the target's own. */
static void write_begun(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	fputs("        for ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "            case ${COMP_WORDS[i]} in\n"
	      "            --) _sonde_command $((i + 1)); return ;;\n",
	      out);
	while ((option = options_next(command->options, &cursor))) {
		if (!has_argument(option))
			continue;
		fputs("            ", out);
		write_names(option, "|", out);
		if (option->ends_options)
			fputs(") ((i + 1 < COMP_CWORD)) && { _sonde_files; return; } ;;\n", out);
		else
			fputs(") [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)); ((i++)) ;;\n", out);
	}
	fputs("            -*) ;;\n"
	      "            *) _sonde_files; return ;;\n"
	      "            esac\n"
	      "        done\n",
	      out);
}

static void write_command(const struct command *command, FILE *out)
{
	struct option_cursor cursor = {0};
	const struct option *option;

	fprintf(out, "    %s)\n", command->name);
	if (command->order == OPTIONS_FIRST)
		write_begun(command, out);
	write_values(command, out);
	fputs("        if [[ $cur == -* ]]; then\n"
	      "            _sonde_words \"",
	      out);
	for (bool first = true; (option = options_next(command->options, &cursor)); first = false) {
		if (!first)
			fputc(' ', out);
		write_names(option, " ", out);
	}
	fputs("\"\n        else\n            ", out);
	if (command->words)
		write_words(command->words, out);
	else if (command->completes == COMPLETES_TOPIC)
		write_commands(false, out);
	else
		fputs(action_of(command->completes), out);
	fputs("\n        fi\n        ;;\n", out);
}

void completion_write_bash(FILE *out)
{
	fputs("# bash completion for sonde; made by: sonde completion bash\n\n"
	      "_sonde_words()\n{\n"
	      "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n}\n\n"
	      "_sonde_files()\n{\n"
	      "    compopt -o filenames 2> /dev/null\n"
	      "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n\n"
	      "_sonde_captures()\n{\n"
	      "    compopt -o filenames 2> /dev/null\n"
	      "    mapfile -t COMPREPLY < <(compgen -f -X '!*.sonde' -- \"$cur\"; "
	      "compgen -d -- \"$cur\")\n}\n\n"
	      "_sonde_programs()\n{\n"
	      "    compopt -o filenames 2> /dev/null\n"
	      "    mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"; compgen -d -- \"$cur\")\n}\n\n"
	      "# The command that begins at word $1.\n"
	      "_sonde_command()\n{\n"
	      "    if declare -F _command_offset > /dev/null; then\n"
	      "        _command_offset \"$1\"\n"
	      "    elif ((COMP_CWORD == $1)); then\n"
	      "        _sonde_programs\n"
	      "    else\n"
	      "        _sonde_files\n"
	      "    fi\n}\n\n"
	      "_sonde()\n{\n"
	      "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	      "    # --option=value comes as three words\n"
	      "    if [[ $cur == = ]]; then\n"
	      "        cur=\n"
	      "    elif [[ $prev == = ]]; then\n"
	      "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "    fi\n"
	      "    COMPREPLY=()\n"
	      "    if ((COMP_CWORD == 1)); then\n"
	      "        ",
	      out);
	write_commands(true, out);
	fputs("\n        return\n"
	      "    fi\n"
	      "    case ${COMP_WORDS[1]} in\n",
	      out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			write_command(command_list[i], out);
	fputs("    esac\n}\n\ncomplete -F _sonde sonde\n", out);
}
