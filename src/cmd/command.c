#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/help.h"
#include "cmd/suggest.h"
#include "cmd/terminal.h"

const struct command *const command_list[] = {
	/* clang-format off */
	&command_run,
	&command_attach,
	&command_record,
	&command_top,
	&command_dump,
	&command_flamegraph,
	&command_table,
	&command_tree,
	&command_summary,
	&command_stats,
	&command_info,
	&command_diff,
	&command_export,
	&command_doctor,
	&command_help,
	&command_completion,
	&command_man,
	NULL,
	/* clang-format on */
};

static const struct option common_options[] = {
	{.name = "help", .letter = 'h', .kind = OPTION_HELP, .help = "show this help"},
	{0},
};

const struct option_group command_common_options = {"Help", common_options};

const char *command_group_heading(enum command_group group)
{
	static const char *const headings[COMMAND_GROUPS] = {
		[COMMAND_RECORD] = "Record", [COMMAND_WATCH] = "Look at a live process",
		[COMMAND_READ] = "Read",     [COMMAND_HELP] = "Help",
		[COMMAND_HIDDEN] = "",
	};

	return headings[group];
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_list[i]; i++)
		if (strcmp(command_list[i]->name, name) == 0)
			return command_list[i];
	return NULL;
}

/* Names from captures and files end up in messages. */
void command_print_error(const struct error *err)
{
	fputs("sonde: ", stderr);
	for (const char *at = err->message; *at; at++)
		fputc((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at, stderr);
	fputc('\n', stderr);
}

int command_unknown(const char *name, struct error *err)
{
	struct suggestion suggestion;

	suggestion_init(&suggestion, name);
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			suggestion_consider(&suggestion, command_list[i]->name);
	if (suggestion.nearest)
		return error_set(err, ERROR_USAGE,
				 "no such command: %s; did you mean %s? (sonde help lists all)",
				 name, suggestion.nearest);
	return error_set(err, ERROR_USAGE, "no such command: %s; sonde help lists all", name);
}

static int check_arguments(const struct command *command, const struct arguments *arguments,
			   struct error *err)
{
	if (arguments->count < command->arguments_min)
		return error_set(err, ERROR_USAGE, "%s needs %s, as in: %s", command->name,
				 command->arguments, command->examples[0].line);
	if (command->arguments_max == 0 && arguments->count > 0)
		return error_set(err, ERROR_USAGE, "%s takes no arguments, but got '%s'",
				 command->name, arguments->items[0]);
	if (command->arguments_max >= 0 && arguments->count > command->arguments_max)
		return error_set(err, ERROR_USAGE,
				 "%s takes %s alone, and '%s' came after it; see sonde help %s",
				 command->name, command->arguments,
				 arguments->items[command->arguments_max], command->name);
	return 0;
}

int command_execute(const struct command *command, int count, char **argv, struct error *err)
{
	struct arguments arguments;
	void *settings = calloc(1, command->settings_bytes + 1);
	int status;

	if (!settings)
		abort();
	if (command->defaults)
		memcpy(settings, command->defaults, command->settings_bytes);
	status = options_parse(command->name, command->options, command->order, count, argv,
			       settings, &arguments, err);
	if (status < 0) {
		free(settings);
		return status;
	}
	if (arguments.help) {
		help_write_command(command, terminal_help_columns(), stdout);
	} else {
		status = check_arguments(command, &arguments, err);
		if (!status)
			status = command->run(settings, &arguments, err);
	}
	arguments_deinit(&arguments);
	options_release(command->options, settings);
	free(settings);
	return status;
}
