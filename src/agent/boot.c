#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/agent.h"
#include "agent/python.h"
#include "agent/real.h"
#include "agent/sys.h"

/*
 * How an agent gets from being loaded to recording. The session's descriptor is inherited, or
 * opened anew from the collector's after an exec. It is closed as soon as this process has its
 * area and runs a Python, or knows that it will never want one.
 */

struct agent_page agent_page __attribute__((aligned(AGENT_PAGE_BYTES)));
struct agent agent;

static void *const never = NULL;
static int session_fd = -1;

/* Decimal digits up to a separator or the end; -1 if there are none. */
static long number_parse(const char **text)
{
	long value = -1;

	while (**text >= '0' && **text <= '9' && value < 100000000)
		value = (value < 0 ? 0 : value) * 10 + (*(*text)++ - '0');
	if (**text == ':')
		(*text)++;
	return value;
}

static char *number_write(char *out, long value)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n)
		*out++ = digits[--n];
	return out;
}

static bool is_session(long fd)
{
	uint64_t head[2] = {0};

	return fd >= 0 && sys_pread((int)fd, head, sizeof(head), 0) == sizeof(head) &&
	       head[0] == WIRE_MAGIC && (uint32_t)head[1] == WIRE_VERSION;
}

static int session_open(void)
{
	const char *text = getenv(WIRE_ENVIRONMENT);
	long fd, pid, theirs;
	char path[64] = "/proc/";
	char *out = path + 6;

	if (!text)
		return -1;
	fd = number_parse(&text);
	pid = number_parse(&text);
	theirs = number_parse(&text);
	if (is_session(fd))
		return (int)fd;
	if (pid < 0 || theirs < 0)
		return -1;
	out = number_write(out, pid);
	memcpy(out, "/fd/", 4);
	*number_write(out + 4, theirs) = 0;
	fd = sys_open(path, 02000002 /* O_RDWR | O_CLOEXEC */);
	if (is_session(fd))
		return (int)fd;
	if (fd >= 0)
		sys_close((int)fd);
	return -1;
}

static void *map_shared(uint64_t offset, size_t bytes)
{
	long memory = sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			       session_fd, (int64_t)offset);

	if (memory < 0 && memory > -4096)
		return NULL;
	sys_madvise((void *)memory, bytes, MADV_DONTFORK);
	/* A core would hold all of it, holes too. */
	sys_madvise((void *)memory, bytes, MADV_DONTDUMP);
	return (void *)memory;
}

static bool claim_area(void)
{
	for (uint32_t i = 0; i < WIRE_PROCESS_MAX; i++) {
		uint32_t expected = WIRE_PROCESS_FREE;

		if (!atomic_compare_exchange_strong(&agent.session->process[i].state, &expected,
						    WIRE_PROCESS_CLAIMED))
			continue;
		agent.area = map_shared(wire_area_offset(i), WIRE_AREA_BYTES);
		if (!agent.area) {
			atomic_fetch_add(&agent.session->denied, 1);
			atomic_store(&agent.session->process[i].state, WIRE_PROCESS_FREE);
			return false;
		}
		atomic_store(&agent.session->process[i].pid, (uint32_t)sys_getpid());
		agent.process = i;
		agent.nodes = wire_nodes(agent.area);
		atomic_store(&agent.area->node_count, WIRE_NODE_FIRST);
		return true;
	}
	atomic_fetch_add(&agent.session->refused, 1);
	return false;
}

/* Takes the agent's traces out of the environment that the program will see. */
static void environment_clean(void)
{
	char *list = getenv("LD_PRELOAD");
	char *end;

	unsetenv(WIRE_ENVIRONMENT);
	if (!list)
		return;
	/* sonde puts the agent first. */
	end = strpbrk(list, ": ");
	if (end)
		memmove(list, end + 1, strlen(end + 1) + 1);
	else
		unsetenv("LD_PRELOAD");
}

static void area_describe(void)
{
	struct wire_area *area = agent.area;

	area->pid = (uint32_t)sys_getpid();
	area->parent_pid = (uint32_t)sys_getppid();
	area->own_malloc = real_is_passed_by;
	area->start_time_ns = atomic_load(&agent.session->clock_ns);
	if (atomic_load(&agent.python)) {
		area->python_version = agent.layout.version_hex;
		area->layout_linetable = agent.layout.linetable;
		area->layout_features = agent.layout.features;
		area->layout_code_bytecode = agent.layout.code_bytecode;
		if (agent.layout.features & PYABI_FREE_THREADED)
			area->python_flags |= WIRE_PYTHON_FREE_THREADED;
		if (agent.layout.features & PYABI_DEBUG_BUILD)
			area->python_flags |= WIRE_PYTHON_DEBUG;
	}
}

