#include "collector/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* A process group that is signalled from outside gets each signal once by itself and once from us;
 * repetitions within this time are not handed on. */
#define SIGNALS_REPEAT_NS 200000000ull

enum signals_role {
	SIGNALS_END,     /* as the next one; ends sonde when there is no target any more */
	SIGNALS_FORWARD, /* handed on when a process sent it, left to the target otherwise */
	SIGNALS_IGNORE,
	SIGNALS_DEFAULT, /* the inherited disposition would hide the target's end */
};

static const struct {
	int number;
	enum signals_role role;
} signals_table[] = {
	{SIGINT, SIGNALS_END},      {SIGQUIT, SIGNALS_END},     {SIGTERM, SIGNALS_END},
	{SIGHUP, SIGNALS_END},      {SIGUSR1, SIGNALS_FORWARD}, {SIGUSR2, SIGNALS_FORWARD},
	{SIGTSTP, SIGNALS_FORWARD}, {SIGCONT, SIGNALS_FORWARD}, {SIGPIPE, SIGNALS_IGNORE},
	{SIGXFSZ, SIGNALS_IGNORE},  {SIGCHLD, SIGNALS_DEFAULT},
};

#define SIGNALS_COUNT (sizeof(signals_table) / sizeof(signals_table[0]))
_Static_assert(SIGNALS_COUNT <= SIGNALS_MAX, "every signal has its place");

static volatile pid_t signals_target;
static volatile sig_atomic_t signals_saw_stop_key;
static volatile sig_atomic_t signals_target_is_gone, signals_saw_end;
static uint64_t signals_forwarded_ns[NSIG];

static bool signals_is_handled(unsigned i)
{
	return signals_table[i].role == SIGNALS_END || signals_table[i].role == SIGNALS_FORWARD;
}

static bool signals_ends(int number)
{
	for (unsigned i = 0; i < SIGNALS_COUNT; i++) {
		if (signals_table[i].number == number)
			return signals_table[i].role == SIGNALS_END;
	}
	return false;
}

static uint64_t signals_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void signals_forward(int number, siginfo_t *info, void *context)
{
	int errnum = errno;
	pid_t target = signals_target;
	uint64_t now_ns = signals_now_ns();

	(void)context;
	if (number == SIGTSTP)
		signals_saw_stop_key = 1;
	if (signals_target_is_gone && signals_ends(number))
		signals_saw_end = 1;
	/* si_code above 0: the kernel's own, for the whole foreground group. */
	if (target > 0 && info->si_code <= 0 && info->si_pid != target &&
	    now_ns - signals_forwarded_ns[number] >= SIGNALS_REPEAT_NS) {
		signals_forwarded_ns[number] = now_ns;
		kill(target, number);
	}
	errno = errnum;
}

static void signals_held(sigset_t *held)
{
	sigemptyset(held);
	for (unsigned i = 0; i < SIGNALS_COUNT; i++) {
		if (signals_is_handled(i))
			sigaddset(held, signals_table[i].number);
	}
}

void signals_begin(struct signals *signals)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	sigset_t held;

	signals->has_terminal = terminal >= 0;
	if (terminal >= 0)
		close(terminal);
	signals_held(&held);
	sigprocmask(SIG_BLOCK, &held, &signals->mask);
	for (unsigned i = 0; i < SIGNALS_COUNT; i++) {
		struct sigaction action = {.sa_handler = SIG_IGN};

		sigaction(signals_table[i].number, NULL, &signals->old[i]);
		if (signals_table[i].role == SIGNALS_DEFAULT)
			action.sa_handler = SIG_DFL;
		if (!signals_is_handled(i))
			sigaction(signals_table[i].number, &action, NULL);
	}
}

static void signals_restore(const struct signals *signals)
{
	for (unsigned i = 0; i < SIGNALS_COUNT; i++)
		sigaction(signals_table[i].number, &signals->old[i], NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

void signals_child(const struct signals *signals)
{
	signals_restore(signals);
}

void signals_watch(struct signals *signals, pid_t target)
{
	struct sigaction action = {.sa_sigaction = signals_forward,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	signals_held(&action.sa_mask);
	signals_saw_stop_key = signals_target_is_gone = signals_saw_end = 0;
	signals_target = target;
	for (unsigned i = 0; i < SIGNALS_COUNT; i++) {
		if (signals_is_handled(i) &&
		    (signals_table[i].number == SIGCONT || signals->old[i].sa_handler != SIG_IGN))
			sigaction(signals_table[i].number, &action, NULL);
	}
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

void signals_target_ended(struct signals *signals)
{
	(void)signals;
	signals_target = 0;
	signals_target_is_gone = 1;
}

bool signals_asked_to_end(const struct signals *signals)
{
	(void)signals;
	return signals_saw_end;
}

void signals_end(struct signals *signals)
{
	signals_target = 0;
	signals_restore(signals);
}

bool signals_target_stopped(const struct signals *signals, int signal_number)
{
	bool by_key = signal_number == SIGTSTP || signal_number == SIGTTIN ||
		      signal_number == SIGTTOU || signals_saw_stop_key;

	signals_saw_stop_key = 0;
	if (!signals->has_terminal || !by_key)
		return false;
	kill(getpid(), SIGSTOP);
	if (signals_target > 0)
		kill(signals_target, SIGCONT);
	return true;
}
