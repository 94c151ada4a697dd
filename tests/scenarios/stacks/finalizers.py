"""Code that runs when objects die: __del__, weak references' and the collector's callbacks, contexts at exit."""


def check(lab, run):
    lab.same_stacks(run, least=8)


class Mortal:
    def __init__(self, label):
        self.label = label
        self.self = None

    def __del__(self):
        mark(self.label)


def dies_here():
    mortal = Mortal("__del__ at the end of a function")
    del mortal
    Mortal("__del__ at once")


def in_cycle():
    mortal = Mortal("__del__ by the collector")
    mortal.self = mortal
    del mortal
    gc.collect()


def of_weakref():
    mortal = Mortal("__del__ with a weak reference")
    kept = weakref.ref(mortal, lambda _: mark("weak reference"))
    del mortal
    return kept


def with_finalize():
    class Plain:
        pass
    plain = Plain()
    weakref.finalize(plain, mark, "finalize")
    del plain


def by_gc_callback():
    def callback(phase, info):
        mark(phase)
    gc.callbacks.append(callback)
    gc.collect()
    gc.callbacks.remove(callback)


def chain_of_deaths():
    """Ten objects that die inside each other's __del__."""
    class Link:
        def __init__(self, below):
            self.below = below

        def __del__(self):
            mark("link")
            self.below = None
    link = None
    for _ in range(10):
        link = Link(link)
    del link


if __name__ == "__main__":
    import gc
    import weakref

    from mark import mark

    dies_here()
    in_cycle()
    of_weakref()
    with_finalize()
    by_gc_callback()
    chain_of_deaths()
