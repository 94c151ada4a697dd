"""Coroutines, tasks, asynchronous generators, context managers and comprehensions under asyncio."""


def check(lab, run):
    lab.same_stacks(run, least=25)


class Awaitable:
    def __await__(self):
        mark("__await__")
        yield from asyncio.sleep(0).__await__()
        mark("resumed")


class Manager:
    async def __aenter__(self):
        mark("__aenter__")
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exception):
        mark("__aexit__")


class Numbers:
    def __init__(self):
        self.left = 2

    def __aiter__(self):
        return self

    async def __anext__(self):
        mark("__anext__")
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        await asyncio.sleep(0)
        return self.left


async def leaf(name):
    mark(name)
    await asyncio.sleep(0)
    mark(name)


async def chain(depth):
    if depth:
        await chain(depth - 1)
    else:
        await leaf("end of the chain")


async def produce():
    for number in range(2):
        mark("asynchronous generator")
        yield number
        await asyncio.sleep(0)


async def cancelled():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        mark("cancelled")
        raise


def in_executor():
    mark("executor")


async def main():
    mark("main")
    await leaf("awaited")
    await chain(6)
    await asyncio.gather(leaf("task 1"), leaf("task 2"), chain(3))
    await Awaitable()
    async with Manager():
        mark("inside")
    async for _ in Numbers():
        mark("body")
    async for _ in produce():
        mark("body of a generator")
    [mark("asynchronous comprehension") async for _ in produce()]
    task = asyncio.ensure_future(cancelled())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        mark("seen")
    loop = asyncio.get_running_loop()
    loop.call_soon(mark, "callback")
    await asyncio.sleep(0)
    await loop.run_in_executor(None, in_executor)


if __name__ == "__main__":
    import asyncio

    from mark import mark

    asyncio.run(main())
    by_hand = leaf("by hand")
    try:
        by_hand.send(None)
        while True:
            by_hand.send(None)
    except StopIteration:
        mark("done")
