"""Calls that change all the time, DEPTH frames deep at most; says its process id, and counts its rounds in a FILE of
eight bytes if there is one."""
import mmap
import os
import sys


def leaf():
    x = 0
    for i in range(20):
        x += i
    return x


def middle():
    return leaf()


def turn(rounds):
    while True:
        for _ in range(20):
            middle()
            leaf()
        rounds[0] += 1


def deep(left, rounds):
    if left > 1:
        deep(left - 1, rounds)
    else:
        turn(rounds)


def main():
    rounds = [0]
    if len(sys.argv) > 2:
        with open(sys.argv[2], "r+b") as file:
            rounds = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    depth = int(sys.argv[1])
    sys.setrecursionlimit(depth + 1000)
    print(os.getpid(), flush=True)
    # <module>, main, turn, middle and leaf stand beside these.
    deep(max(depth - 5, 1), rounds)


main()
