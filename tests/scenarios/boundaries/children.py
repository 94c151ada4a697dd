"""Children of the program are left alone, by whatever call they came: they run as without sonde, they are not in the
capture, and the parent's numbers stay right."""

N = 100193
FORMS = ("fork", "fork and exec", "fork in a thread", "fork in a child", "C fork", "C vfork", "raw clone", "posix_spawn",
         "subprocess", "shell", "pool by fork", "pool by spawn", "process by forkserver")


def check(lab, run):
    status, expected, errors = lab.plain([lab.script])
    lab.equal((status, errors), (0, b""), "without sonde")
    lab.equal(run.output, expected, "output")
    lab.equal(run.errors, b"", "errors")
    lab.equal(sorted(set(run.output.decode().split("\n"))), sorted({f"{form}: fine" for form in FORMS} | {""}), "forms")
    rows = run.case("parent")
    lab.equal((sum(row.bytes for row in rows), sum(row.count for row in rows)), (len(FORMS) * N, len(FORMS)),
              "the parent's own blocks")
    lab.equal(run.case("child"), [], "blocks of children")
    lab.equal(run.case("parent", "leaks"), [], "the parent's blocks are all freed")
    lab.equal(len(run.stats()["metadata"]["processes"]), 1, "processes in the capture")


def parent(form):
    block = blocks.take(N)
    print(f"{form}: fine", flush=True)
    blocks.give(block)


def child(number=0):
    for _ in range(50):
        blocks.give(blocks.take(N + 4096))
    blocks.take(N + 4096)
    assert "SONDE_AGENT_SESSION" not in os.environ
    return number * number


def forked(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            os._exit(7)
        os._exit(3)
    assert os.waitpid(pid, 0)[1] == 3 << 8


def in_thread():
    result = []
    thread = threading.Thread(target=lambda: (forked(child), result.append(1)))
    thread.start()
    thread.join()
    assert result


def main():
    me = [sys.executable, "-c", "import os\nwith open('/proc/self/maps') as maps:\n assert 'libsonde' not in maps.read()\n"
          "os._exit(3)"]
    forked(child)
    parent("fork")
    forked(lambda: os.execv(me[0], me))
    parent("fork and exec")
    in_thread()
    parent("fork in a thread")
    forked(lambda: forked(child))
    parent("fork in a child")
    blocks.of_bytes("fork_and_allocate")(N + 4096)
    parent("C fork")
    blocks._bind("vfork_and_run")()
    parent("C vfork")
    blocks.of_bytes("clone_and_allocate")(N + 4096)
    parent("raw clone")
    assert os.waitpid(os.posix_spawn(me[0], me, os.environ), 0)[1] == 3 << 8
    parent("posix_spawn")
    assert subprocess.run(me).returncode == 3
    parent("subprocess")
    assert subprocess.run(f"{me[0]} -c 'raise SystemExit(4)'", shell=True).returncode == 4
    parent("shell")
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(child, range(5)) == [0, 1, 4, 9, 16]
        parent(f"pool by {method}")
    process = multiprocessing.get_context("forkserver").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0
    parent("process by forkserver")


if __name__ in ("__main__", "__mp_main__"):
    import multiprocessing
    import os
    import subprocess
    import sys
    import threading
    import warnings

    import blocks

    warnings.simplefilter("ignore")
    if __name__ == "__main__":
        main()
