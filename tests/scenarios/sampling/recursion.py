"""Fast recursion, of which each level is accounted for, and recursion 2,000 deep."""

# It compares shares and counts one in a thousand: that wants two processors for itself.
FULL = True

FIB = 18
DEEP = 2000


def scenario(lab):
    import samples

    samples.truth(lab, arguments=["fast"], wrong=Fast(lab.script).wrong, key=depth)
    # Not for long: there are thousands of different stacks of thousands of frames.
    samples.truth(lab, arguments=["deep"], seconds=0.4, wrong=Deep(lab.script).wrong, key=depth)


def depth(row):
    """The function that runs, and how deep, roughly: a deep recursion passes each level too seldom."""
    return row.stack and (row.stack[0].function, len(row.stack) // (1 if len(row.stack) < 50 else 250))


def line_of(path, text):
    with open(path, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if line.strip().startswith(text))


class Fast:
    """What each frame of fib() was called with is known from the lines of those below it."""

    def __init__(self, path):
        self.less_one = line_of(path, "a = fib(n - 1)")
        self.less_two = line_of(path, "b = fib(n - 2)")
        self.small = line_of(path, "return n  # small")
        self.sum = line_of(path, "return a + b")

    def wrong(self, stack):
        frames = [frame for frame in reversed(stack) if frame.function == "fib"]
        n = FIB
        for frame in frames[:-1]:
            if n < 2:
                return f"fib({n}) calls fib()"
            n -= 1 if frame.line == self.less_one else 2
        if frames and (frames[-1].line == self.small and n >= 2 or
                       frames[-1].line in (self.less_one, self.less_two, self.sum) and n < 2):
            return f"fib({n}) in line {frames[-1].line}"
        return None


class Deep:
    """The last level calls bottom(), all others the next level."""

    def __init__(self, path):
        self.further = line_of(path, "down(left - 1)")
        self.last = line_of(path, "bottom()  #>")

    def wrong(self, stack):
        frames = [frame for frame in reversed(stack) if frame.function == "down"]
        for level, frame in enumerate(frames):
            calls = level < len(frames) - 1 or stack[0].function != "down"
            # Up to 3.9 every level returns from the last line.
            if level > DEEP or calls and frame.line == (self.last if level < DEEP else self.further):
                return f"level {level} of down() in line {frame.line}"
        return None


def fib(n):
    if n < 2:
        return n  # small
    a = fib(n - 1)  #> fib
    b = fib(n - 2)  #> fib
    return a + b


def bottom():
    x = 0
    for i in range(20000):
        x += i
    return x


def down(left):
    if left:
        down(left - 1)  #> down
    else:
        bottom()  #> bottom


def main_fast():
    while True:
        fib(FIB)  #> fib


def main_deep():
    while True:
        down(DEEP)  #> down


if __name__ == "__main__":
    import sys

    from watched import ready

    sys.setrecursionlimit(3 * DEEP)
    ready()  #> @watched
    if sys.argv[1] == "fast":
        main_fast()  #> main_fast
    else:
        main_deep()  #> main_deep
