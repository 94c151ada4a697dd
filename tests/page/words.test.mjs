import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten, makeSource, makeView, page } from "./page.mjs";

const plain = (text) => text.replaceAll("\u00a0", " ");

test("bytes, counts, shares and durations read as in the other reports", () => {
    assert.deepEqual([0, 1023, 1024, 1536, 1048560, 1073741824 * 12.34, 2 ** 64].map((n) => plain(page.textBytes(n))),
        ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "12.3 GiB", "16.0 EiB"]);
    assert.deepEqual([0, 999, 1000, 1234567].map(page.textCount), ["0", "999", "1,000", "1,234,567"]);
    assert.equal(page.textCount(2 ** 63), "about 9.22e+18");
    assert.deepEqual([0, 0.0001, 0.1234, 1, NaN].map((n) => plain(page.textPercent(n))),
        ["0.0 %", "<0.1 %", "12.3 %", "100.0 %", "-"]);
    assert.deepEqual([5e-7, 1.5e-6, 0.0015, 12.34, 59.96, 3599.4, 3720].map((n) => plain(page.textDuration(n))),
        ["500 ns", "1.5 µs", "1.5 ms", "12.3 s", "1 min 00 s", "59 min 59 s", "1 h 02 min"]);
    assert.equal(plain(page.textError(page.UNITS.bytes, 400)), " ± 20 B");
    assert.equal(page.textError(page.UNITS.bytes, 0) + page.textError(page.UNITS.bytes, undefined), "");
});

test("file names keep what tells them apart", () => {
    assert.equal(page.textFileName("/usr/lib/python3.12/json/decoder.py"), "decoder.py");
    assert.equal(page.textFileName("/usr/lib/python3.12/json/__init__.py"), "json/__init__.py");
    assert.equal(page.textFileName("<frozen importlib._bootstrap>"), "importlib._bootstrap");
    assert.equal(page.textFileName("<string>"), "<string>");
    assert.equal(page.textFileName(""), "");
});

test("a text is cut to its box, never inside a character", () => {
    const ruler = new page.TextRuler((text) => 10 * text.length);

    assert.equal(ruler.width("abc"), 30);
    assert.equal(ruler.cut("abcdef", 60), "abcdef");
    assert.equal(ruler.cut("abcdef", 59), "abcd…");
    assert.equal(ruler.cut("abcdef", 20), "a…");
    assert.equal(ruler.cut("abcdef", 19), "");
    assert.equal(ruler.cut("", 5), "");
    for (let width = 0; width < 90; width += 5) {
        const cut = ruler.cut("a😀b😀c", width);

        assert.ok(cut.isWellFormed ? cut.isWellFormed() : !/[\ud800-\udbff](?![\udc00-\udfff])/.test(cut));
        assert.ok(ruler.width(cut) <= width);
    }
});

test("kinds of code are told by their files", () => {
    const { categoryOf, OWN, PACKAGE, STDLIB, IMPORT, NATIVE, KERNEL, OTHER } = page;
    const cases = [
        ["/srv/shop/app.py", OWN], ["app.py", OWN], ["<string>", OWN], ["", OWN],
        ["/srv/lib/mypython3/x.py", OWN],
        ["/srv/venv/lib/python3.12/site-packages/numpy/core/x.py", PACKAGE],
        ["/usr/lib/python3/dist-packages/apt/cache.py", PACKAGE],
        ["/srv/venv/lib/python3.12/site-packages/importlib_metadata/__init__.py", PACKAGE],
        ["/usr/lib/python3.12/json/decoder.py", STDLIB], ["/usr/local/lib/python3.13t/json/decoder.py", STDLIB],
        ["/usr/lib64/python3.9/os.py", STDLIB], ["/opt/py/lib/python312.zip/os.py", STDLIB],
        ["<frozen codecs>", STDLIB], ["<frozen os>", STDLIB],
        ["<frozen importlib._bootstrap>", IMPORT], ["<frozen importlib._bootstrap_external>", IMPORT],
        ["<frozen runpy>", IMPORT], ["<frozen zipimport>", IMPORT],
        ["/usr/lib/python3.8/importlib/__init__.py", IMPORT], ["/usr/lib/python3.8/importlib/metadata/_itertools.py", IMPORT],
        ["/usr/lib/python3.8/runpy.py", IMPORT],
    ];

    for (const [file, category] of cases)
        assert.equal(categoryOf(0, file), category, file);
    assert.equal(categoryOf(1, "/usr/lib/python3.12/x.py"), NATIVE);
    assert.equal(categoryOf(2, ""), KERNEL);
    assert.equal(categoryOf(3, ""), OTHER);
    assert.equal(categoryOf(4, ""), OTHER);
});

