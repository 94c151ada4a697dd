#!/usr/bin/env python3
"""Writes flame graph pages with known and with large trees, around the page's own sources.

usage: pages.py FOLDER

The data are encoded here a second time, so that the page is not only tested with what its writer makes.
"""

import base64
import importlib.util
import json
import pathlib
import random
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "report" / "page"
MIB = 1 << 20


def load_embed():
    spec = importlib.util.spec_from_file_location("embed", SOURCES / "embed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leb128(number):
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def pack(nodes, errors, bases):
    """nodes: (depth, frame or -1, own amount, own count), in preorder; their errors where they are estimates, and
    the base's amounts where two captures are compared."""
    ups = [0] + [before[0] + 1 - node[0] for before, node in zip(nodes, nodes[1:])]
    columns = [ups, [node[1] + 1 for node in nodes], [node[2] for node in nodes], [node[3] for node in nodes],
               errors, bases]
    raw = b"".join(leb128(number) for column in columns for number in column)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return base64.b64encode(deflate.compress(raw) + deflate.flush()).decode()


def metadata(**changes):
    values = {
        "command_line": ["shop.py", "--nightly"], "start_time": "2024-01-02T03:04:05.678000+00:00",
        "duration_seconds": 8.0, "python_allocator": "pymalloc", "native_stacks": True,
        "python_allocators_traced": False, "complete": True, "events_lost": 0,
        "processes": [{"pid": 100, "parent_pid": 1, "command": "python3 shop.py", "python_version": "3.12.1",
                       "exit_status": 0}],
    }
    values.update(changes)
    return values


def page_data(frames, nodes, threads=(), **changes):
    texts = {"": 0}
    columns = {"functions": [], "files": [], "lines": [], "kinds": [], "sources": []}
    for function, file, line, kind, source in frames:
        for name, value in zip(columns, (function, file, line, kind, source)):
            columns[name].append(texts.setdefault(value, len(texts)) if isinstance(value, str) else value)
    total = sum(node[2] for node in nodes)
    data = {
        "schema": "sonde.flamegraph/1", "metadata": metadata(), "host": "example", "title": "shop.py",
        "metric": "peak", "unit": "bytes", "amount": total, "count": sum(node[3] for node in nodes), "estimated": False,
        "amount_error": 0, "count_error": 0, "temporary_threshold": 1, "peak_bytes": total, "peak_seconds": 4.0,
        "thread_count": 0, "left_out": 0, "left_out_amount": 0, "start": {"dark": False, "inverted": False, "icicle": True},
        "timeline": {"seconds": [1, 2, 3, 4, 5, 6, 7, 8],
                     "heap": [total * share // 8 for share in (1, 3, 5, 8, 7, 7, 4, 2)],
                     "rss": [0, total * 5 // 8, 0, total * 9 // 8, total, 0, total, 0]},
        "threads": list(threads), "strings": list(texts), **columns, "nodes": len(nodes),
    }
    data.update(changes)
    return data


def write(path, data, nodes, errors=(), bases=()):
    head, body, before_nodes, tail = load_embed().build_page(SOURCES)
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    path.write_text(head + data["title"] + body + text + before_nodes + pack(nodes, errors, bases) + tail, encoding="utf-8")


SHOP = [
    ("<module>", "/srv/shop/shop.py", 40, 0, "main()"),  # 0
    ("main", "/srv/shop/shop.py", 31, 0, "orders = load_orders(path)"),  # 1
    ("load_orders", "/srv/shop/orders.py", 12, 0, "return [json.loads(line) for line in file]"),  # 2
    ("load_orders", "/srv/shop/orders.py", 14, 0, "cache[path] = orders"),  # 3
    ("loads", "/usr/lib/python3.12/json/__init__.py", 346, 0, ""),  # 4
    ("DataFrame.merge", "/srv/venv/lib/python3.12/site-packages/pandas/core/frame.py", 900, 0, ""),  # 5
    ("array_new", "/srv/venv/lib/python3.12/site-packages/numpy/core/umath.so", 0, 1, ""),  # 6
    ("_find_and_load", "<frozen importlib._bootstrap>", 1360, 0, ""),  # 7
    ("<module>", "/srv/venv/lib/python3.12/site-packages/pandas/__init__.py", 1, 0, ""),  # 8
    ("main", "/srv/shop/shop.py", 33, 0, "report(orders)"),  # 9
]
# 64 MiB in 1,000 blocks
SHOP_TREE = [
    (0, -1, 0, 0),
    (1, 0, 0, 0),
    (2, 1, 0, 0),
    (3, 2, 2 * MIB, 20),
    (4, 4, 30 * MIB, 500),
    (3, 3, 4 * MIB, 80),
    (2, 9, 4 * MIB, 50),
    (3, 5, 0, 0),
    (4, 6, 16 * MIB, 50),
    (2, 7, 1 * MIB, 100),
    (3, 8, 6 * MIB, 150),
    (4, 7, 1 * MIB, 50),
]


def write_shop(folder):
    write(folder / "shop.html", page_data(SHOP, SHOP_TREE), SHOP_TREE)
    dark = {"dark": True, "inverted": True, "icicle": False}
    write(folder / "shop-dark.html", page_data(SHOP, SHOP_TREE, start=dark), SHOP_TREE)
    doubts = metadata(damage="chunk 7 of 9: bad checksum", complete=False, events_lost=1234,
                      lost={"buffer full": 1234}, filtered_out_bytes=MIB, filtered_out_count=10)
    write(folder / "shop-doubts.html", page_data(SHOP, SHOP_TREE, metadata=doubts), SHOP_TREE)


def write_time(folder):
    """The same calls as time: 2.56 s of two threads in 1,280 samples, 2 ms apart."""
    threads = [{"tid": 100, "name": "MainThread", "pid": 100}, {"tid": 101, "name": "worker", "pid": 100}]
    first = len(SHOP)
    samples = [0, 0, 0, 100, 600, 40, 60, 0, 200, 20, 160, 20]
    nodes = [(0, -1, 0, 0), (1, first, 0, 0)]
    nodes += [(depth + 1, frame, count * 2000000, count) for (depth, frame, _, _), count
              in zip(SHOP_TREE[1:], samples[1:])]
    nodes += [(1, first + 1, 0, 0), (2, 2, 0, 0), (3, 4, 160000000, 80)]
    sampling = {"period_seconds": 0.002, "period_asked_seconds": 0.001, "rounds": 2000, "rounds_missed": 3,
                "samples_lost": 0, "samples_without_stack": 12}
    timeline = {"seconds": [1, 2, 3, 4, 5, 6, 7, 8], "threads": [1.0, 1.5, 2.0, None, 1.25, 1.0, 0.5, 0.0]}
    errors = [round(2000000 * count ** 0.5) for *_, count in nodes]
    data = page_data(SHOP, nodes, threads, metric="cpu", unit="ns", estimated=True,
                     amount_error=2000000 * 1280 ** 0.5, peak_bytes=0, thread_count=2, timeline=timeline,
                     metadata=metadata(estimated=True, sampling=sampling))
    write(folder / "time.html", data, nodes, errors)


def write_compared(folder):
    """The shop against an older one, which had 40 MiB: load_orders:12 less, DataFrame.merge not at all, and 8 MiB in
    something that is gone."""
    frames = [*SHOP, ("legacy", "/srv/shop/old.py", 7, 0, "")]
    nodes = [*SHOP_TREE[:6], (2, len(SHOP), 0, 0), *SHOP_TREE[6:]]
    bases = [0, 0, 0, 2 * MIB, 15 * MIB, 4 * MIB, 8 * MIB, 3 * MIB, 0, 0, 1 * MIB, 6 * MIB, 1 * MIB]
    old = metadata(command_line=["shop.py"], complete=False, duration_seconds=5.0)
    diff = {"normalized": False, "scale": 1, "lines": True, "by_base": False, "base": sum(bases), "error": 0,
            "before": {"capture": "monday.sonde", "metadata": old, "amount": sum(bases), "count": 900,
                       "amount_error": 0},
            "after": {"capture": "tuesday.sonde", "metadata": metadata(), "amount": 64 * MIB, "count": 1000,
                      "amount_error": 0}}
    data = page_data(frames, nodes, timeline={"seconds": []}, title="shop.py: what changed", diff=diff)
    write(folder / "compared.html", data, nodes, (), bases)
    errors = [2 * MIB if node[2] or base else 0 for node, base in zip(nodes, bases)]
    diff = {**diff, "normalized": True, "scale": 1.6, "by_base": True, "error": 4 * MIB}
    data = page_data(frames, nodes, timeline={"seconds": []}, title="shop.py: what changed", diff=diff, estimated=True)
    write(folder / "compared-estimated.html", data, nodes, errors, bases)


def write_threads(folder):
    threads = [{"tid": 100, "name": "MainThread", "pid": 100}, {"tid": 101, "name": "worker", "pid": 100}]
    first = len(SHOP)
    nodes = [(0, -1, 0, 0), (1, first, 0, 0)]
    nodes += [(depth + 1, *rest) for depth, *rest in SHOP_TREE[1:]]
    nodes += [(1, first + 1, 0, 0), (2, 2, 0, 0), (3, 4, 16 * MIB, 10)]
    write(folder / "threads.html", page_data(SHOP, nodes, threads), nodes)


def write_large(folder, count=100000):
    source = random.Random(11)
    files = ["/srv/shop/shop.py", "/srv/shop/orders.py", "/usr/lib/python3.12/json/decoder.py",
             "/srv/venv/lib/python3.12/site-packages/pandas/core/frame.py", "<frozen importlib._bootstrap>"]
    frames = [(f"function_{i}", source.choice(files), source.randint(1, 900), 0, "") for i in range(6000)]
    nodes = [(0, -1, 0, 0)]
    for _ in range(count - 1):
        depth = min(nodes[-1][0] + 1, 60)
        if source.random() < 0.45:
            depth = source.randint(1, depth)
        own = int(source.paretovariate(0.8) * 1000) if source.random() < 0.6 else 0
        nodes.append((depth, source.randrange(len(frames)), own, 1 + own // 700 if own else 0))
    write(folder / "large.html", page_data(frames, nodes), nodes)


def main():
    folder = pathlib.Path(sys.argv[1])
    write_shop(folder)
    write_threads(folder)
    write_time(folder)
    write_compared(folder)
    write_large(folder)


if __name__ == "__main__":
    main()
