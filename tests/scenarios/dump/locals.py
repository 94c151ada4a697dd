"""The variables of a frame: every kind of value as repr() has it, arguments, cells, what is not bound yet."""

import collections
import enum
import sys
import types

OWN = None  # what repr() says is not what sonde shows: compared elsewhere


def frame_of(lab, thread, function):
    """{name: variable} of the first frame of a function."""
    for frame in thread["stack"]:
        if frame["function"].rpartition(".")[2] == function:
            return {variable["name"]: variable for variable in frame["locals"]}
    raise lab.Failure(f"no frame of {function}", *(str(frame["function"]) for frame in thread["stack"]))


def scenario(lab):
    with lab.standing() as said:
        thread = lab.dump(said["pid"], "-lll", until={"MainThread": "sleep"})["MainThread"]
        for function, expected in said["frames"].items():
            check(lab, function, frame_of(lab, thread, function), expected)
        check_cut(lab, said["pid"])
        check_instances(lab, said["pid"])


def check(lab, function, found, expected):
    values = {name: value for name, (value, _, _) in expected.items() if value is not OWN}
    lab.equal({name: found[name]["value"] for name in values if name in found}, values, f"{function}: values")
    lab.equal({name: [found[name]["type"], found[name]["kind"]] for name in expected if name in found},
              {name: what[1:] for name, what in expected.items()}, f"{function}: types and kinds")
    if function != "<module>":
        lab.equal(sorted(set(found) - set(expected)), [], f"{function}: what it does not have")


def check_cut(lab, pid):
    found = frame_of(lab, lab.dump(pid, "-l")["MainThread"], "large")
    for name, value in {
            "list_of_many": "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 90 more]",
            "set_of_many": "{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 90 more}",
            "dict_of_many": "{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, ... 90 more}",
            "str_long": repr("long " * 16) + "... (1000 characters)",
            "bytes_long": repr(bytes(80)) + "... (1000 bytes)",
            "int_long": "<negative int of 3987 bits>",
            "nested": "[[[... 1 item]]]",
    }.items():
        lab.equal(found[name]["value"], value, f"{name}, cut")
    left_out = [frame["locals_left_out"] for frame in lab.dump(pid, "-l")["MainThread"]["stack"] if "locals_left_out" in frame]
    lab.true(left_out, "more variables than are shown were not said to be left out")
    names = frame_of(lab, lab.dump(pid, "-l")["MainThread"], "<module>")
    lab.equal({name: name in names for name in ("module_text", "MyError", "sys", "expect")},
              {"module_text": True, "MyError": False, "sys": False, "expect": False}, "what a module imports and defines")
    plain = lab.dump(pid)["MainThread"]
    lab.true(all("locals" not in frame for frame in plain["stack"]), "variables that were not asked for")


CLASSES = {"derived": "Derived", "bare": "Slots", "more": "MoreSlots"}


def check_instances(lab, pid):
    """Attributes of instances, in the order in which they were set, without addresses."""
    found = frame_of(lab, lab.dump(pid, "-ll")["MainThread"], "instances")
    for name, attributes in {
            "plain": "x=1, y='two'", "changed": "x=5, z=[3], y=2", "with_dict": "x=1, y=2, later=3",
            "derived": "x=1, y='two', own=None", "bare": "a=1, b=[2]", "more": "a=1, c=3, z=4",
            "many": ", ".join(f"a{i}={i}" for i in range(10)) + ", ...",
    }.items():
        value = found[name]["value"]
        lab.equal((value[:value.find(" at 0x")], value[value.find(": ") + 2:-1]),
                  (f"<__main__.{CLASSES.get(name, 'Plain')} object", attributes), name)
    value = found["friend"]["value"]
    lab.true("friend=<__main__.Plain object at 0x" in value and value.endswith(": x=1, y='two'>>"),
             "an attribute that is an instance", value)
    value = found["narcissus"]["value"]
    lab.true(value.startswith("<__main__.Plain object at 0x") and ": self=<__main__.Plain object at 0x" in value and
             value.count(":") == 1, "an instance that has itself", value)


