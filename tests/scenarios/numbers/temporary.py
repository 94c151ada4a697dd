"""Temporary is what was freed after at most N further allocations of the same thread, for N = 1 and others."""

N = 100237


def at_once():
    blocks.of_bytes("temporary_at_once")(N)


def after_one():
    blocks.of_bytes("temporary_after_one")(N)


def after_two():
    blocks.of_bytes("temporary_after_two")(N)


def never():
    blocks.of_bytes("temporary_never")(N)


def by_thread():
    blocks.of_bytes("freed_by_thread")(N)


def check(lab, run):
    for threshold, functions in ((None, ["at_once", "after_one"]), (1, ["at_once", "after_one"]),
                                 (2, ["at_once", "after_one", "after_two"])):
        option = "temporary" + (f"={threshold}" if threshold else "")
        for function in ("at_once", "after_one", "after_two", "never"):
            rows = run.case(function, option)
            lab.equal([(row.bytes, row.count) for row in rows], [(N, 1)] if function in functions else [],
                      f"--{option}: {function}")
    many = {row.stack[0].function for row in run.rows("temporary=1000000") if row.stack and row.bytes == N}
    lab.equal(many, {"at_once", "after_one", "after_two", "by_thread"}, "--temporary=1000000")


if __name__ == "__main__":
    import blocks

    at_once()
    after_one()
    after_two()
    never()
    by_thread()
