"""Stacks as Python itself has them: recursion 2,000 deep, generators, coroutines, callbacks from C, a class body,
code without a file."""

import asyncio
import functools
import sys

CASES = ("deep", "generators", "coroutines", "callbacks", "bodies")


def scenario(lab):
    for case in CASES:
        with lab.standing(case) as said:
            thread = lab.dump(said["pid"], until={"MainThread": "sleep"})["MainThread"]
            found = [[frame["function"], frame["file"], frame["line"]] for frame in thread["stack"]]
            # Where it stands now, behind the place at which it looked.
            standing = found[:2]
            lab.equal([function for function, _, _ in standing], ["sleep", "stand"], f"{case}: the innermost frames")
            lab.equal(found[2:], said["stack"], f"{case}: the frames")
            lab.true(len(found) >= (2000 if case == "deep" else 4), f"{case}: {len(found)} frames")
            lab.equal({frame["kind"] for frame in thread["stack"]}, {"python"}, f"{case}: kinds")


def deep(depth=2000):
    if depth:
        return deep(depth - 1)
    return standstill.stand()


def generators():
    def leaf():
        yield 1
        standstill.stand()
        yield 2

    def middle():
        yield from leaf()

    def expression():
        return (value for value in middle())

    for _ in expression():
        pass


def coroutines():
    class Manager:
        async def __aenter__(self):
            await waits(3)

        async def __aexit__(self, *_):
            pass

    async def waits(depth):
        if depth:
            await waits(depth - 1)
        else:
            standstill.stand()

    async def asynchronous_generator():
        async with Manager():
            yield 1

    async def main():
        async for _ in asynchronous_generator():
            pass

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())


def callbacks():
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            standstill.stand()

    def sort(values):
        return sorted(values, key=Key)

    return list(map(functools.partial(lambda first, second: [sort((first, second)) for _ in range(2)][0], 1), [2, 3]))


def bodies():
    exec(compile("def stands():\n\n    standstill.stand()\nclass Body:\n    stands()\n", "<made here>", "exec"),
         {"standstill": standstill})


if __name__ == "__main__":
    import standstill

    sys.setrecursionlimit(10000)
    globals()[sys.argv[1]]()