# The target

FRAMES = {}


def expect(function, variables, arguments=(), free=(), names=False, **shown):
    """Notes what is to be seen of a frame. shown: the text where it is not repr()'s, OWN: not compared."""
    FRAMES[function] = {
        name: (shown[name] if name in shown else repr(value), type_name(type(value)),
               "name" if names else "argument" if name in arguments else "free" if name in free else "local")
        for name, value in variables.items() if not name.startswith("__")}


def type_name(cls):
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


class Plain:
    def __init__(self, **more):
        self.__dict__.update(more)


class Derived(Plain):
    pass


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class MyList(list):
    pass


class MyInt(int):
    pass


class MyFloat(float):
    pass


class MyStr(str):
    pass


class MySet(set):
    pass


class MyError(ValueError):
    pass


class Slots:
    __slots__ = ("a", "b", "unset")


class MoreSlots(Slots):
    __slots__ = ("c", "__dict__")


Point = collections.namedtuple("Point", "x y")


def values(then):
    none, true, false, ellipsis, not_implemented = None, True, False, ..., NotImplemented
    zero, one, minus_one, small, big = 0, 1, -1, 1 << 29, -(1 << 30)
    digit_edge, two_digits, many_digits, negative = (1 << 60) - 1, 1 << 60, 10 ** 50, -(1 << 64)
    pi, whole, exponent, tiny, infinite, minus_zero = 3.14, 1e15, 1e16, 5e-324, float("-inf"), -0.0
    imaginary, complex_both, complex_zero = 1j, complex(1.5, -2), complex(-0.0, float("nan"))
    empty, ascii_text, latin, wide, astral = "", "abc", "h\xe9llo", "\u20acuro", "\U0001f600 smile"
    quotes, escapes, surrogate = "it's \"it\"", "\t\n\r\\\x00\x1b\x7f\x9b\u202e", "\ud800"
    bytes_empty, bytes_all, byte_array, byte_array_moved = b"", bytes(range(256)), bytearray(b"xy"), bytearray(b"abcdef")
    del byte_array_moved[:2]
    list_empty, list_mixed, nested = [], [1, "a", None, [2.5]], [[[["deep"]]]]
    tuple_empty, tuple_one, tuple_two = (), (1,), (1, (2,))
    dict_empty, dict_text, dict_mixed = {}, {"a": 1, "b": [2]}, {1: "x", None: 2, "k": (3,), 2.5: {}}
    dict_holes, dict_large = {number: -number for number in range(40)}, {f"key{number}": number for number in range(700)}
    for every_third in range(0, 40, 3):
        del dict_holes[every_third]
    set_empty, set_one, frozen_empty, frozen = set(), {1}, frozenset(), frozenset({"x"})
    set_holes = set(range(30)) - {3, 7}
    set_holes.discard(8)
    range_short, range_step, range_far = range(5), range(1, 10, 2), range(10 ** 30)
    part = slice(1, None, "x")
    cyclic_list, cyclic_dict = [1], {}
    cyclic_list.append(cyclic_list)
    cyclic_dict["self"] = cyclic_dict
    proxy = types.MappingProxyType({"a": 1})
    gone = 1
    del gone
    expect("values", locals(), {"then"}, then=OWN)
    then()
    not_bound_yet = 1


def large(then):
    list_of_many, set_of_many, dict_of_many = list(range(100)), set(range(100)), {i: i for i in range(100)}
    str_long, bytes_long, nested = "long " * 200, bytes(1000), [[[["deep"]]]]
    int_huge, int_long = 10 ** 5000, -(10 ** 1200)
    expect("large", locals(), {"then"}, then=OWN, int_huge="<int of 16610 bits>")
    then()


