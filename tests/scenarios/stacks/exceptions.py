"""Frames that exceptions unwound are gone from the next stack; handlers, finally and with are where they are."""


def check(lab, run):
    lab.same_stacks(run, least=18)


def deep(depth):
    if depth == 0:
        mark("before raising")
        raise ValueError("deep")
    deep(depth - 1)


def catching():
    try:
        deep(20)
    except ValueError:
        mark("except")
    else:
        mark("never")
    finally:
        mark("finally")
    mark("after")


class Manager:
    def __enter__(self):
        mark("__enter__")
        return self

    def __exit__(self, *exception):
        mark("__exit__")
        return True


def managed():
    with Manager(), \
            Manager():
        mark("inside")
        deep(3)
    mark("behind")


def with_generator_manager():
    @contextlib.contextmanager
    def manager():
        mark("entering")
        try:
            yield
        except ValueError:
            mark("in the manager")
    with manager():
        deep(2)
    mark("behind the manager")


def chained():
    try:
        try:
            deep(4)
        except ValueError as error:
            raise KeyError("second") from error
    except KeyError:
        mark("second handler")


def in_loop():
    for number in range(3):
        try:
            deep(number)
        except ValueError:
            mark("in a loop")
            continue


def stop_iteration():
    for _ in iter(lambda: mark("iter"), None):
        break
    mark("behind the loop")


if __name__ == "__main__":
    import contextlib

    from mark import mark

    catching()
    managed()
    with_generator_manager()
    chained()
    in_loop()
    stop_iteration()
    try:
        int("x")
    except ValueError:
        mark("of C code")
    try:
        deep(1)
    except ValueError as error:
        kept = error.__traceback__
    deep_frame = kept.tb_next.tb_frame
    mark("with frames kept alive")
