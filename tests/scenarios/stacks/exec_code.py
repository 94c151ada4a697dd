"""Code made by exec, eval and compile in loops, the same text and ever new ones."""

DISTINCT = 200
SAME = 200


def check(lab, run):
    lab.same_stacks(run, least=3 * DISTINCT + SAME)


def distinct():
    for number in range(DISTINCT):
        scope = {"mark": mark}
        exec(f"def made_{number}():\n" + "\n" * (number % 9) + "    mark()\n", scope)
        scope[f"made_{number}"]()


def same():
    for _ in range(SAME):
        scope = {"mark": mark}
        exec("def again():\n    mark()\nagain()\n", scope)


def evaluated():
    for number in range(DISTINCT):
        eval(compile("\n" * number + "mark()", f"expression-{number % 5}", "eval"))


def replaced():
    """One function that gets a new code object before every call."""
    def function():
        pass
    for number in range(DISTINCT):
        module = compile(f"def body_{number}():\n  mark()\n", "replaced.py", "exec")
        function.__code__ = next(part for part in module.co_consts if hasattr(part, "co_code"))
        function()


if __name__ == "__main__":
    from mark import mark

    distinct()
    same()
    evaluated()
    replaced()
