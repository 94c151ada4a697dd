"""A malloc that the program looks up by name, or takes from the C library by its handle, is traced too."""

N = 100103


def by_name():
    blocks.of_bytes("found_by_dlsym")(N)


def by_handle():
    library = ctypes.CDLL("libc.so.6")
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.free.restype = None
    library.malloc(N)
    library.free(library.malloc(N + 2))


def freed_by_handle():
    library = ctypes.CDLL("libc.so.6")
    library.free.argtypes = [ctypes.c_void_p]
    library.free.restype = None
    for _ in range(3):
        library.free(blocks.take(N))


EXPECTED = {
    "by_name": {"total": {"malloc": (2 * N + 2, 2)}, "leaks": {"malloc": (N, 1)}},
    "by_handle": {"total": {"malloc": (2 * N + 2, 2)}, "leaks": {"malloc": (N, 1)}},
    "freed_by_handle": {"total": {"malloc": (3 * N, 3)}},
}


def check(lab, run):
    lab.cases(run, EXPECTED)


if __name__ == "__main__":
    import ctypes

    import blocks

    by_name()
    by_handle()
    freed_by_handle()