/* Whether the collector would take this process' numbers for those of others. */
static bool is_foreign(void)
{
	char own[sizeof(agent.session->pid_namespace)] = {0};

	if (!agent.session->pid_namespace[0] ||
	    sys_readlink("/proc/self/ns/pid", own, sizeof(own) - 1) <= 0 ||
	    memcmp(own, agent.session->pid_namespace, sizeof(own)) == 0)
		return false;
	atomic_fetch_add(&agent.session->foreign, 1);
	return true;
}

/* Whether this process may be the one that a session of a single process records. */
static bool is_wanted(void)
{
	uint32_t owner = 0;
	uint32_t pid = (uint32_t)sys_getpid();

	if (!(agent.session->flags & WIRE_SESSION_SINGLE))
		return true;
	return atomic_compare_exchange_strong(&agent.session->single_pid, &owner, pid) ||
	       owner == pid;
}

static void finalizing_watch(void)
{
	agent.finalizing = &never;
	if (atomic_load(&agent.python) && agent.session->flags & WIRE_SESSION_STOP_AT_END)
		agent.finalizing =
			(void *const volatile *)(agent.runtime + agent.layout.runtime_finalizing);
}

void agent_start(void)
{
	static _Atomic bool started;
	uint32_t state = AGENT_ARMED;

	if (atomic_exchange(&started, true))
		return;
	if (!is_wanted()) {
		atomic_store(&agent_page.state, AGENT_OFF);
		atomic_store(&agent.session->process[agent.process].state, WIRE_PROCESS_DONE);
		return;
	}
	area_describe();
	finalizing_watch();
	atomic_store(&agent.session->process[agent.process].state, WIRE_PROCESS_READY);
	if (!atomic_compare_exchange_strong(&agent_page.state, &state, AGENT_ON) &&
	    state == AGENT_OFF && agent.session->start == WIRE_START_AT_ONCE)
		atomic_store(&agent_page.state, AGENT_ON);
}

void agent_stop(enum wire_stop why)
{
	if (atomic_exchange(&agent_page.state, AGENT_OFF) != AGENT_ON)
		return;
	atomic_store(&agent.area->stopped, why);
	atomic_store(&agent.session->process[agent.process].state, WIRE_PROCESS_DONE);
}

bool agent_replace(void)
{
	/* After vfork the parent's memory is ours too. */
	if (atomic_load(&agent_page.state) != AGENT_ON || agent.area->pid != (uint32_t)sys_getpid())
		return false;
	atomic_store(&agent.area->stopped, WIRE_STOP_REPLACED);
	return true;
}

void agent_stay(void)
{
	atomic_store(&agent.area->stopped, WIRE_STOP_NONE);
}

static void settle(void)
{
	agent.drop = agent.session->flags & WIRE_SESSION_DROP;
	agent.sample_rate_bytes = agent.session->sample_rate_bytes;
	agent.calling = real_is_libc() ? BUSY_CALLING : BUSY_INSIDE;
	agent.finalizing = &never;
	if (agent.session->start == WIRE_START_AT_ONCE) {
		agent_start();
		return;
	}
	environment_clean();
	atomic_store(&agent_page.state, AGENT_ARMED);
}

static void session_leave(void)
{
	sys_close(session_fd);
	session_fd = -1;
}

/* handle: where a Python may be. */
static void session_join(void *handle)
{
	uint32_t single;

	if (sys_madvise(&agent_page, sizeof(agent_page), MADV_WIPEONFORK) < 0)
		goto leave;
	agent.session = map_shared(0, WIRE_SESSION_BYTES);
	if (!agent.session)
		goto leave;
	python_find(handle);
	if (agent.session->start != WIRE_START_AT_ONCE && !atomic_load(&agent.python)) {
		/* A shell on its way to Python, perhaps, or a program that loads one later. */
		sys_munmap(agent.session, WIRE_SESSION_BYTES);
		agent.session = NULL;
		return;
	}
	single = atomic_load(&agent.session->single_pid);
	if ((single && single != (uint32_t)sys_getpid()) || is_foreign() || !claim_area()) {
		sys_munmap(agent.session, WIRE_SESSION_BYTES);
		agent.session = NULL;
		goto leave;
	}
	settle();
	/* Who is on the way to a Python, as env and su are, hands it on: where that ends up, the
	 * collector's may be out of reach. */
	if (!atomic_load(&agent.python))
		return;
leave:
	session_leave();
}

void agent_look_for_python(void *handle)
{
	if (atomic_load(&agent.python))
		return;
	if (!agent.session) {
		if (session_fd >= 0)
			session_join(handle);
		return;
	}
	/* A forked child does not even have the area. */
	if (!agent_is_off() && python_find(handle)) {
		area_describe();
		finalizing_watch();
		session_leave();
	}
}

__attribute__((constructor)) static void agent_boot(void)
{
	real_resolve();
	session_fd = session_open();
	if (session_fd >= 0)
		session_join(RTLD_DEFAULT);
}
