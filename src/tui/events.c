#include "tui/events.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static void events_signals(sigset_t *signals)
{
	static const int numbers[] = {SIGINT,  SIGQUIT,  SIGTERM, SIGHUP,
				      SIGTSTP, SIGWINCH, SIGCHLD, SIGPIPE};

	sigemptyset(signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction now;

		/* What our caller had us ignore stays ignored. */
		if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN &&
		    numbers[i] != SIGCHLD)
			continue;
		sigaddset(signals, numbers[i]);
	}
}

int events_begin(struct events *events)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t signals;

	events_signals(&signals);
	/* Ignored, it would reap children before we know how they ended. */
	sigaction(SIGCHLD, &plain, NULL);
	pthread_sigmask(SIG_BLOCK, &signals, &events->before);
	events->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (events->fd < 0) {
		int errnum = errno;

		pthread_sigmask(SIG_SETMASK, &events->before, NULL);
		errno = errnum;
		return -1;
	}
	return 0;
}

void events_end(struct events *events)
{
	struct signalfd_siginfo ignored;

	while (read(events->fd, &ignored, sizeof(ignored)) > 0)
		;
	close(events->fd);
	pthread_sigmask(SIG_SETMASK, &events->before, NULL);
}

struct occurrence events_wait(struct events *events, int fd, uint64_t timeout_ns)
{
	const struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};
	struct pollfd polled[] = {{.fd = events->fd, .events = POLLIN},
				  {.fd = fd, .events = POLLIN}};
	struct occurrence event = {0};
	struct signalfd_siginfo info;

	if (ppoll(polled, 2, &timeout, NULL) <= 0)
		return event;
	if (polled[0].revents && read(events->fd, &info, sizeof(info)) == sizeof(info)) {
		event.signal = (int)info.ssi_signo;
		event.by_terminal = info.ssi_code == SI_KERNEL;
	}
	event.readable = polled[1].revents & POLLIN;
	event.gone = polled[1].revents & (POLLHUP | POLLERR | POLLNVAL);
	return event;
}

void events_stop_here(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL}, before;
	sigset_t stop, mask;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &plain, &before);
	/* By the signal itself, so that nobody stops for good who has nobody to continue it. */
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, &mask);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTSTP, &before, NULL);
}
