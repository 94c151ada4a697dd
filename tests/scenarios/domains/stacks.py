"""--trace-python-allocators: objects have the same exact stacks as C blocks, in generators, callbacks, exec'd code."""

import json

OPTIONS = ["--trace-python-allocators"]


def check(lab, run):
    expected = {}
    for size, stack in json.loads(run.output):
        stack = tuple(tuple(frame) for frame in stack)
        total, count = expected.get(stack, (0, 0))
        expected[stack] = (total + size, count + 1)
    lab.true(len(expected) > 35, "too few stacks")
    found = {tuple((frame.function, frame.file, frame.line) for frame in row.stack): (row.bytes, row.count)
             for row in run.rows("total") if row.allocator == "pymalloc_malloc" and
             row.bytes >= 20000 * row.count and row.stack and row.stack[0].function == "place"}
    for stack in list(expected) + list(found):
        if expected.get(stack) != found.get(stack):
            lab.fail(f"{stack[0]} above {stack[1]}, depth {len(stack)}", f"expected {expected.get(stack)}",
                     f"found    {found.get(stack)}")


def place():
    """Makes an object of a size that no other has, on the line behind the one where it notes the stack."""
    text = next(texts)
    note(sys._getframe())
    made = text + "-"
    noted[-1][0] = sys.getsizeof(made)
    kept.append(made)


def note(frame):
    stack = []
    above = 1
    while frame:
        code = frame.f_code
        stack.append((getattr(code, "co_qualname", code.co_name), code.co_filename, frame.f_lineno + above))
        frame, above = frame.f_back, 0
    noted.append([None, stack])


def generator():
    for _ in range(3):
        place()
        yield


def deep(depth):
    if depth:
        return deep(depth - 1)
    return place()


class Thing:
    def __init__(self):
        place()

    def __repr__(self):
        place()
        return "thing"


async def coroutine():
    place()
    await asyncio.sleep(0)
    place()


if __name__ == "__main__":
    import asyncio
    import sys

    noted, kept = [], []
    texts = iter(["x" * (20011 + 16 * number) for number in range(200)])
    list(generator())
    repr(Thing())
    for depth in (1, 30, 3, 200):
        deep(depth)
    asyncio.run(coroutine())
    sorted([3, 2, 1], key=lambda _: place() or 0)
    for number in range(30):
        exec(f"def made_{number}():\n{chr(10) * number}    place()\nmade_{number}()")
    print(json.dumps(noted))
