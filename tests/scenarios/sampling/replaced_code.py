"""Code that is made, run and thrown away all the time: its memory is used again by the next one, and no stack mixes
names, files and lines of two of them."""

# It compares shares and counts one in a thousand: that wants two processors for itself.
FULL = True

import re

LINES = 50  # the line on which a generated file begins goes round


def scenario(lab):
    import samples

    samples.truth(lab, wrong=wrong, key=kind)


def wrong(stack):
    """All frames of generated code are of the same one, and in its lines."""
    numbers = set()
    for frame in stack:
        made = re.fullmatch(r"made_(\d+)\.py", frame.file)
        if not made:
            continue
        number = int(made[1])
        numbers.add(number)
        first = number % LINES + 1
        lines = {f"outer_{number}": (first, first + 2), f"inner_{number}": (first + 3, first + 7),
                 "<module>": (0, first + 9)}
        low, high = lines.get(frame.function, (0, -1))
        if not low <= frame.line <= high:
            return f"{frame.function}:{frame.line} in {frame.file}"
    if len(numbers) > 1:
        return f"code of {sorted(numbers)} at once"
    names = [frame.function.rpartition("_")[0] or frame.function for frame in reversed(stack)
             if frame.file.startswith("made_")]
    return None if names == ["<module>", "outer", "inner"][:len(names)] else f"{' calls '.join(names)}"


def kind(row):
    return re.sub(r"\d+", "", row.stack[0].function) if row.stack else None


def source(number):
    return "\n" * (number % LINES) + f"""def outer_{number}(n):
    x = inner_{number}(n)
    return x + 1
def inner_{number}(n):
    x = {number}
    for i in range(n):
        x += i
    return x
outer_{number}(200)
"""


def main():
    number = 0
    while True:
        text = source(number)  #> source
        code = compile(text, f"made_{number}.py", "exec")
        for _ in range(3):
            exec(code, {})  #> @made_
        number += 1


if __name__ == "__main__":
    from watched import ready

    ready()  #> @watched
    main()  #> main
