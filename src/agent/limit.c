#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/hook.h"
#include "agent/real.h"
#include "agent/sys.h"

/*
 * A program that limits its own address space means its own: what the agent has mapped, a gigabyte
 * of holes, comes on top, and the program reads back what it had asked for.
 */

#define LIMIT_SHARE_BYTES (WIRE_SESSION_BYTES + WIRE_AREA_BYTES + (64ull << 20))

static struct {
	bool any;
	struct rlimit wanted, given;
} limit;

static rlim_t enlarge(rlim_t bytes)
{
	return bytes > RLIM_INFINITY - LIMIT_SHARE_BYTES ? RLIM_INFINITY
							 : bytes + LIMIT_SHARE_BYTES;
}

/* Lifting the hard limit is not everyone's right, so that may leave less than we need. */
static struct rlimit limit_with_share(const struct rlimit *wanted, const struct rlimit *now)
{
	struct rlimit given = {enlarge(wanted->rlim_cur), enlarge(wanted->rlim_max)};

	if (wanted->rlim_max <= now->rlim_max && given.rlim_max > now->rlim_max)
		given.rlim_max = now->rlim_max;
	if (given.rlim_cur > given.rlim_max)
		given.rlim_cur = given.rlim_max;
	return given;
}

/* A child of fork does not have the agent's mappings, one of vfork only borrows them. */
static bool limit_is_shared(void)
{
	return !agent_is_off() && agent.area && agent.area->pid == (uint32_t)sys_getpid();
}

static int limit_change(pid_t pid, const struct rlimit *wanted, struct rlimit *old)
{
	struct rlimit given, now;
	int status = real.prlimit(pid, RLIMIT_AS, NULL, &now);

	if (status < 0)
		return status;
	if (wanted) {
		/* One that contradicts itself is the kernel's to refuse. */
		given = limit_is_shared() && wanted->rlim_cur <= wanted->rlim_max
				? limit_with_share(wanted, &now)
				: *wanted;
		status = real.prlimit(pid, RLIMIT_AS, &given, NULL);
		if (status < 0)
			return status;
	}
	if (old) {
		*old = now;
		if (limit.any && now.rlim_cur == limit.given.rlim_cur &&
		    now.rlim_max == limit.given.rlim_max)
			*old = limit.wanted;
	}
	if (wanted) {
		limit.wanted = *wanted;
		limit.given = given;
		limit.any = true;
	}
	return status;
}

HOOK int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *wanted,
		 struct rlimit *old)
{
	if (resource != RLIMIT_AS || (pid && pid != (pid_t)sys_getpid()))
		return real.prlimit(pid, resource, wanted, old);
	return limit_change(pid, wanted, old);
}

HOOK int setrlimit(enum __rlimit_resource resource, const struct rlimit *wanted)
{
	if (resource != RLIMIT_AS)
		return real.setrlimit(resource, wanted);
	return limit_change(0, wanted, NULL);
}

HOOK int getrlimit(enum __rlimit_resource resource, struct rlimit *now)
{
	if (resource != RLIMIT_AS)
		return real.getrlimit(resource, now);
	return limit_change(0, NULL, now);
}

HOOK int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *wanted,
		   struct rlimit64 *old) __attribute__((alias("prlimit")));
HOOK int setrlimit64(enum __rlimit_resource resource, const struct rlimit64 *wanted)
	__attribute__((alias("setrlimit")));
HOOK int getrlimit64(enum __rlimit_resource resource, struct rlimit64 *now)
	__attribute__((alias("getrlimit")));
