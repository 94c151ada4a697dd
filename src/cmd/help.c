#include "cmd/help.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/terminal.h"

#define OPTION_COLUMN 30

/*
 * Words of one paragraph, from `column` on, the lines that follow indented by `indent`. Ends with a
 * newline.
 */
static void write_wrapped(const char *text, size_t bytes, int column, int indent, int columns,
			  FILE *out)
{
	const char *end = text + bytes;
	bool first = true;

	while (text < end) {
		size_t word = 0;

		while (text + word < end && text[word] != ' ' && text[word] != '\n')
			word++;
		if (!first && column + 1 + (int)word > columns) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, word, out);
		column += (int)word;
		first = false;
		text += word;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	fputc('\n', out);
}

static void write_paragraphs(const char *text, int columns, FILE *out)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t bytes = end ? (size_t)(end - text) : strlen(text);

		write_wrapped(text, bytes, 0, 0, columns, out);
		text += bytes;
		if (*text) {
			fputc('\n', out);
			text += 2;
		}
	}
}

static void write_option(const struct option *option, int columns, FILE *out)
{
	char synopsis[128];
	int used;

	option_synopsis(option, synopsis, sizeof(synopsis));
	used = fprintf(out, "  %s", synopsis);
	if (used + 2 > OPTION_COLUMN) {
		fputc('\n', out);
		used = 0;
	}
	fprintf(out, "%*s", OPTION_COLUMN - used, "");
	write_wrapped(option->help, strlen(option->help), OPTION_COLUMN, OPTION_COLUMN, columns,
		      out);
}

static void write_examples(const struct command *command, int columns, FILE *out)
{
	const struct command_example *examples = command->examples;
	int line = 0, what = 0;

	for (size_t i = 0; examples[i].line; i++) {
		if ((int)strlen(examples[i].line) > line)
			line = (int)strlen(examples[i].line);
		if ((int)strlen(examples[i].what) > what)
			what = (int)strlen(examples[i].what);
	}
	fputs("\nExamples\n", out);
	for (size_t i = 0; examples[i].line; i++) {
		if (2 + line + 2 + what <= columns)
			fprintf(out, "  %-*s  %s\n", line, examples[i].line, examples[i].what);
		else
			fprintf(out, "  %s\n      %s\n", examples[i].line, examples[i].what);
	}
}

static void write_usage(const struct command *command, int columns, FILE *out)
{
	int used = fprintf(out, "usage: sonde %s ", command->name);
	char *rest = NULL;

	if (asprintf(&rest, "[options]%s%s", *command->arguments ? " " : "", command->arguments) <
	    0)
		abort();
	write_wrapped(rest, strlen(rest), used, used, columns, out);
	free(rest);
}

void help_write_command(const struct command *command, int columns, FILE *out)
{
	write_usage(command, columns, out);
	fputc('\n', out);
	if (command->description)
		write_paragraphs(command->description, columns, out);
	else
		write_wrapped(command->summary, strlen(command->summary), 0, 0, columns, out);
	for (size_t i = 0; command->options[i]; i++) {
		const struct option *option = command->options[i]->options;

		fprintf(out, "\n%s\n", command->options[i]->heading);
		for (; option->name; option++)
			write_option(option, columns, out);
	}
	write_examples(command, columns, out);
}

void help_write_overview(int columns, FILE *out)
{
	fputs("sonde: where the memory and the time of a Python program go\n\n"
	      "usage: sonde COMMAND [options] [arguments]\n",
	      out);
	for (enum command_group group = 0; group < COMMAND_HIDDEN; group++) {
		fprintf(out, "\n%s\n", command_group_heading(group));
		for (size_t i = 0; command_list[i]; i++) {
			if (command_list[i]->group != group)
				continue;
			fprintf(out, "  %-12s", command_list[i]->name);
			write_wrapped(command_list[i]->summary, strlen(command_list[i]->summary),
				      14, 14, columns, out);
		}
	}
	fputs("\nStart with\n"
	      "  sonde run app.py          where its memory goes\n"
	      "  sonde run --cpu app.py    where its time goes\n"
	      "  sonde flamegraph sonde-app.py.4711.sonde\n"
	      "  sonde top 4711            where the time of process 4711 goes, now\n\n"
	      "sonde help COMMAND shows the options of one command; sonde --version the version.\n",
	      out);
}

static int run_help(const void *settings, const struct arguments *arguments, struct error *err)
{
	const struct command *command;

	(void)settings;
	if (arguments->count == 0) {
		help_write_overview(terminal_help_columns(), stdout);
		return 0;
	}
	command = command_find(arguments->items[0]);
	if (!command)
		return command_unknown(arguments->items[0], err);
	help_write_command(command, terminal_help_columns(), stdout);
	return 0;
}

static const struct command_example examples[] = {
	{"sonde help", "all commands"},
	{"sonde help run", "the options of one"},
	{0},
};

static const struct option_group *const options[] = {&command_common_options, NULL};

const struct command command_help = {
	.name = "help",
	.group = COMMAND_HELP,
	.arguments = "[COMMAND]",
	.summary = "say what the commands do and which options they take",
	.examples = examples,
	.options = options,
	.arguments_max = 1,
	.completes = COMPLETES_TOPIC,
	.run = run_help,
};
