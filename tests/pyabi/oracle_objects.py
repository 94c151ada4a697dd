"""Reads objects of this very interpreter through what the room pyabi says of them, and compares with the
objects themselves.

usage: PYTHON oracle_objects.py LIBRARY
"""

import collections
import ctypes
import gc
import sys
import threading

import library
from library import pointer


class Oracle:
    def __init__(self, layout):
        self.layout, self.objects = layout, library.Objects(layout)
        self.checks = self.failures = 0
        self.seen = collections.Counter()

    def same(self, what, found, expected):
        self.checks += 1
        if found != expected or type(found) is not type(expected):
            self.failures += 1
            print("%s: %.300r, not %.300r" % (what, found, expected))

    def value(self, address):
        """What stands at an address, as a value that can be compared; of an object that is none of the
        everyday ones its type's name and its address."""
        objects, name = self.objects, self.objects.name_of_type(address)
        flags = objects.type_of(address).flags
        if name == "NoneType":
            return None
        if name == "bool":
            return bool(objects.integer(address))
        if flags & library.TYPE_LONG:
            return objects.integer(address)
        if flags & library.TYPE_UNICODE:
            return self.layout.text(address).decode()
        if flags & library.TYPE_BYTES:
            return self.layout.bytes(address)
        if flags & library.TYPE_TUPLE:
            return tuple([self.value(item) for item in objects.items(address)])
        if flags & library.TYPE_LIST:
            return [self.value(item) for item in objects.items(address)]
        if flags & library.TYPE_DICT or name == "frozendict":
            return self.pairs(objects.dict(address))
        if name in ("set", "frozenset"):
            return {self.value(item) for item in objects.set(address)}
        if name == "float":
            return objects.float(address)
        return name.rpartition(".")[2], address

    def pairs(self, found):
        return {self.value(key): self.value(value) for key, value in found}

    def expect(self, thing):
        """The same of an object at hand."""
        kind = type(thing)
        for base in (int, str, bytes):
            if isinstance(thing, base) and kind is not bool:
                return base(thing)
        if isinstance(thing, tuple):
            return tuple([self.expect(item) for item in thing])
        if isinstance(thing, list):
            return [self.expect(item) for item in thing]
        if isinstance(thing, dict) or kind.__name__ == "frozendict":
            return {self.expect(key): self.expect(value) for key, value in thing.items()}
        if kind in (set, frozenset):
            return {self.expect(item) for item in thing}
        if thing is None or kind in (bool, float):
            return thing
        return kind.__name__, id(thing)

    def check(self, thing):
        self.same("%.100r" % (thing,), self.value(id(thing)), self.expect(thing))

    # Types

    def check_type(self, kind):
        """Through an instance's eyes: whatever lies at the type's address."""
        what, address = "type %s" % kind.__name__, id(kind)
        copy = ctypes.string_at(address, self.objects.type_size)
        found = self.layout.library.pyabi_type_of(self.objects.raw, copy)
        name = ctypes.string_at(found.name).decode().rpartition(".")[2]
        self.same(what + ": name", name, kind.__name__)
        self.same(what + ": flags", found.flags & 0xffffffff, kind.__flags__ & 0xffffffff)
        self.same(what + ": basicsize", found.basicsize, kind.__basicsize__)
        self.same(what + ": itemsize", found.itemsize, kind.__itemsize__)
        self.same(what + ": dictoffset", found.dictoffset, kind.__dictoffset__)
        self.same(what + ": mro", self.objects.items(found.mro), [id(base) for base in kind.__mro__])
        for base, flag in ((int, library.TYPE_LONG), (list, library.TYPE_LIST),
                           (tuple, library.TYPE_TUPLE), (bytes, library.TYPE_BYTES),
                           (str, library.TYPE_UNICODE), (dict, library.TYPE_DICT)):
            self.same(what + ": is a " + base.__name__, bool(found.flags & flag),
                      issubclass(kind, base))

    # Instances

    def check_instance(self, what, thing, place=None):
        """The attributes where they are now, and again when the interpreter has made them a dict."""
        found, where = self.objects.attributes(id(thing))
        found = self.pairs(found)
        self.seen[where] += 1
        if place:
            self.same(what + ": where its attributes are", where, place)
        expected = self.expect(vars(thing)) if hasattr(thing, "__dict__") else {}
        self.same(what + ": attributes", found, expected)
        again, _ = self.objects.attributes(id(thing))
        self.same(what + ": attributes of the dict", self.pairs(again), expected)


