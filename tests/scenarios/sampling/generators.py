"""Generators that run inside one another: chains, yield from, send(), two chains in turns."""

# It compares shares and counts one in a thousand: that wants two processors for itself.
FULL = True


def scenario(lab):
    import samples

    samples.truth(lab)


def numbers(n):
    for i in range(n):
        yield i


def doubled(n):
    for x in numbers(n):  #> numbers
        yield x + x


def delegated(n):
    yield from doubled(n)  #> doubled


def squares(n):
    for i in range(n):
        yield i * i


def large_squares(n):
    a, b, c, d, e, f, g, h = n, n, n, n, n, n, n, n
    yield from squares(n)  #> squares
    return a, b, c, d, e, f, g, h


def eater():
    total = 0
    while True:
        got = yield total
        total += got


def feed(n):
    sink = eater()  #> eater
    next(sink)  #> eater
    for x in delegated(n):  #> delegated
        sink.send(x)  #> eater
    for x in large_squares(n):  #> large_squares
        sink.send(x)  #> eater
    sink.close()  #> eater


def in_turns(n):
    one = delegated(n)  #> delegated
    other = large_squares(n)  #> large_squares
    total = 0
    while True:
        x = next(one, None)  #> delegated
        if x is None:
            break
        total += x
        y = next(other)  #> large_squares
        total += y
    next(other, None)  #> large_squares
    return total


def main():
    while True:
        feed(30)  #> feed
        in_turns(30)  #> in_turns


if __name__ == "__main__":
    from watched import ready

    ready()  #> @watched
    main()  #> main
