#pragma once

#include <stdio.h>

#include "cmd/command.h"

/* Completion scripts, made from the tables of the commands. They stand on their own: nothing of
 * sonde runs while a user types. */
enum completion_shell {
	SHELL_BASH,
	SHELL_ZSH,
	SHELL_FISH,
};

void completion_write(enum completion_shell shell, FILE *out);

void completion_write_bash(FILE *out);
void completion_write_zsh(FILE *out);
void completion_write_fish(FILE *out);