def numbers():
    class Number(int):
        pass

    yield from (0, 1, -1, 255, 256, 257, -6, -5, True, False, Number(5), Number(-2 ** 70))
    for shift in (15, 29, 30, 31, 59, 60, 61, 62, 63, 64, 89, 90, 1000):
        for offset in (-1, 0, 1):
            yield (1 << shift) + offset
            yield -(1 << shift) - offset
    yield from (0.0, -0.0, 1.5, -2.25e300, 5e-324, float("inf"))


def sequences():
    Point = collections.namedtuple("Point", "x y")

    class Row(tuple):
        pass

    class Stack(list):
        pass

    popped = list(range(100))
    del popped[3:]
    yield from ((), (1,), ((), ((2.5,),)), Point(1, "two"), Row((1, 2)), tuple(range(500)))
    yield from ([], [None], [[], [True, b"x"]], popped, list(range(5000)), Stack("abc"))
    yield from (b"", b"\0bytes", "", "caf\xe9", "\U0001f40d", None)


def sets():
    shrunk = set(range(1000))
    for item in range(3, 990):
        shrunk.discard(item)
    refilled = {"a", "b", "c"}
    for turn in range(100):
        refilled.add(turn)
        refilled.discard(turn - 2)
    emptied = {1, 2, 3}
    emptied.clear()
    yield from (set(), {0}, {-1, -2, "x", (1, 2)}, frozenset(), frozenset("hello"), set(range(4000)))
    yield from (shrunk, refilled, emptied)


def dicts():
    def named(**arguments):
        return arguments

    class Table(dict):
        pass

    holes = {str(i): i for i in range(300)}
    for i in range(0, 300, 3):
        del holes[str(i)]
    grown = {"a": 1}
    grown[2] = "general"
    emptied = {"a": 1, "b": 2}
    emptied.clear()
    popped = dict.fromkeys("abcdef", 0)
    popped.popitem()
    popped.pop("a")
    yield from ({}, {"a": 1}, {1: "a", None: 2.0, (): []}, named(), named(x=1, y="z"), holes, grown)
    yield from (emptied, popped, Table(a={}), collections.OrderedDict(b=1, a=2))
    yield from ({str(i): i for i in range(count)} for count in (5, 6, 10, 11, 170, 171, 43690, 43691))
    yield from ({i: i for i in range(count)} for count in (5, 6, 170, 171, 43690, 43691))
    yield {str(i): None for i in range(44000)}.copy()
    if hasattr(__builtins__, "frozendict"):
        yield __builtins__.frozendict(a=1, b=(2,))
    yield collections.Counter("mississippi")


class Plain:
    def __init__(self, *values):
        for number, value in enumerate(values):
            setattr(self, "attribute%d" % number, value)


def instances():
    """(what, object)"""
    class Slots:
        __slots__ = ("a", "b")

    class SlotsAndDict(Slots):
        pass

    class SlotsAndWeak:
        __slots__ = ("a", "__weakref__")

    def changed():
        thing = Plain(1, 2, 3)
        del thing.attribute1
        thing.late = "late"
        yield "deleted", thing
        thing = Plain()
        thing.attribute2, thing.attribute0 = 1, 2
        yield "out of order", thing
        thing = Plain(1, 2)
        del thing.attribute0, thing.attribute1
        yield "all deleted", thing
        thing = Plain(1)
        thing.__dict__ = {"other": [1]}
        yield "another dict", thing
        thing = Plain(1)
        thing.__dict__[7] = "a key that is no str"
        yield "a general dict", thing

    slots = SlotsAndDict()
    slots.a, slots.c = 1, 2
    yield from (("no attributes", Plain()), ("one", Plain("x")), ("29", Plain(*range(29))),
                ("30", Plain(*range(30))), ("31", Plain(*range(31))), ("500", Plain(*range(500))))
    yield from changed()
    yield from (("slots", Slots()), ("slots and dict", slots), ("slots, weak", SlotsAndWeak()),
                ("object", object()), ("int", 5), ("tuple", (1, 2)))
    for base, values in ((int, (0, 5, -5, 2 ** 100, -2 ** 100)), (str, ("", "text", "\u20ac")),
                         (bytes, (b"", b"bytes")), (tuple, ((), (1, 2), tuple(range(50)))),
                         (list, ([1],)), (dict, ({"a": 1},)), (float, (1.5,)), (set, ({1},)),
                         (Exception, ("message",)), (type(sys), ("module",)), (complex, (1j,))):
        kind = type("Of" + base.__name__.capitalize(), (base,), {})
        for value in values:
            thing = kind(value)
            if base is not type(sys):
                yield "%s %.20r without attributes" % (kind.__name__, value), thing
            thing = kind(value)
            thing.first, thing.second = 1, [2]
            yield "%s %.20r" % (kind.__name__, value), thing

    def function():
        pass

    yield "function", function
    function.attribute = 5
    yield "function with an attribute", function
    yield "thread", threading.current_thread()


