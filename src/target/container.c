#include "target/container.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/proc.h"

enum container container_parse_cgroup(const char *text)
{
	static const struct {
		const char *part;
		enum container container;
	} parts[] = {
		{"kubepods", CONTAINER_KUBERNETES}, {"/docker", CONTAINER_DOCKER},
		{"docker-", CONTAINER_DOCKER},      {"libpod", CONTAINER_DOCKER},
		{"containerd", CONTAINER_DOCKER},   {"/lxc", CONTAINER_OTHER},
		{"machine.slice", CONTAINER_OTHER},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(text, parts[i].part))
			return parts[i].container;
	return CONTAINER_NONE;
}

enum container container_find(void)
{
	enum container found = CONTAINER_NONE;
	char text[4096];
	int fd;

	if (getenv("KUBERNETES_SERVICE_HOST"))
		return CONTAINER_KUBERNETES;
	if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
		return CONTAINER_DOCKER;
	fd = open("/proc/1/cgroup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return CONTAINER_NONE;
	if (proc_read_fd(fd, text, sizeof(text)) > 0)
		found = container_parse_cgroup(text);
	close(fd);
	return found;
}
