#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/signals.h"

/*
 * sonde on a terminal: this test holds the other side of one, a shell leads its session, and a
 * sonde with a target is the job in the foreground.
 */
static int terminal; /* the keyboard */
static int report;   /* what the shell has to say: words of one byte */

#define STOPPED   's'
#define CONTINUED 'c'

static void say(int fd, char word)
{
	while (write(fd, &word, 1) < 0)
		;
}

/* The next word, 0 if there is none for ten seconds. */
static char hear(void)
{
	char word = 0;

	alarm(10);
	if (read(report, &word, 1) != 1)
		word = 0;
	alarm(0);
	return word;
}

static void target_on_key(int number)
{
	(void)number;
	_exit(9);
}

static _Noreturn void be_target(void)
{
	signal(SIGINT, target_on_key);
	for (;;)
		usleep(1000);
}

/* What recording.c does with its target, without the recording. */
static _Noreturn void be_sonde(int out)
{
	struct signals signals;
	siginfo_t info;
	pid_t target;

	signals_begin(&signals);
	target = fork();
	if (target == 0) {
		signals_child(&signals);
		be_target();
	}
	signals_watch(&signals, target);
	say(out, 't');
	for (;;) {
		if (waitid(P_PID, (id_t)target, &info, WEXITED | WSTOPPED) < 0)
			continue;
		if (info.si_code != CLD_STOPPED)
			break;
		signals_target_stopped(&signals, info.si_status);
	}
	signals_end(&signals);
	_exit(info.si_code == CLD_EXITED ? info.si_status : 1);
}

static _Noreturn void be_shell(int tty, int out)
{
	pid_t job;
	int status;

	setsid();
	ioctl(tty, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		tcsetpgrp(tty, getpid());
		signal(SIGTTOU, SIG_DFL);
		be_sonde(out);
	}
	for (;;) {
		if (waitpid(job, &status, WUNTRACED | WCONTINUED) < 0)
			_exit(1);
		if (WIFSTOPPED(status)) {
			say(out, STOPPED);
			/* fg */
			kill(-job, SIGCONT);
		} else if (WIFCONTINUED(status)) {
			say(out, CONTINUED);
		} else {
			say(out, (char)(WIFEXITED(status) ? WEXITSTATUS(status) : 1));
			_exit(0);
		}
	}
}

static pid_t open_terminal(void)
{
	int tty, pipe_fds[2];
	pid_t shell;

	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	tty = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(tty >= 0);
	assert_int_equal(pipe(pipe_fds), 0);
	shell = fork();
	if (shell == 0) {
		close(terminal);
		close(pipe_fds[0]);
		be_shell(tty, pipe_fds[1]);
	}
	close(tty);
	close(pipe_fds[1]);
	report = pipe_fds[0];
	return shell;
}

static void press(char key)
{
	assert_int_equal(write(terminal, &key, 1), 1);
}

/* ^Z stops both, fg continues both, ^C reaches the target and ends the job with its status. */
static void test_job_control(void **state)
{
	pid_t shell = open_terminal();

	(void)state;
	assert_int_equal(hear(), 't');
	for (int i = 0; i < 2; i++) {
		press('Z' & 31);
		assert_int_equal(hear(), STOPPED);
		assert_int_equal(hear(), CONTINUED);
		/* A person's next key comes after what fg has set off: sonde hands the continuing
		 * on, which a stop in that very moment would cancel. */
		usleep(300000);
	}
	press('C' & 31);
	assert_int_equal(hear(), 9);
	waitpid(shell, NULL, 0);
	close(terminal);
	close(report);
}

static volatile sig_atomic_t counts[NSIG];

static void count(int number)
{
	counts[number]++;
}

/* A target that counts what it gets; ended by SIGUSR2, its status is what it counted of SIGTERM. */
static pid_t count_apart(struct signals *signals)
{
	int ready[2];
	pid_t target;
	char word;

	assert_int_equal(pipe(ready), 0);
	signals_begin(signals);
	target = fork();
	if (target == 0) {
		struct sigaction action = {.sa_handler = count};

		signals_child(signals);
		sigaction(SIGTERM, &action, NULL);
		sigaction(SIGUSR2, &action, NULL);
		say(ready[1], 'r');
		while (!counts[SIGUSR2])
			usleep(1000);
		_exit(counts[SIGTERM]);
	}
	signals_watch(signals, target);
	assert_int_equal(read(ready[0], &word, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return target;
}

static int end_count(pid_t target, struct signals *signals)
{
	int status = -1;

	usleep(50000);
	kill(target, SIGUSR2);
	waitpid(target, &status, 0);
	signals_end(signals);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Repeated at once, a signal is handed on once: a group that is signalled is not hit twice. */
static void test_forward(void **state)
{
	struct signals signals;
	pid_t target = count_apart(&signals);

	(void)state;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGTERM);
	usleep(250000);
	kill(getpid(), SIGTERM);
	assert_int_equal(end_count(target, &signals), 2);
}

/* What the caller had ignored stays so, for both, and everything is put back. */
static void test_ignored(void **state)
{
	struct sigaction action;
	struct signals signals;
	sigset_t mask;
	pid_t target;

	(void)state;
	signal(SIGTERM, SIG_IGN);
	target = count_apart(&signals);
	kill(getpid(), SIGTERM);
	assert_int_equal(end_count(target, &signals), 0);
	sigaction(SIGTERM, NULL, &action);
	assert_ptr_equal(action.sa_handler, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	sigaction(SIGPIPE, NULL, &action);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
	assert_false(sigismember(&mask, SIGHUP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_control),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