test("a module has one hue; its package shares it", () => {
    const { hueGroupOf, PACKAGE, STDLIB, OWN } = page;

    assert.equal(hueGroupOf(PACKAGE, "/v/site-packages/numpy/core/a.py"), "numpy");
    assert.equal(hueGroupOf(PACKAGE, "/v/site-packages/six.py"), "six");
    assert.equal(hueGroupOf(STDLIB, "/usr/lib/python3.12/json/decoder.py"), "json");
    assert.equal(hueGroupOf(STDLIB, "/usr/lib/python3.12/csv.py"), "csv");
    assert.equal(hueGroupOf(OWN, "/srv/app.py"), "/srv/app.py");
});

test("text is readable on every colour of both themes: contrast AA", () => {
    const { THEMES, CATEGORIES, boxColor, contrast } = page;

    for (const [name, theme] of Object.entries(THEMES)) {
        for (let category = 0; category < CATEGORIES.length; category++)
            for (let i = 0; i < 400; i++) {
                const box = boxColor(name, category, `group ${i}`, `name ${i * 7}`);
                const faded = box.map((v, c) => Math.round(v * 0.45 + theme.page[c] * 0.55));

                for (const color of [box, faded]) {
                    assert.ok(contrast(color, theme.text) >= 7, `${name} ${category} ${i}`);
                    assert.ok(contrast(color, theme.faint) >= 4.5, `${name} ${category} ${i}, faint`);
                }
            }
        assert.ok(contrast(theme.match, theme.matchText) >= 4.5);
        assert.ok(contrast(theme.match, theme.matchFaint) >= 4.5);
        assert.ok(contrast(theme.dimmed, theme.dimmedText) >= 4.5);
        assert.ok(contrast(theme.rest, theme.dimmedText) >= 3, name);
        /* a match stands out from what does not match */
        assert.ok(contrast(theme.match, theme.dimmed) >= 3);
    }
});

const DATA = {
    metric: "peak", unit: "bytes", amount: 100, count: 3, estimated: false, amount_error: 0, count_error: 0,
    temporary_threshold: 1, peak_bytes: 100, peak_seconds: 1.5, thread_count: 0, left_out: 0, left_out_amount: 0,
    host: "h",
    metadata: {
        command_line: ["app.py", "-v"], duration_seconds: 2, complete: true, events_lost: 0,
        start_time: "2024-02-03T04:05:06.123456+00:00",
        processes: [{ pid: 1, python_version: "3.12.1" }, { pid: 2, python_version: "3.12.1" }],
    },
};

test("the header says what the numbers are", () => {
    assert.equal(plain(page.headerSummary(DATA)), "in 3 blocks alive after 1.5 s");
    assert.equal(plain(page.headerSummary({ ...DATA, count: 1, metric: "leaks" })), "in 1 block alive at the end");
    assert.equal(plain(page.headerSummary({ ...DATA, metric: "temporary" })),
        "in 3 blocks, released within 1 further allocation of their thread");
    assert.equal(plain(page.headerSummary({ ...DATA, metric: "total" })), "in 3 allocations");
    assert.deepEqual(page.headerFacts(DATA).map(([name, text]) => `${name}: ${plain(text)}`),
        ["Command: app.py -v", "Python: 3.12.1", "Duration: 2.0 s", "Processes: 2",
            "Started: 2024-02-03 04:05:06 UTC", "Host: h"]);
});

