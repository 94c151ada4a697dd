"""A hundred threads that Python does not know, beside two that it knows: each is there, by its name, with what it does
and no Python frame; --python-only leaves them out."""

THREADS = 100
# How they spend their time, by the remainder of their number, and how it looks.
KINDS = ("sleep", "read", "futex", "poll")
SPINNING = 7  # this one runs
SOURCE = r"""
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int silent[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *live(void *argument)
{
	long number = (long)argument;
	struct pollfd wait = {silent[0], POLLIN, 0};
	struct timespec long_time = {1000, 0};
	char name[16];

	snprintf(name, sizeof(name), "native-%ld", number);
	pthread_setname_np(pthread_self(), name);
	if (number == 7)
		for (;;)
			__asm__ volatile("");
	switch (number % 4) {
	case 0:
		nanosleep(&long_time, NULL);
		break;
	case 1:
		return (void *)(long)read(silent[0], name, 1);
	case 2:
		pthread_mutex_lock(&lock);
		break;
	default:
		poll(&wait, 1, -1);
	}
	return NULL;
}

int start(long count)
{
	pthread_mutex_lock(&lock);
	if (pipe(silent) < 0)
		return 1;
	for (long i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, live, (void *)i))
			return 1;
	}
	return 0;
}
"""


def scenario(lab):
    import samples

    library = lab.path("native.so")
    if not lab.compile(lab.write("native.c", SOURCE), library, "-shared", "-fPIC", "-pthread"):
        raise lab.Failure("the library cannot be made")
    grammar = samples.Grammar(lab.script)
    with samples.Watched(lab, library) as target:
        recording = target.attach(200, 1, "--wall")
        alone = target.attach(200, 0.3, "--python-only")
    rows = recording.rows()
    native = [row for row in rows if row.thread.startswith("native-")]
    samples.judge(lab, "native threads", recording, grammar.wrong, [row for row in rows if row not in native])
    rounds = recording.info["sampling"]["rounds"]
    lab.equal(sorted(row.thread for row in native), sorted(f"native-{i}" for i in range(THREADS)), "threads")
    lab.equal({row.stack for row in native}, {()}, "stacks of native threads")
    lab.equal({row.samples for row in native}, {rounds}, "samples of each")
    for kind in KINDS:
        found = {row.thread: row.samples for row in recording.rows("wall", "--state", kind) if row in native}
        lab.equal(found, {f"native-{i}": rounds for i in range(THREADS) if KINDS[i % 4] == kind and i != SPINNING},
                  f"threads that wait on {kind}")
    lab.equal(samples.sums(recording.rows("cpu"), lambda row: row.thread),
              {f"native-{SPINNING}": rounds, "MainThread": rounds}, "threads that run")
    lab.equal({row.thread for row in alone.rows()}, {"MainThread", "other"}, "--python-only")
    samples.judge(lab, "--python-only", alone, grammar.wrong)


def work():
    x = 0
    for i in range(12):
        x += i
    return x


def main():
    while True:
        work()  #> work


def other():  #< @threading
    time.sleep(1000)


if __name__ == "__main__":
    import ctypes
    import sys
    import threading
    import time

    from watched import ready

    assert ctypes.CDLL(sys.argv[1]).start(ctypes.c_long(100)) == 0
    threading.Thread(target=other, name="other", daemon=True).start()  #> @threading
    time.sleep(0.2)
    ready()  #> @watched
    main()  #> main
