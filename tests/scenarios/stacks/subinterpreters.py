"""Subinterpreters have stacks of their own: the block of each is where its own code took it."""

FIRST = 1000003
EVERY = 3


# Taken inside the subinterpreter with nothing but built-in types; 64 is more than any header of bytes.
INNER = """
def inner_{number}():
    return bytes({size})

def caller_{number}():
    return inner_{number}()

kept = caller_{number}()
"""


def check(lab, run):
    made = int(run.output)
    if not made:
        lab.note("this Python cannot make one")
        return
    lab.equal(made, EVERY, "subinterpreters")
    for number in range(EVERY):
        size = FIRST + number * 4096
        rows = [row for row in run.rows("total") if size < row.bytes < size + 128]
        lab.equal([tuple(frame.function for frame in row.stack)[:3] for row in rows],
                  [(f"inner_{number}", f"caller_{number}", "<module>")], f"the stack in subinterpreter {number}")
        lab.equal([frame.line for row in rows for frame in row.stack[:3]], [3, 6, 8],
                  f"lines in subinterpreter {number}")
        lab.equal({frame.file for row in rows for frame in row.stack[:3]} - {"<string>", "<script>"}, set(),
                  f"files in subinterpreter {number}")
    main = run.case("in_main")
    lab.equal([(row.bytes, row.count) for row in main], [(EVERY * 100153, EVERY)], "the main interpreter in between")


def in_main():
    blocks.take(100153)


def make():
    try:
        import _interpreters as module
    except ImportError:
        try:
            import _xxsubinterpreters as module
        except ImportError:
            return None
    return module


if __name__ == "__main__":
    import blocks

    interpreters = make()
    count = 0
    kept = []
    for number in range(EVERY if interpreters else 0):
        own = interpreters.create()
        interpreters.run_string(own, INNER.format(number=number, size=FIRST + number * 4096))
        in_main()
        kept.append(own)
        count += 1
    print(count)
