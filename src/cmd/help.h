#pragma once

#include <stdio.h>

#include "cmd/command.h"

/* Help texts from the tables, at most `columns` wide. Write errors stay in the stream. */
void help_write_overview(int columns, FILE *out);
void help_write_command(const struct command *command, int columns, FILE *out);

/* The manual page sonde(1) in roff (man macros), all commands in it. */
void manual_write(FILE *out);
