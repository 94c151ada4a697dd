"""List, set and dict comprehensions (functions of their own, inlined from 3.12 on) and generator expressions."""


def check(lab, run):
    lab.same_stacks(run, least=20)


def simple():
    [mark("list") for _ in range(2)]
    {mark("set") for _ in range(2)}
    {mark("key"): mark("value") for _ in range(2)}
    list(mark("generator expression") for _ in range(2))


def nested():
    return [[mark("inner") for _ in range(2)] for _ in range(2)]


def filtered():
    return [number for number in range(3)
            if mark("condition")
            if number > 5]


def with_lambda():
    return [(lambda: mark("lambda in a list"))() for _ in range(2)]


def in_generator():
    yield from (mark("delegated") for _ in range(2))


class Holder:
    def method(self):
        return {name: [mark("in a method") for _ in range(1)] for name in "ab"}


if __name__ == "__main__":
    from mark import mark

    simple()
    nested()
    filtered()
    with_lambda()
    list(in_generator())
    Holder().method()
    [mark("module scope") for _ in range(2)]

    class Body:
        values = [mark("class scope") for _ in range(2)]
