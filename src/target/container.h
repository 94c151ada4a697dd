#pragma once

/* Where sonde itself runs. */
enum container {
	CONTAINER_NONE,
	CONTAINER_DOCKER, /* or what is told the same things: podman, containerd */
	CONTAINER_KUBERNETES,
	CONTAINER_OTHER, /* lxc, systemd-nspawn */
};

enum container container_find(void);
/* From the text of /proc/1/cgroup. */
enum container container_parse_cgroup(const char *text);
