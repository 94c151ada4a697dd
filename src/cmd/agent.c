#include "cmd/agent.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT_FILE "libsonde-agent.so"

/* Relative to the folder of the executable: a build folder, then an installation.
 * SONDE_AGENT_FOLDER is what the build configured: relative to the folder of programs, or absolute.
 */
static const char *const places[] = {
	"src/agent/" AGENT_FILE,
	AGENT_FILE,
	SONDE_AGENT_FOLDER "/" AGENT_FILE,
	"../lib/sonde/" AGENT_FILE,
};

static int take(const char *candidate, char *path, size_t size, struct error *err)
{
	char *whole = realpath(candidate, NULL);
	int status = 0;

	if (!whole || access(whole, R_OK) != 0)
		status = error_set_errno(err, ERROR_FAILED, errno, "cannot read the agent %s",
					 candidate);
	else if ((size_t)snprintf(path, size, "%s", whole) >= size)
		status = error_set(err, ERROR_FAILED, "the path of the agent is too long: %s",
				   whole);
	free(whole);
	return status;
}

int agent_find(char *path, size_t size, struct error *err)
{
	const char *named = getenv("SONDE_AGENT");
	char folder[PATH_MAX], candidate[PATH_MAX + 128];
	ssize_t bytes;
	char *slash;

	if (named && *named)
		return take(named, path, size, err);
	bytes = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	if (bytes < 0)
		return error_set_errno(err, ERROR_FAILED, errno,
				       "cannot read /proc/self/exe to find " AGENT_FILE
				       "; name it in SONDE_AGENT");
	folder[bytes] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		bool is_absolute = places[i][0] == '/';

		snprintf(candidate, sizeof(candidate), "%s%s%s", is_absolute ? "" : folder,
			 is_absolute ? "" : "/", places[i]);
		if (access(candidate, F_OK) == 0)
			return take(candidate, path, size, err);
	}
	return error_set(err, ERROR_FAILED,
			 "cannot find " AGENT_FILE
			 " for %s/sonde; install sonde again, or name the "
			 "file in SONDE_AGENT",
			 folder);
}
