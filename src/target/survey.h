#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "target/permission.h"

/* What sonde can do here, or to one process, each tried. */
struct survey_check {
	const char *name; /* stands in JSON */
	const char *what; /* for people */
	bool is_needed;   /* without it a running process cannot be sampled */
	bool works;
	struct permission_finding finding; /* where it does not: what is in the way */
};

#define SURVEY_CHECKS_MAX 16
/* pid 0: processes in general. */
size_t survey_look(pid_t pid, struct survey_check checks[SURVEY_CHECKS_MAX]);

/* Settings of the kernel that matter, as they are: "" where this kernel does not have one. */
struct survey_setting {
	const char *name; /* as sysctl calls it */
	char value[32];
};

#define SURVEY_SETTINGS_MAX 8
size_t survey_settings(struct survey_setting settings[SURVEY_SETTINGS_MAX]);
