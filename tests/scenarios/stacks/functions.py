"""Functions of every make: nested, methods, properties, class bodies, lambdas, decorators, closures, metaclasses."""


def check(lab, run):
    lab.same_stacks(run, least=22)


def outer():
    def inner():
        def innermost():
            mark("nested")
        innermost()
    inner()


class Base:
    def method(self):
        mark("method")

    @classmethod
    def of_class(cls):
        mark("class method")

    @staticmethod
    def static():
        mark("static method")

    @property
    def value(self):
        return mark("property")

    def __getattr__(self, name):
        return mark("__getattr__")

    def __call__(self, *args):
        mark("__call__")

    def __len__(self):
        mark("__len__")
        return 1

    def __lt__(self, other):
        mark("__lt__")
        return True


class Derived(Base):
    def method(self):
        super().method()
        mark("override")


def decorator(function):
    def wrapper(*args, **kwargs):
        mark("wrapper")
        return function(*args, **kwargs)
    return wrapper


@decorator
@decorator
def decorated(value=None, *rest, key=0, **more):
    mark("decorated")


def class_in_function():
    class Local:
        mark("class body")

        class Nested:
            mark("nested class body")

        def method(self):
            mark("method of a local class")
    Local().method()
    Local.Nested()


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        mark("metaclass")
        return super().__new__(mcs, name, bases, namespace)


class Descriptor:
    def __set_name__(self, owner, name):
        mark("__set_name__")


def defaults(value=lambda: mark("lambda")):
    return value()


def many_arguments(*args, **kwargs):
    mark("star arguments")


if __name__ == "__main__":
    from mark import mark

    outer()
    Derived().method()
    Derived.of_class()
    Derived.static()
    Derived().value
    Derived().nothing
    Derived()(1)
    len(Derived())
    Derived() < Derived()
    decorated(1, 2, key=3, other=4)
    class_in_function()
    Meta("Made", (), {"x": Descriptor()})
    defaults()
    (lambda: (lambda: mark("two lambdas"))())()
    many_arguments(*[1, 2], **{"a": 1})
    [lambda: mark("in a list")][0]()
    for _ in range(3):
        mark("three on one line")
    exec("mark('exec')")
    eval("mark('eval')")
    import functools

    functools.lru_cache(maxsize=None)(lambda: mark("cached"))()
    functools.singledispatch(lambda value: mark("dispatched"))(1)
