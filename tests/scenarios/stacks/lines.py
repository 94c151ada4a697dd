"""Lines of calls that span several, of loops, conditions and long functions: what this Python says they are."""


def check(lab, run):
    lab.same_stacks(run, least=300)


def over_lines():
    mark(
        "first of its arguments"
    )
    return (mark("left")
            +
            mark("right"))


def arguments():
    take_two(
        mark("one"),
        take_two(
            mark("two"),
            mark("three")
        )
    )


def take_two(a,
             b=0):
    mark(
        "inside"
    )
    return a


def chained():
    return (
        Chain()
        .step()
        .step()
        .step()
    )


class Chain:
    def step(self):
        mark("step")
        return self


def conditions(value):
    if (value and
            mark("and")
            or mark("or")):
        pass
    elif mark("elif"):
        pass
    while (mark("while")
           and value > 3):
        value -= 1
    return (mark("true") if value
            else mark("false"))


def displays():
    return {
        "a": mark("a"),
        **{
            "b": mark("b")
        },
        "c": [
            mark("c"),
            *(mark("d"),
              mark("e")),
        ],
    }, f"""
    {mark("in a string")}
    {
        mark("deeper in a string")
    }
    """


def assertions():
    assert mark("assert"), (
        mark("never")
    )
    try:
        assert not mark("not"), mark(
            "message"
        )
    except AssertionError:
        mark("caught")


def decorators():
    @wrap(
        mark("argument of a decorator")
    )
    @wrap(mark("second"))
    def decorated(
            value=mark("default"),
    ):
        mark("decorated")

    decorated()


def wrap(_):
    def inner(function):
        mark("wrapping")
        return function
    return inner


def long_function(count):
    """A function of several hundred lines, made from text: line numbers that do not fit into one byte."""
    text = "def long(mark):\n" + "".join(f"    {'pass' if line % 7 else 'mark()'}\n" for line in range(count))
    scope = {}
    exec(compile("\n" * 70000 + text, "long.py", "exec"), scope)
    scope["long"](mark)


def wide_function():
    """Calls far to the right, and a line with many instructions before the call."""
    text = "def wide(mark):\n    return [" + ", ".join(str(number) for number in range(3000)) + ", " + "0, " * 3000 + \
        "mark(),\n\n\n mark()]\n"
    scope = {}
    exec(compile(text, "wide.py", "exec"), scope)
    scope["wide"](mark)


def backwards():
    """Lines that go back: the loop's head is above its body's end."""
    for _ in iter([1, 2]):
        if _ == 1:
            mark("one")
            continue

        mark("two")
    else: mark("else")
    with_line_before = [
        number for
        number in
        (mark("a"), mark("b"))
    ]; mark("behind a semicolon")
    return with_line_before


if __name__ == "__main__":
    from mark import mark

    over_lines()
    arguments()
    chained()
    conditions(0)
    conditions(5)
    displays()
    assertions()
    decorators()
    long_function(2000)
    wide_function()
    backwards()
