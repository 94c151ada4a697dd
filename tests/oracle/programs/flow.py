"""Generators, coroutines, exceptions, callbacks, classes, exec: the same lines and the same stacks."""


def generate():
    for number in range(5):
        yield bytes(20000 + number)


def delegate():
    yield from generate()


async def work(number):
    data = bytes(30000 + number)
    await asyncio.sleep(0)
    return data


async def main():
    return await asyncio.gather(*[work(number) for number in range(3)])


def fall(depth):
    if depth == 0:
        kept.append(bytes(40000))
        raise ValueError
    fall(depth - 1)


def caught():
    try:
        fall(5)
    except ValueError:
        kept.append(bytes(40001))


def key(value):
    kept.append(bytes(50000 + value))
    return value


class Holder:
    def __init__(self):
        self.data = bytes(60000)

    def __del__(self):
        kept.append(bytes(60001))

    def __enter__(self):
        self.more = bytes(60002)
        return self

    def __exit__(self, *exception):
        kept.append(bytes(60003))


def with_holder():
    with Holder() as holder:
        kept.append(holder.more)


def made():
    for number in range(4):
        scope = {"kept": kept}
        exec(f"def made_{number}():\n    kept.append(bytes({70000 + number}))\nmade_{number}()", scope)


def lines():
    kept.append(
        bytes(
            80000
        )
    )
    return (bytes(80001),
            bytes(80002))


def everything():
    kept.extend(delegate())
    kept.extend(asyncio.run(main()))
    caught()
    sorted([3, 1, 2], key=key)
    with_holder()
    made()
    kept.append(lines())


if __name__ == "__main__":
    import asyncio

    kept = []
    everything()
    print(len(kept))


def left_out(metric, allocator, place, average):
    """asyncio's own needs on the way: selectors, sockets, whose buffers may differ from run to run."""
    return any("asyncio" in file or "selectors" in file or "socket" in file for _, file, _ in place)
