"""Subinterpreters that other threads run than the one which made them, several at once, main's code beside them."""

FIRST = 1000003
EVERY = 3
ROUNDS = 50
N = 100361


def skip(python):
    if python.minor < (3, 11):
        return ("before 3.11 a subinterpreter's state does not tell which thread runs it: its blocks stand at the place "
                "in the main interpreter that called it")
    return None


BUSY = """
def busy_{number}():
    for _ in range({rounds}):
        bytes({size})
    return 0
busy_{number}()
"""


def check(lab, run):
    for number in range(EVERY):
        size = FIRST + number * 4096
        rows = [row for row in run.rows("total") if ROUNDS * size < row.bytes < ROUNDS * (size + 128)]
        lab.equal([(row.count, tuple(frame.function for frame in row.stack)) for row in rows],
                  [(ROUNDS, (f"busy_{number}", "<module>"))], f"subinterpreter {number}")
    lab.equal([(row.bytes, row.count) for row in run.case("in_main")], [(ROUNDS * N, ROUNDS)], "main's own")


def in_main():
    for _ in range(ROUNDS):
        blocks.take(N)


if __name__ == "__main__":
    import threading

    import blocks

    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters

    made = [interpreters.create() for _ in range(EVERY)]
    threads = [threading.Thread(target=interpreters.run_string,
                                args=(own, BUSY.format(number=number, rounds=ROUNDS, size=FIRST + number * 4096)))
               for number, own in enumerate(made)]
    for thread in threads:
        thread.start()
    in_main()
    for thread in threads:
        thread.join()
