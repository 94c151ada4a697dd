"""Call chains that take turns and never cross: with frames of one size and of different sizes, 3 and 40 deep."""

# It compares shares and counts one in a thousand: that wants two processors for itself.
FULL = True


def scenario(lab):
    import samples

    samples.truth(lab, arguments=["shallow"])
    samples.truth(lab, arguments=["deep"], wrong=wrong_depth)


def wrong_depth(stack):
    """Below the deep chains stand 36 frames of one function, and they go down all the way."""
    levels = sum(frame.function in ("down_a", "down_b") for frame in stack)
    within = any(frame.function in ("a1", "b1", "large1") for frame in stack)
    return f"{stack[0].function} under {levels} levels" if within and levels != 36 or levels > 36 else None


def work():
    x = 0
    for i in range(12):
        x += i
    return x


def a3():
    work()  #> work


def a2():
    a3()  #> a3


def a1():
    a2()  #> a2


def b3():
    work()  #> work


def b2():
    b3()  #> b3


def b1():
    b2()  #> b2


def large3(x):
    a, b, c, d, e, f, g, h = x, x, x, x, x, x, x, x
    i, j, k, l, m, n, o, p = a, b, c, d, e, f, g, h
    work()  #> work
    return i, j, k, l, m, n, o, p


def large2(x):
    a, b, c, d = x, x, x, x
    large3(a + b + c + d)  #> large3


def large1():
    large2(1)  #> large2


def main_shallow():
    while True:
        a1()  #> a1
        b1()  #> b1
        a1()  #> a1
        large1()  #> large1


def down_a(left):
    if left:
        down_a(left - 1)  #> down_a
    else:
        for _ in range(10):
            a1()  #> a1


def down_b(left, more=0):
    again = more
    if left:
        down_b(left - 1, again)  #> down_b
    else:
        for _ in range(10):
            b1()  #> b1
            large1()  #> large1


def main_deep():
    while True:
        down_a(35)  #> down_a
        down_b(35)  #> down_b


if __name__ == "__main__":
    import sys

    from watched import ready

    ready()  #> @watched
    if sys.argv[1] == "shallow":
        main_shallow()  #> main_shallow
    else:
        main_deep()  #> main_deep
