#include "cmd/completion.h"

#include <string.h>

static const char *const shells[] = {
	[SHELL_BASH] = "bash",
	[SHELL_ZSH] = "zsh",
	[SHELL_FISH] = "fish",
	NULL,
};

void completion_write(enum completion_shell shell, FILE *out)
{
	switch (shell) {
	case SHELL_BASH:
		completion_write_bash(out);
		break;
	case SHELL_ZSH:
		completion_write_zsh(out);
		break;
	case SHELL_FISH:
		completion_write_fish(out);
		break;
	}
}

static int run(const void *settings, const struct arguments *arguments, struct error *err)
{
	(void)settings;
	for (int i = 0; shells[i]; i++) {
		if (strcmp(shells[i], arguments->items[0]) == 0) {
			completion_write((enum completion_shell)i, stdout);
			return 0;
		}
	}
	return error_set(err, ERROR_USAGE, "no completion for the shell '%s': bash, zsh and fish",
			 arguments->items[0]);
}

static const struct command_example examples[] = {
	{"source <(sonde completion bash)", "for this shell alone"},
	{"sonde completion zsh > ~/.zfunc/_sonde", "where fpath leads"},
	{"sonde completion fish > ~/.config/fish/completions/sonde.fish", "for good"},
	{0},
};

static const struct option_group *const options[] = {&command_common_options, NULL};

const struct command command_completion = {
	.name = "completion",
	.group = COMMAND_HELP,
	.arguments = "SHELL",
	.summary = "write what makes bash, zsh or fish complete sonde's commands and options",
	.examples = examples,
	.options = options,
	.arguments_min = 1,
	.arguments_max = 1,
	.words = shells,
	.run = run,
};
