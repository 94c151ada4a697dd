#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/*
 * Names of captures with places to fill: %p the target's process id, %h the host, %t local time as
 * 20250131-235959, %% a percent sign.
 */

/* ERROR_USAGE for any other %. */
int template_check(const char *text, struct error *err);

/* Whether the name is known before the target runs. */
bool template_needs_pid(const char *text);

/* What template_check accepted, filled in; to be freed. Never fails. */
char *template_expand(const char *text, pid_t pid, const char *host, time_t when);

/* "sonde-<label>.%p.sonde": the last part of the label, with what is not good in a file name
 * replaced by '_'. To be freed. */
char *template_default(const char *label);
