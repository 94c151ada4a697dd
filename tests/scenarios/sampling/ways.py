"""Every way in which Python calls Python: by methods, properties, operators, constructors, generators, callbacks from C;
each caller stands at the line that it calls from, and no reading needs to be given up."""

import functools


def scenario(lab):
    import samples

    grammar = samples.Grammar(lab.script)
    with samples.Watched(lab) as target:
        for rate in (1000, 10000):
            what = f"ways at {rate} Hz"
            recording = target.attach(rate, 1.0)
            rows = samples.judge(lab, what, recording, grammar.wrong)
            seen = {row.stack[1].function for row in rows if len(row.stack) > 1 and row.stack[0].function == "work"}
            if rate == 10000:
                lab.equal(sorted(WAYS - seen), [], f"{what}: who calls work() and was not seen to")


WAYS = {"__init__", "value", "__getitem__", "__getattr__", "__add__", "__lt__", "__bool__", "__call__", "__iter__",
        "__contains__", "__enter__", "__exit__", "__get__", "__set__", "__eq__", "__hash__", "__format__", "generate",
        "inner", "key", "raises"}


def work():
    x = 0
    for i in range(60):
        x += i
    return x


class Thing:
    def __init__(self, rank):
        self.rank = rank
        work()  #> work

    @property
    def value(self):
        work()  #> work
        return self.rank

    def __getitem__(self, index):
        work()  #> work
        return index

    def __getattr__(self, name):
        work()  #> work
        return name

    def __add__(self, other):
        work()  #> work
        return self

    def __lt__(self, other):
        work()  #> work
        return self.rank < other.rank

    def __bool__(self):
        work()  #> work
        return True

    def __call__(self, *arguments, **named):
        work()  #> work
        return arguments

    def __iter__(self):
        for i in range(2):
            work()  #> work
            yield i

    def __contains__(self, item):
        work()  #> work
        return True

    def __enter__(self):
        work()  #> work
        return self

    def __exit__(self, *error):
        work()  #> work

    def __eq__(self, other):
        work()  #> work
        return True

    def __hash__(self):
        work()  #> work
        return 5

    def __format__(self, form):
        work()  #> work
        return "x"


class Heir(Thing):
    def __init__(self, rank):
        super().__init__(rank)  #> __init__
        self.bound = self.value  #> value

    def whole(self):
        return super().value  #> value


class Descriptor:
    def __get__(self, instance, owner):
        work()  #> work
        return 4

    def __set__(self, instance, value):
        work()  #> work


class Owner:
    field = Descriptor()


def generate(count):
    for i in range(count):
        work()  #> work
        yield i


def delegate(count):
    yield from generate(count)  #> generate


def wrap(function):
    def wrapper(*arguments, **named):
        return function(*arguments, **named)  #> inner

    return wrapper


def inner(first, second=2, *, third=3):
    work()  #> work
    return first


def key(item):
    work()  #> work
    return 1


def raises():
    try:
        work()  #> work
        raise ValueError
    except ValueError:
        work()  #> work
    finally:
        work()  #> work


def recurse(depth):
    if depth:
        recurse(depth - 1)  #> recurse
    work()  #> work


wrapped = wrap(inner)  #> wrap
partial = functools.partial(inner, 1, third=4)


def objects():
    thing = Thing(1)  #> __init__
    heir = Heir(2)  #> __init__
    heir.value  #> value
    heir.whole()  #> whole
    thing[1]  #> __getitem__
    thing.absent  #> __getattr__
    thing + heir  #> __add__
    thing < heir  #> __lt__
    if thing:  #> __bool__
        pass
    thing(1, 2, named=3)  #> __call__
    for _ in thing:  #> __iter__
        pass
    1 in thing  #> __contains__
    with thing:  #> __enter__, __exit__
        pass  #> __exit__
    owner = Owner()
    owner.field  #> __get__
    owner.field = 3  #> __set__
    thing == heir  #> __eq__
    {thing: 1}[thing]  #> __hash__, __eq__
    f"{thing}"  #> __format__
    sorted([thing, heir, thing])  #> __lt__


def calls():
    list(delegate(3))  #> delegate
    for _ in generate(2):  #> generate
        pass
    sum(x for x in delegate(2))  #> <genexpr>, delegate
    wrapped(1, third=4)  #> wrapper
    inner(*(1, 2), **{"third": 5})  #> inner
    partial()  #> inner
    sorted((1, 2, 3), key=key)  #> key
    list(map(key, range(3)))  #> key
    raises()  #> raises
    recurse(20)  #> recurse


def main():
    while True:
        objects()  #> objects
        calls()  #> calls


if __name__ == "__main__":
    from watched import ready

    ready()  #> @watched
    main()  #> main
