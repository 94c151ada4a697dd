"""JSON and dictionaries, DEPTH calls deep: Python's own allocators at work."""
import json
import sys

rounds, depth = int(sys.argv[1]), int(sys.argv[2])
TEXT = json.dumps(
    {
        "items": [{"id": i, "name": "item %d" % i, "tags": ["a", "b", "c"], "price": i * 1.5} for i in range(20)],
        "index": {str(i): i for i in range(30)},
    }
)


def work():
    kept = []
    for i in range(rounds):
        loaded = json.loads(TEXT)
        kept.append({key: len(str(value)) for key, value in loaded.items()})
        if i % 50 == 49:
            kept.clear()


def deep(left):
    if left > 1:
        deep(left - 1)
    else:
        work()


deep(depth)