def check_instances(oracle):
    for what, thing in instances():
        oracle.check_instance(what, thing)
    first = {(3, 11): "values", (3, 12): "tagged values"}.get(
        sys.version_info[:2], "dict" if sys.version_info < (3, 11) else "inline values")
    Other = type("Other", (Plain,), {})
    oracle.check_instance("a fresh one", Other(1, 2), first)
    # the interpreter has made a dict of it; its values may have stayed where they were
    thing = Other(3, 4)
    vars(thing)
    oracle.check_instance("a fresh one with a dict", thing, "dict")
    for kind in ("dict", first):
        oracle.same("there are some with %s" % kind, oracle.seen[kind] > 0, True)


def check_threads(oracle):
    """The names of threads, as sonde finds them: threading._active of sys.modules."""
    objects, stop = oracle.objects, threading.Event()
    threads = [threading.Thread(target=stop.wait, name=name)
               for name in ("worker", "\u0440\u0430\u0431\u043e\u0442\u043d\u0438\u043a", "")]
    for thread in threads:
        thread.start()
    interpreter = pointer(library.runtime_address() + oracle.layout.runtime_interpreters_main)
    modules = pointer(interpreter + oracle.layout.interp_modules)
    oracle.same("sys.modules", modules, id(sys.modules))
    module, = [value for key, value in objects.dict(modules) if oracle.value(key) == "threading"]
    active, = [value for key, value in objects.attributes(module)[0]
               if oracle.value(key) == "_active"]
    found = {}
    for ident, thread in objects.dict(active):
        attributes = oracle.pairs(objects.attributes(thread)[0])
        found[oracle.value(ident)] = attributes["_name"]
    oracle.same("names of threads", found,
                {thread.ident: thread.name for thread in threading.enumerate()})
    oracle.same("there are threads", len(found), 4)
    stop.set()
    for thread in threads:
        thread.join()


def check_keys(oracle):
    """A table with room for two thirds of its size."""
    objects = oracle.objects
    for count, log2_size in ((5, 3), (6, 4), (10, 4), (11, 5), (170, 8), (171, 9)):
        table = {}
        for number in range(count):
            table[str(number)] = number
        keys = pointer(id(table) + objects.dict_keys)
        if objects.keys_size != library.NONE:
            oracle.same("size of a table", pointer(keys + objects.keys_size), 1 << log2_size)
        else:
            oracle.same("size of a table", library.byte(keys + objects.keys_log2_size), log2_size)


def check_cells(oracle):
    bound = "contents"

    def inner():
        return bound, unbound

    contents = {name: pointer(id(cell) + oracle.objects.cell_contents)
                for name, cell in zip(inner.__code__.co_freevars, inner.__closure__)}
    oracle.same("cells", contents, {"bound": id(bound), "unbound": 0})
    unbound = None


def main():
    oracle = Oracle(library.Layout(sys.argv[1]))
    for kind in (object, type, int, bool, str, tuple, list, dict, float, Exception, Plain, Oracle,
                 collections.Counter, collections.OrderedDict, type(sys), type(main), type(check_cells)):
        oracle.check_type(kind)
    for thing in numbers():
        oracle.check(thing)
    for things in (sequences, sets, dicts):
        for thing in things():
            oracle.check(thing)
    oracle.same("size of an object", oracle.objects.object_size, object.__basicsize__)
    check_keys(oracle)
    check_instances(oracle)
    check_threads(oracle)
    check_cells(oracle)
    gc.collect()
    print("%d checks of objects, %d failures" % (oracle.checks, oracle.failures))
    sys.exit(1 if oracle.failures or oracle.checks < 400 else 0)


if __name__ == "__main__":
    main()