test("what is to be doubted is said, and only that", () => {
    const metadata = { ...DATA.metadata, complete: false, events_lost: 4, lost: { "buffer full": 4, "stack unknown": 2 } };

    assert.deepEqual(page.headerWarnings(DATA), []);
    assert.deepEqual(page.headerNotes(DATA), []);
    assert.deepEqual(page.headerWarnings({ ...DATA, metadata, left_out: 2, left_out_amount: 10 }).map(plain), [
        "The capture is incomplete, recording was cut short after 2.0 s.",
        "4 events were not recorded: 4 (buffer full).",
        "2 events are without a stack.",
        "2 branches of small frames left out of this page, 10 B together; boxes named <left out> stand for them.",
    ]);
    assert.match(page.headerWarnings({ ...DATA, metadata: { ...metadata, damage: "chunk 7" } })[0], /damaged.*chunk 7/);
    assert.match(page.headerNotes({ ...DATA, estimated: true,
        metadata: { ...metadata, sample_rate_bytes: 524288 } })[0], /one in 512\.0.KiB/);
});

const TIME = {
    ...DATA, metric: "cpu", unit: "ns", amount: 2.5e9, count: 2500, estimated: true, amount_error: 5e7, peak_bytes: 0,
    peak_seconds: 0, thread_count: 2,
    metadata: {
        ...DATA.metadata, lost: { "buffer full": 4 }, sampling: {
            period_seconds: 0.001, period_asked_seconds: 0.001, rounds: 2000, rounds_missed: 0, samples_lost: 0,
            samples_without_stack: 0,
        },
    },
};

test("the header says what time is", () => {
    const troubled = { ...TIME.metadata, sampling: { ...TIME.metadata.sampling, rounds_missed: 1, samples_lost: 7,
        samples_without_stack: 1 }, filtered_out_seconds: 1.5, filtered_out_samples: 1500 };

    assert.equal(plain(page.headerSummary(TIME)), "in 2,500 samples of 2 threads");
    assert.equal(plain(page.headerSummary({ ...TIME, count: 1, thread_count: 1 })), "in 1 sample of 1 thread");
    assert.ok(page.headerFacts(TIME).some(([name, text]) =>
        name === "Sampled" && plain(text) === "about every 1.0 ms, 2,000 times"));
    assert.ok(!page.headerFacts(TIME).some(([name]) => name === "Peak"));
    assert.deepEqual(page.headerWarnings(TIME), []);
    assert.deepEqual(page.headerNotes(TIME), ["Estimated from samples; ± is one standard error."]);
    assert.deepEqual(page.headerWarnings({ ...TIME, metadata: troubled, left_out: 1, left_out_amount: 3e6 }).map(plain), [
        "7 samples could not be kept.",
        "1 sample has no stack: it could not be read.",
        "1 branch of small frames left out of this page, 3.0 ms together; boxes named <left out> stand for them.",
    ]);
    assert.deepEqual(page.headerNotes({ ...TIME, metadata: { ...troubled, from_seconds: 1 } }).map(plain), [
        "Estimated from samples; ± is one standard error.",
        "1 round of sampling was too late and left out.",
        "Filters took away 1.50 s in 1,500 samples.",
    ]);
});

test("time reads as in the other reports", () => {
    assert.deepEqual([0, 999, 1500000, 999940000, 999960000, 1e9, 9.99e9, 9.996e9, 59.9e9, 60e9, 1234.56e9, 59.99e9]
        .map((ns) => plain(page.textTime(ns))),
    ["0 s", "999 ns", "1.5 ms", "999.9 ms", "1.00 s", "1.00 s", "9.99 s", "10.0 s", "59.9 s", "60.0 s", "1,234.6 s",
        "60.0 s"]);
    assert.equal(plain(page.textError(page.UNITS.ns, 4e12)), " ± 2.0 ms");
});

