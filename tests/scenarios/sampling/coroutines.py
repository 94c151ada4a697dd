"""Coroutines that take turns: under asyncio.gather, and under a trampoline of the program's own."""

# It compares shares and counts one in a thousand: that wants two processors for itself.
FULL = True


def scenario(lab):
    import samples

    samples.truth(lab, arguments=["trampoline"])
    samples.truth(lab, arguments=["asyncio"])


def work():
    x = 0
    for i in range(12):
        x += i
    return x


async def leaf_a():
    work()  #> work
    await switch()  #> switch


async def middle_a():
    work()  #> work
    await leaf_a()  #> leaf_a


async def top_a():  #< @asyncio
    while True:
        await middle_a()  #> middle_a


async def leaf_b(x):
    a, b, c, d, e, f, g, h = x, x, x, x, x, x, x, x
    work()  #> work
    await switch()  #> switch
    return a, b, c, d, e, f, g, h


async def middle_b():
    await leaf_b(1)  #> leaf_b
    work()  #> work


async def top_b():  #< @asyncio
    while True:
        await middle_b()  #> middle_b


class Switch:
    def __await__(self):
        yield


async def switch():
    if kind == "asyncio":
        await asyncio.sleep(0)  #> @asyncio
    else:
        await Switch()  #> __await__


def trampoline():
    one = top_a()  #> top_a
    other = top_b()  #> top_b
    while True:
        one.send(None)  #> top_a
        other.send(None)  #> top_b


async def gathered():  #< @asyncio
    await asyncio.gather(top_a(), top_b(), top_a())  #> top_a, top_b, @asyncio


if __name__ == "__main__":
    import asyncio
    import sys

    from watched import ready

    kind = sys.argv[1]
    ready()  #> @watched
    if kind == "asyncio":
        asyncio.run(gathered())  #> gathered, @asyncio
    else:
        trampoline()  #> trampoline
