"""Handlers of Python's own signal module run on top of whatever was interrupted; after a RecursionError the stack
is where it was."""


def check(lab, run):
    lab.same_stacks(run, least=9)


def handler(number, frame):
    mark("handler")
    if len(nested) < 3:
        nested.append(1)
        signal.raise_signal(signal.SIGUSR1)


def interrupted(depth):
    if depth:
        return interrupted(depth - 1)
    signal.raise_signal(signal.SIGUSR1)
    return mark("behind the handler")


def raising(number, frame):
    mark("raising handler")
    raise KeyError


def endless(depth):
    if depth == 900:
        mark("deep")
    return endless(depth + 1)


if __name__ == "__main__":
    import signal

    from mark import mark

    nested = []
    signal.signal(signal.SIGUSR1, handler)
    interrupted(5)
    signal.signal(signal.SIGUSR1, raising)
    try:
        interrupted(2)
    except KeyError:
        mark("caught")
    try:
        endless(0)
    except RecursionError:
        mark("after the RecursionError")