def classes(then):
    my_list, my_int, my_float, my_str, my_set = MyList([1]), MyInt(-5), MyFloat(2.5), MyStr("hi"), MySet({1})
    point, ordered, counter = Point(1, "b"), collections.OrderedDict(a=1), collections.Counter("aab")
    red, high = Color.RED, Level.HIGH
    error, own_error, empty_error, os_error = ValueError("x"), MyError(1, 2), KeyError(), OSError(2, "gone", "f")
    builtin, builtin_method, plain_type, own_type, meta = len, [].append, int, Slots, type
    a_module, a_function, a_lambda, a_code = sys, values, lambda: 1, values.__code__
    expect("classes", locals(), {"then"}, then=OWN, my_list="__main__.MyList([1])", my_int="__main__.MyInt(-5)",
           my_float="__main__.MyFloat(2.5)", my_str="__main__.MyStr('hi')", my_set="__main__.MySet({1})",
           point="__main__.Point((1, 'b'))", ordered="collections.OrderedDict({'a': 1})",
           counter="collections.Counter({'a': 2, 'b': 1})", red="<Color.RED: 1>", high="<Level.HIGH: 3>",
           os_error="FileNotFoundError(2, 'gone')", a_module="<module 'sys'>")
    then()


def instances(then):
    plain, changed, with_dict, derived = Plain(), Plain(), Plain(), Derived()
    plain.x, plain.y = 1, "two"
    changed.x, changed.y, changed.z = 1, 2, [3]
    del changed.y
    changed.x, changed.y = 5, 2
    with_dict.x, with_dict.y = 1, 2
    with_dict.__dict__["later"] = 3
    derived.x, derived.y, derived.own = 1, "two", None
    many, friend, narcissus = Plain(**{f"a{number}": number for number in range(20)}), Plain(), Plain()
    friend.friend, narcissus.self = plain, narcissus
    split, many_items = plain.__dict__, many.__dict__
    bare, more, anything, generator, method = Slots(), MoreSlots(), object(), (number for number in ()), plain.__init__
    bare.b, bare.a, more.z, more.c, more.a = [2], 1, 4, 3, 1
    expect("instances", locals(), {"then"}, then=OWN, plain=OWN, changed=OWN, with_dict=OWN, derived=OWN, many=OWN,
           friend=OWN, narcissus=OWN, bare=OWN, more=OWN, method=OWN)
    then()


def arguments(first, second=2, *rest, only, other=None, then, **more):
    here = 1
    expect("arguments", locals(), {"first", "second", "rest", "only", "other", "then", "more"}, then=OWN)
    then()


def cells(shared, then):
    """An argument and a variable that are cells, and one that has no value."""
    own = [1]

    def inner(mine):
        nonlocal shared
        shared += 1
        expect("inner", {"mine": mine, "own": own, "shared": shared, "then": then}, {"mine"},
               {"own", "shared", "then"}, then=OWN)
        mine = own
        FRAMES["inner"]["mine"] = repr(mine), "list", "argument"
        class_body(then)
        return unbound

    def never():
        return unbound, inner

    FRAMES["cells"] = {"shared": (repr(shared + 1), "int", "argument"), "own": (repr(own), "list", "local"),
                       "then": (OWN, "function", "argument"), "inner": (repr(inner), "function", "local"),
                       "never": (repr(never), "function", "local")}
    inner("mine")
    unbound = 1


def class_body(then):
    class Body:
        attribute = "set in the body"

        def method(self):
            pass

        expect("Body", {"attribute": attribute, "method": method}, names=True)
        FRAMES["Body"]["then"] = OWN, "function", "free"
        then()


def module_names():
    found = {"module_text": module_text, "module_list": module_list, "MyError": MyError}
    expect("<module>", found, names=True)


module_text, module_list = "of a module", [1, 2]

if __name__ == "__main__":
    import standstill

    def stop():
        module_names()
        standstill.stand(frames=FRAMES)

    values(lambda: large(lambda: classes(lambda: instances(lambda: arguments(
        1, 2, 3, 4, only="o", then=lambda: cells(41, stop), unknown={"a": 1})))))
