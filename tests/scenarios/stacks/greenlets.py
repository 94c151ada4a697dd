"""greenlet switches stacks under the interpreter: the stack at an allocation is that of the running greenlet."""


def scenario(lab):
    site = lab.site_packages(["greenlet"])
    run = lab.record_self(environment={"PYTHONPATH": lab.environment()["PYTHONPATH"] + ":" + site})
    lab.same_stacks(run, least=14)


def first(depth):
    if depth:
        return first(depth - 1)
    mark("first")
    two.switch()
    mark("first again")
    two.switch()
    return None


def second():
    mark("second")
    in_second()
    mark("second at its end")


def in_second():
    one.switch()
    mark("second again")


def worker(number):
    for _ in range(number):
        mark(f"worker {number}")
        greenlet.getcurrent().parent.switch()


if __name__ == "__main__":
    import greenlet

    from mark import mark

    one = greenlet.greenlet(lambda: first(5))
    two = greenlet.greenlet(second)
    one.switch()
    mark("main")
    workers = [greenlet.greenlet(worker) for _ in range(4)]
    for number, each in enumerate(workers, 1):
        each.switch(number)
    for each in workers:
        while not each.dead:
            each.switch()
    mark("end")
