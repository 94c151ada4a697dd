"""Generators: resumed by next, send, throw and close, from several places, nested with yield from, at the end
of their life."""


def check(lab, run):
    lab.same_stacks(run, least=26)


def counting():
    mark("first")
    received = yield 1
    mark("after next")
    received = yield received
    mark("after send")
    try:
        yield received
    except ValueError:
        mark("after throw")
    try:
        yield 4
    finally:
        mark("closed")


def resumed_from_elsewhere(generator):
    return next(generator)


def deeper(generator, depth):
    return deeper(generator, depth - 1) if depth else next(generator, None)


def leaf():
    for _ in range(3):
        mark("leaf")
        yield


def middle():
    mark("before")
    yield from leaf()
    mark("between")
    yield from (value for value in leaf())


def top():
    yield from middle()


def recursive(depth):
    if depth:
        yield from recursive(depth - 1)
    mark("recursive")
    yield depth


def never_finished():
    try:
        mark("started")
        yield
    finally:
        mark("finalized")


def raising():
    mark("before raising")
    yield
    raise KeyError


if __name__ == "__main__":
    from mark import mark

    one = counting()
    next(one)
    resumed_from_elsewhere(one)
    one.send(5)
    one.throw(ValueError("x"))
    one.close()

    two = top()
    next(two)
    deeper(two, 5)
    deeper(two, 1)
    resumed_from_elsewhere(two)
    list(two)

    list(recursive(4))
    three = never_finished()
    next(three)
    del three
    mark("after")
    try:
        list(raising())
    except KeyError:
        mark("caught")
    a, b = leaf(), leaf()
    for pair in zip(a, b):
        mark("zipped")
    sum(1 for _ in map(lambda _: mark("mapped"), leaf()))
