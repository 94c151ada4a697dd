"""The programs whose stacks are known, each for so long that one wrong sample in ten thousand counts."""

FULL = True
LIMIT_SECONDS = 180
SECONDS = 20


def scenario(lab):
    import samples

    crossing, path = samples.load("crossing")
    samples.truth(lab, path, ["shallow"], SECONDS)
    samples.truth(lab, path, ["deep"], SECONDS, crossing.wrong_depth)
    samples.truth(lab, samples.load("generators")[1], [], SECONDS)
    coroutines = samples.load("coroutines")[1]
    samples.truth(lab, coroutines, ["trampoline"], SECONDS)
    samples.truth(lab, coroutines, ["asyncio"], SECONDS)
    recursion, path = samples.load("recursion")
    samples.truth(lab, path, ["fast"], SECONDS, recursion.Fast(path).wrong, recursion.depth)
    replaced, path = samples.load("replaced_code")
    samples.truth(lab, path, [], SECONDS, replaced.wrong, replaced.kind)
