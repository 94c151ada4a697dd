"""50 threads at once, and 400 one after the other: every allocation of each is there."""

N = 100279
AT_ONCE = 50
IN_TURN = 400
ROUNDS = 200


def check(lab, run):
    rows = run.case("at_once")
    lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)),
              (AT_ONCE * ROUNDS * N, AT_ONCE * ROUNDS), "at once")
    split = run.case("at_once", "total", "--split-threads")
    lab.equal([row.count for row in split], [ROUNDS] * AT_ONCE, "at once, by thread")
    rows = run.case("in_turn")
    lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)), (IN_TURN * (N + 2), IN_TURN), "in turn")
    lab.equal(run.case("at_once", "leaks") + run.case("in_turn", "leaks"), [], "leaks")
    lab.equal(run.stats()["metadata"]["events_lost"], 0, "events lost")


def at_once():
    barrier.wait()
    for _ in range(ROUNDS):
        blocks.give(blocks.take(N))


def in_turn():
    blocks.give(blocks.take(N + 2))


if __name__ == "__main__":
    import threading

    import blocks

    barrier = threading.Barrier(AT_ONCE)
    threads = [threading.Thread(target=at_once) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(IN_TURN):
        thread = threading.Thread(target=in_turn)
        thread.start()
        thread.join()