test("the timeline knows its bins", () => {
    assert.deepEqual([0, 1, 1.5, 3, 9].map((t) => page.timelineIndex([1, 2, 3], t)), [0, 0, 1, 2, 2]);
    assert.deepEqual(page.timelinePoints([1, 2], [50, 100], 2, 100), ["500.0,50.0", "1000.0,0.0"]);
    assert.deepEqual(page.timelinePoints([1, 2, 4], [50, null, 100], 4, 100), ["250.0,50.0", "1000.0,0.0"]);
    assert.deepEqual(page.timelineSteps([2, 3, 5], [7, null, 9], 1),
        { seconds: [1, 2, 2, 3, 3, 5], values: [7, 7, null, null, 9, 9] });
    assert.deepEqual(page.timelineKnown([0, 5, 0, 0, 7]), [null, 5, 5, 5, 7]);
});

test("frames and stacks as text", () => {
    const frames = new page.Frames({
        strings: ["", "f", "/a.py", "g"], functions: [1, 3], files: [2, 0], lines: [7, 0], kinds: [0, 1],
        sources: [0, 0], threads: [{ tid: 9, name: "", pid: 1 }], metadata: { processes: [{}] },
    });
    const source = makeSource(flatten([-1, 0, 0, [0, 0, 0, [1, 5, 1]]]));
    const options = { keyCount: 3, keys: frames.identity, hidden: new Uint8Array(3), isThread: frames.isThread };

    assert.equal(page.exportFrame(frames, 0, true), "f (/a.py:7)");
    assert.equal(page.exportFrame(frames, 0, false), "f (/a.py)");
    assert.equal(page.exportFrame(frames, 1, true), "g");
    assert.equal(page.exportFrame(frames, 2, true), "thread 9");
    for (const inverted of [false, true]) {
        const view = makeView(source, 3, { ...options, inverted });
        view.expand(0);
        view.expand(1);
        assert.equal(page.exportStack(view, frames, (v) => view.key[v], true, 2), "g\nf (/a.py:7)");
    }
});

test("lines merge by function, file and kind", () => {
    const frames = new page.Frames({
        strings: ["", "f", "/a.py", "/b.py"], functions: [1, 1, 1, 1], files: [2, 2, 3, 2], lines: [1, 2, 1, 1],
        kinds: [0, 0, 0, 1], sources: [0, 0, 0, 0], threads: [], metadata: { processes: [] },
    });

    assert.deepEqual([...frames.functionOf], [0, 0, 1, 2]);
    assert.deepEqual([...frames.frameOf], [0, 2, 3]);
});

test("text for XML cannot leave its place", () => {
    assert.equal(page.escapeXml("<a b=\"c\">&'\u0000\u001b\ufffe"), "&#60;a b=&#34;c&#34;&#62;&#38;&#39;\ufffd\ufffd\ufffd");
});

test("rows are where they are drawn, in both orientations", () => {
    for (const icicle of [true, false]) {
        const geometry = new page.Geometry(800, 200, 50, 130, icicle);
        const [first, last] = geometry.visibleRows();

        for (let row = 0; row < 50; row++) {
            const top = geometry.rowTop(row);
            const seen = top + page.ROW_HEIGHT > 0 && top < 200;

            assert.ok(!seen || (row >= first && row <= last), `row ${row} is seen`);
            assert.ok(seen || row <= first || row >= last, `row ${row} is not seen`);
            if (seen)
                assert.equal(geometry.rowAt(top + 1), row);
        }
    }
});

test("base64 and deflate come back", async () => {
    const { deflateRawSync } = await import("node:zlib");
    const bytes = Uint8Array.from({ length: 100000 }, (_, i) => i * i % 251);
    const text = deflateRawSync(bytes).toString("base64");

    assert.deepEqual(await page.inflate(page.decodeBase64(text)), bytes);
});
