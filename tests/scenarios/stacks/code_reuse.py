"""A code object that dies leaves its memory to the next one: the names of the two must never be mixed."""

ROUNDS = 1500


def check(lab, run):
    lab.same_stacks(run, least=ROUNDS)
    # What the allocator gives depends on where memory is: mostly it is all of them.
    lab.true(int(run.output) > ROUNDS / 10, f"only {run.output!r} code objects were made where another had been")


def make(name, line, file):
    scope = {"mark": mark}
    exec(compile("\n" * line + f"def {name}():\n    mark()\n", file, "exec"), scope)
    return scope[name]


def alternate():
    """Same shape, so that the allocator gives the same memory: other name, line and file each time."""
    again, seen = 0, set()
    for number in range(ROUNDS):
        function = make(f"name_{number % 97:03}", number % 11, f"file_{number % 13:02}.py")
        address = id(function.__code__)
        again += address in seen
        seen.add(address)
        function()
        del function
    return again


if __name__ == "__main__":
    from mark import mark

    print(alternate())
