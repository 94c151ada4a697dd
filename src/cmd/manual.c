#include <string.h>

#include "cmd/command.h"
#include "cmd/help.h"

/* One line of roff text: nothing in it is taken for a request, dashes stay dashes to copy. */
static void write_text(const char *text, size_t bytes, FILE *out)
{
	bool line_begins = true;

	for (size_t i = 0; i < bytes; i++) {
		char c = text[i];

		if (line_begins && (c == '.' || c == '\''))
			fputs("\\&", out);
		line_begins = c == '\n';
		if (c == '\\')
			fputs("\\e", out);
		else if (c == '-')
			fputs("\\-", out);
		else if (c == '\'')
			fputs("\\(aq", out);
		else
			fputc(c, out);
	}
}

static void write_line(const char *before, const char *text, const char *after, FILE *out)
{
	fputs(before, out);
	write_text(text, strlen(text), out);
	fputs(after, out);
}

static void write_paragraphs(const char *text, FILE *out)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t bytes = end ? (size_t)(end - text) : strlen(text);

		fputs(".PP\n", out);
		write_text(text, bytes, out);
		fputc('\n', out);
		text += bytes + (end ? 2 : 0);
	}
}

static void write_option(const struct option *option, FILE *out)
{
	char synopsis[128];
	const char *text = option_synopsis(option, synopsis, sizeof(synopsis));

	text += strspn(text, " ");
	write_line(".TP\n\\fB", text, "\\fR\n", out);
	write_line("", option->help, ".\n", out);
}

static void write_command(const struct command *command, FILE *out)
{
	write_line(".SS sonde ", command->name, " [options] ", out);
	write_line("", command->arguments, "\n", out);
	write_paragraphs(command->description ? command->description : command->summary, out);
	for (size_t i = 0; command->options[i]; i++) {
		const struct option *option = command->options[i]->options;

		for (; option->name; option++)
			write_option(option, out);
	}
	fputs(".PP\nExamples:\n", out);
	for (size_t i = 0; command->examples[i].line; i++) {
		write_line(".TP\n\\fB", command->examples[i].line, "\\fR\n", out);
		write_line("", command->examples[i].what, ".\n", out);
	}
}

static const struct {
	const char *term, *text;
} statuses[] =
	{
		{"0", "Done."},
		{"1", "A regression was found."},
		{"2", "The command line was wrong, or a file would have been overwritten."},
		{"3", "A permission is missing."},
		{"4", "Not supported here."},
		{"5", "The capture cannot be read."},
		{"125", "sonde itself failed."},
		{"126, 127", "The program to run is not executable, or was not found."},
		{"128+n", "sonde run: the target was ended by signal n."},
},
  variables[] = {
	  {"PATH", "Where python3, then python, is looked for, and commands behind \"--\"."},
	  {"NO_COLOR, FORCE_COLOR", "Switch colours off, or on, unless --color decides."},
	  {"COLUMNS", "How wide texts may be."},
	  {"SONDE_AGENT", "The file to preload into targets instead of the installed agent."},
};

void manual_write(FILE *out)
{
	fputs(".TH SONDE 1 \"\" \"sonde " SONDE_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\nsonde \\- find where the memory and the time of a Python program go\n"
	      ".SH SYNOPSIS\n.B sonde run\n[options] "
	      "(SCRIPT | \\-m MODULE | \\-c CODE | \\-\\- COMMAND) [ARGUMENTS]\n.br\n"
	      ".B sonde\nattach | top | dump [options] PID\n.br\n"
	      ".B sonde\nflamegraph | table | tree | summary | stats | info | export [options] "
	      "CAPTURE\n.br\n"
	      ".B sonde diff\n[options] BASE NEW\n"
	      ".SH DESCRIPTION\n"
	      "Traces every allocation of a Python program on Linux, or samples where its time "
	      "goes, or both at once, without a change to its code, into one file, the capture. "
	      "All reports are made from that file. What runs already is sampled from outside; "
	      "nothing is written into it. Beside that, top and dump show a live process without "
	      "a capture, and doctor says what stands in the way.\n"
	      ".SH COMMANDS\n",
	      out);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			write_command(command_list[i], out);
	fputs(".SH EXIT STATUS\n"
	      "\\fBsonde run\\fR ends with the status of its target. Otherwise:\n",
	      out);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		write_line(".TP\n\\fB", statuses[i].term, "\\fR\n", out);
		write_line("", statuses[i].text, "\n", out);
	}
	fputs(".SH ENVIRONMENT\n", out);
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		write_line(".TP\n\\fB", variables[i].term, "\\fR\n", out);
		write_line("", variables[i].text, "\n", out);
	}
	fputs(".SH FILES\n.TP\n\\fBsonde\\-SCRIPT.PID.sonde\\fR\n"
	      "A capture, unless \\-o names it. Readable by its owner alone.\n",
	      out);
}

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	(void)settings;
	(void)arguments;
	(void)err;
	manual_write(stdout);
	return 0;
}

static const struct command_example examples[] = {
	{"sonde man > sonde.1", "the page, for man -l"},
	{0},
};

static const struct option_group *const options[] = {&command_common_options, NULL};

const struct command command_man = {
	.name = "man",
	.group = COMMAND_HIDDEN,
	.arguments = "",
	.summary = "write the manual page sonde(1)",
	.examples = examples,
	.options = options,
	.run = run,
};
