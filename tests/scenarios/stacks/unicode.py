"""Names in every script: functions in Latin-1, Greek, CJK and beyond, files too, and names no encoding knows."""

NAMES = ["plain", "fenêtre", "größe", "функция", "配列を作る", "𝒻𝓊𝓃𝒸", "ﬁ", "x" * 300, "名" * 200]
FILES = ["plain.py", "fenêtre.py", "größe.py", "配列.py", "🐍.py", "<配列>", "a\tb.py", "quote\"s.py", "d" * 400 + ".py"]


def check(lab, run):
    lab.same_stacks(run, least=len(NAMES) * len(FILES))


if __name__ == "__main__":
    from mark import mark

    for name in NAMES:
        for file in FILES:
            scope = {"mark": mark}
            exec(compile(f"def {name}():\n    mark()\n{name}()\n", file, "exec"), scope)

    class Größe:
        def 計算(self):
            mark("method")

    Größe().計算()
