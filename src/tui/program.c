#include "tui/program.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "collector/launch.h"
#include "collector/signals.h"

#define LOOK_NS    20000000l /* between two looks while it is waited for */
#define LOOKS_LONG 50u

int program_start(struct program *program, char *const *argv, const int *streams, struct error *err)
{
	const struct launch_options options = {
		.argv = (const char *const *)argv,
		.streams = streams,
	};
	struct sigaction interrupt;
	struct signals signals;
	struct launch launch;
	int status;

	*program = (struct program){.interrupt = SIGINT};
	if (sigaction(SIGINT, NULL, &interrupt) == 0 && interrupt.sa_handler == SIG_IGN)
		program->interrupt = SIGTERM;
	signals_begin(&signals);
	status = launch_fork(&launch, &options, NULL, &signals, err);
	signals_end(&signals);
	if (status == 0)
		status = launch_exec(&launch, argv[0], err);
	if (status == 0)
		program->pid = launch.pid;
	return status;
}

/*
 * Looks, and reaps nothing: as long as it is sampled its pid stays its own. Stops by the sampler,
 * which is a thread of ours, come here as well, whatever is asked for, and are not ours to take.
 */
bool program_poll(struct program *program)
{
	siginfo_t info = {0};

	if (program->ended ||
	    waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return program->ended;
	if (info.si_code == CLD_EXITED)
		program->status = (info.si_status & 0xff) << 8;
	else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		program->status = info.si_status & 0x7f;
	else
		return false;
	program->ended = true;
	return true;
}

void program_describe(const struct program *program, char *text, size_t size)
{
	if (WIFSIGNALED(program->status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(program->status),
			 strsignal(WTERMSIG(program->status)));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(program->status));
}

void program_signal(const struct program *program, int number)
{
	if (!program->ended)
		kill(program->pid, number);
}

void program_wait(struct program *program, void (*waiting)(pid_t pid))
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	unsigned looks = 0;

	sigaction(SIGINT, &ignore, &before);
	while (!program_poll(program)) {
		nanosleep(&pause, NULL);
		if (++looks == LOOKS_LONG)
			waiting(program->pid);
	}
	sigaction(SIGINT, &before, NULL);
	while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
