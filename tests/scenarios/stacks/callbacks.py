"""C code that calls back into Python: the frames on both sides of it are there."""


def check(lab, run):
    lab.same_stacks(run, least=24)


def key_of(value):
    mark("key")
    return -value


def two(a, b):
    mark("reduce")
    return a + b


class Item:
    def __eq__(self, other):
        mark("__eq__")
        return False

    def __hash__(self):
        mark("__hash__")
        return 1

    def __iter__(self):
        mark("__iter__")
        return iter([1])

    def __repr__(self):
        mark("__repr__")
        return "item"

    def __del__(self):
        pass

    def __reduce__(self):
        mark("__reduce__")
        return Item, ()

    def __format__(self, spec):
        mark("__format__")
        return repr(self)


def compare(a, b):
    mark("qsort")
    return (a[0] > b[0]) - (a[0] < b[0])


def called_by_c():
    mark("called by C")
    if len(depth) < 3:
        depth.append(1)
        blocks.call_back(callback)


def replaced(match):
    mark("re.sub")
    return "x"


if __name__ == "__main__":
    import ctypes
    import functools
    import pickle
    import re
    from itertools import groupby, takewhile

    import blocks
    from mark import mark

    sorted([3, 1, 2], key=key_of)
    functools.reduce(two, [1, 2, 3])
    functools.partial(functools.partial(key_of), 1)()
    list(map(key_of, [1, 2]))
    list(filter(key_of, [1, 2]))
    max([1, 2], key=lambda value: key_of(value))
    Item() == Item()
    {Item(), Item()}
    list(Item())
    f"{Item()!r} {Item()}"
    str([Item()])
    pickle.dumps(Item())
    numbers = (ctypes.c_int * 4)(3, 1, 4, 1)
    blocks.sort_by(numbers, 4, blocks.COMPARE(compare))
    depth = []
    callback = blocks.CALLBACK(called_by_c)
    blocks.call_back(callback)
    re.sub("a", replaced, "aba")
    [list(group) for _, group in groupby([1, 2], key=key_of)]
    list(takewhile(key_of, [1, 2]))
    sorted([2, 1], key=functools.cmp_to_key(lambda a, b: mark("cmp_to_key")))
