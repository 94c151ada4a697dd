"""Python's own allocators, object by object. No calls of Python functions or of methods on the lines that count: under
Memray's profile function Python makes a frame object for each, and an object for each bound method. And no types
that keep dead objects for later (lists, dicts, floats, functions): what Memray itself left there is used first."""

OPTIONS = ["--trace-python-allocators"]


def strings():
    for number in numbers:
        kept[number] = f"text {number}"
    for number in numbers:
        text + "temporary"
    for number in numbers:
        kept[number] += "more"
    for number in numbers:
        text[3:50]


def numbers_of_all_kinds():
    for number in numbers:
        kept[number] = number * 1000000007
    for number in numbers:
        kept[number] = large * number


def displays():
    for number in numbers:
        kept[number] = thirty * 2
    for number in numbers:
        kept[number] = {number, None, "a"}
    for number in numbers:
        kept[number] = {*thirty, number, 1.5, "b", "c", "d", "e", "f"}


def instances():
    for number in numbers:
        kept[number] = Slotted()
    for number in numbers:
        kept[number] = object()
    for number in numbers:
        kept[number] = bytes(700)


def high():
    for number in numbers:
        kept[number] = bytes(10000)
    top = bytes(1000000)
    del top


class Slotted:
    __slots__ = ("x", "y")


if __name__ == "__main__":
    import gc

    gc.disable()
    bytes(3), Slotted(), object()
    numbers = list(range(500))
    thirty = tuple(range(30))
    text, large = "some text " * 9, 3 ** 500
    stores = [None] * 500, [None] * 500, [None] * 500, [None] * 500, [None] * 500
    for kept, function in zip(stores, (strings, numbers_of_all_kinds, displays, instances, high)):
        function()
    print(len(stores))
