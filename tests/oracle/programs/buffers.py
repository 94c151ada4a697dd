"""Large objects of Python's: bytes, bytearrays that grow, lists, dicts, sets, arrays, strings, BytesIO, mmap."""


def big_bytes():
    kept.append(bytes(200003))
    for number in range(20):
        b"x" * (5000 + number)


def growing():
    data = bytearray()
    for _ in range(3000):
        data += b"some bytes "
    kept.append(data)
    numbers = []
    for number in range(20000):
        numbers.append(number)
    kept.append(numbers)
    del numbers[100:]


def tables():
    table = {}
    for number in range(5000):
        table[number] = None
    kept.append(table)
    kept.append(set(range(3000)))
    kept.append(dict.fromkeys(range(1000)))
    kept[-1].update((number, 1) for number in range(1000, 4000))


def texts():
    kept.append("word " * 4000)
    kept.append("wörd " * 4000)
    kept.append("配 " * 4000)
    kept.append("".join(str(number) for number in range(4000)))
    kept.append(kept[-1].encode("utf-16"))


def arrays():
    kept.append(array.array("d", range(3000)))
    stream = io.BytesIO()
    for _ in range(500):
        stream.write(b"y" * 100)
    kept.append(stream)


def mapping():
    own = mmap.mmap(-1, 1 << 22)
    own.close()
    kept.append(mmap.mmap(-1, 3 << 20))


def recursion(depth):
    if depth:
        recursion(depth - 1)
    else:
        kept.append(bytes(30011))


def high():
    parts = []
    for _ in range(100):
        parts.append(bytes(100000))
    return len(parts)


if __name__ == "__main__":
    import array
    import io
    import mmap

    kept = []
    big_bytes()
    growing()
    tables()
    texts()
    arrays()
    mapping()
    for depth in (1, 50, 3):
        recursion(depth)
    high()
    print(len(kept))
