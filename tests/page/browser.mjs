/*
 * The pages in a browser: what people see and do. Prints TAP.
 *
 *   node browser.mjs PLAYWRIGHT CHROMIUM PAGES [SAMPLES]
 *
 * PLAYWRIGHT is the module playwright-core, PAGES the folder of pages.py, SAMPLES that of
 * test_report_flamegraph --samples.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [playwright, chromium, pages, samples] = process.argv.slice(2);
const ROW = 20;
const tests = [];

function test(name, file, act, options = {}) {
    tests.push({ name, file, act, options });
}

/* What a test works with: the page and words for what people do and see. */
class Visit {
    constructor(page) {
        this.page = page;
        this.problems = [];
        page.on("pageerror", (error) => this.problems.push(error.message));
        page.on("console", (message) => {
            const isOurs = /willReadFrequently/.test(message.text()); /* painted() reads the canvas */

            if (!isOurs && /^(error|warning)$/.test(message.type()))
                this.problems.push(message.text());
        });
        page.on("request", (request) => {
            if (!/^(file|data|blob):/.test(request.url()))
                this.problems.push(`asked for ${request.url()}`);
        });
        page.on("dialog", (dialog) => {
            if (this.answer === undefined)
                this.problems.push(`dialog: ${dialog.message()}`);
            dialog.accept(this.answer);
        });
    }

    async text(selector) {
        return ((await this.page.textContent(selector)) || "").replaceAll("\u00a0", " ").replace(/\s+/g, " ").trim();
    }

    async press(...keys) {
        for (const key of keys)
            await this.page.keyboard.press(key);
        await this.settle();
    }

    /* Two frames: what was asked for is drawn. */
    async settle() {
        await this.page.evaluate(() => new Promise((done) =>
            requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));
    }

    async stage() {
        return this.page.locator("#stage").boundingBox();
    }

    /* The middle of a row at a share of the width, in an icicle that is not scrolled. */
    async place(row, share) {
        const box = await this.stage();

        return [box.x + box.width * share, box.y + ROW * (row + 0.5)];
    }

    async click(row, share, options) {
        await this.page.mouse.click(...await this.place(row, share), options);
        await this.settle();
    }

    async hover(row, share) {
        const [x, y] = await this.place(row, share);

        await this.page.mouse.move(x - 4, y);
        await this.page.mouse.move(x, y);
        await this.settle();
        return this.text("#tooltip");
    }

    async crumbs() {
        return this.page.$$eval("#crumbs li", (items) => items.map((item) => item.textContent));
    }

    async search(text) {
        await this.page.fill("#search", text);
        await this.page.waitForTimeout(200);
        return this.text("#search-result");
    }

    /* How many pixels of the canvas are not the page's own colour. */
    async painted() {
        return this.page.evaluate(() => {
            const canvas = document.getElementById("canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let painted = 0;

            for (let i = 0; i < data.length; i += 4)
                painted += data[i] < 245 || data[i + 1] < 245 || data[i + 2] < 240 ? 1 : 0;
            return painted;
        });
    }
}

test("the header says whose memory it is, and how much", "shop", async (visit) => {
    assert.equal(await visit.text("h1"), "shop.py");
    assert.equal(await visit.text(".headline"), "Peak memory 64.0 MiB in 1,000 blocks alive after 4.0 s");
    assert.match(await visit.text("#facts"), /Command ?shop\.py --nightly ?Python ?3\.12\.1 ?Duration ?8\.0 s/);
    assert.equal(await visit.page.title(), "shop.py · Peak memory");
    assert.ok(await visit.page.isVisible("#timeline svg"));
    assert.match(await visit.page.getAttribute("#timeline svg", "aria-label"), /RSS 72\.0.MiB.*Heap 64\.0.MiB, peak after 4\.0.s/);
    assert.ok(!await visit.page.isVisible("#warnings"));
    assert.match(await visit.text("#legend"), /Your code 15\.6 % ?Packages 9\.4 % ?Standard library 46\.9 % ?Import system 3\.1 % ?Native 25\.0 %/);
});

test("the timeline tells the moment under the pointer", "shop", async (visit) => {
    const box = await visit.page.locator("#timeline .plot").boundingBox();

    await visit.page.mouse.move(box.x + box.width * 0.36, box.y + 10);
    assert.equal(await visit.text("#timeline figcaption"), "Heap 40.0 MiB RSS 40.0 MiB at 3.0 s");
    await visit.page.mouse.move(box.x + box.width * 0.36, box.y + 300);
    assert.equal(await visit.text("#timeline figcaption"), "Heap RSS peak after 4.0 s");
});

test("time has units of its own", "time", async (visit) => {
    assert.equal(await visit.text(".headline"), "CPU time 2.56 s ± 71.6 ms in 1,280 samples of 2 threads");
    assert.equal(await visit.page.title(), "shop.py · CPU time");
    assert.match(await visit.text("#facts"), /Sampled ?about every 2\.0 ms, 2,000 times/);
    assert.equal(await visit.text("#notes"),
        "Estimated from samples; ± is one standard error. 3 rounds of sampling were too late and left out.");
    assert.equal(await visit.text("#warnings"), "12 samples have no stack: it could not be read.");
    assert.match(await visit.page.getAttribute("#timeline svg", "aria-label"), /^Threads over time, 2\.0 at most\.$/);
    assert.ok(!await visit.page.isVisible("[data-choice='byCount:true']"));
    await visit.press("w");
    const text = await visit.hover(4, 0.2);
    assert.match(text, /^load_orders.*orders\.py:12.*Total ?1\.40 s ± 52\.9 ms.*Own ?200\.0 ms.*Samples ?700 \(own 100\)/);
    assert.match(text, /Share ?54\.7 % of all, 94\.6 % of its caller/);
    assert.match(await visit.search("loads"), /53\.1 % · 1\.36 s ± 52\.2 ms/);
    await visit.press("Escape");
    assert.match(await visit.text("#legend"), /Your code 15\.6 % ?.*Standard library 53\.1 %/);
    assert.match(await visit.page.getAttribute("#legend li", "title"), /^Spent in your code itself: 400\.0.ms$/);
    assert.deepEqual(await visit.page.$$eval("#threads option", (all) => all.map((o) => o.textContent.replace("\u00a0", " "))),
        ["Threads side by side", "All threads merged", "MainThread (thread 100): 2.40 s",
            "worker (thread 101): 160.0 ms"]);
    const box = await visit.page.locator("#timeline .plot").boundingBox();
    await visit.page.mouse.move(box.x + box.width * 0.2, box.y + 10);
    assert.equal(await visit.text("#timeline figcaption"), "Threads 1.5 RSS at 2.0 s");
    await visit.page.mouse.move(box.x + box.width * 0.45, box.y + 10);
    assert.equal(await visit.text("#timeline figcaption"), "Threads RSS at 4.0 s");
});

test("doubts stand in a strip of their own", "shop-doubts", async (visit) => {
    const text = await visit.text("#warnings");

    assert.match(text, /damaged, this is what came before: chunk 7 of 9: bad checksum/);
    assert.match(text, /1,234 events were not recorded: 1,234 \(buffer full\)/);
    assert.match(await visit.text("#notes"), /Filters took away 1\.0 MiB in 10 blocks/);
});

test("the tooltip has the frame, its line and its numbers", "shop", async (visit) => {
    const text = await visit.hover(3, 0.2);

    assert.match(text, /load_orders.*\/srv\/shop\/orders\.py:12.*return \[json\.loads\(line\) for line in file\]/);
    assert.match(text, /Total ?32\.0 MiB/);
    assert.match(text, /Own ?2\.0 MiB/);
    assert.match(text, /Allocations ?520 \(own 20\)/);
    assert.match(text, /Share ?50\.0 % of all, 88\.9 % of its caller/);
    /* it is inside itself, too: one place */
    const once = await visit.hover(2, 0.99);
    assert.match(once, /^_find_and_load.*Total ?8\.0 MiB/);
    assert.doesNotMatch(once, /Everywhere/);
    await visit.page.mouse.move(10, 10);
    assert.ok(!await visit.page.isVisible("#tooltip"));
});

test("a click zooms, the way stays, Backspace and Escape lead back", "shop", async (visit) => {
    await visit.click(3, 0.2);
    assert.deepEqual(await visit.crumbs(), ["all", "<module>", "main", "load_orders"]);
    assert.equal(await visit.text("#range"), "32.0 MiB shown, 50.0 %");
    assert.match(await visit.hover(1, 0.9), /^<module>/);
    assert.match(await visit.hover(4, 0.9), /^loads/);
    await visit.click(4, 0.5);
    assert.equal((await visit.crumbs()).at(-1), "loads");
    await visit.press("Backspace");
    assert.equal((await visit.crumbs()).at(-1), "load_orders");
    await visit.click(2, 0.5);
    assert.equal((await visit.crumbs()).at(-1), "main");
    await visit.page.click("#crumbs button >> nth=1");
    assert.equal((await visit.crumbs()).at(-1), "<module>");
    await visit.press("Escape");
    assert.deepEqual(await visit.crumbs(), ["all"]);
    assert.ok(!await visit.page.isVisible("#reset"));
    await visit.click(3, 0.2);
    await visit.page.click("#reset");
    assert.deepEqual(await visit.crumbs(), ["all"]);
});

test("a zoom moves, and ends where it should", "shop", async (visit) => {
    await visit.click(3, 0.2);
    await visit.page.waitForTimeout(400);
    assert.match(await visit.hover(4, 0.9), /^loads/);
    assert.equal(await visit.text("#range"), "32.0 MiB shown, 50.0 %");
}, { reducedMotion: "no-preference" });

test("ctrl and the wheel zoom around the pointer, shift and the wheel move", "shop", async (visit) => {
    await visit.page.mouse.move(...await visit.place(4, 0.2));
    await visit.page.keyboard.down("Control");
    for (let i = 0; i < 6; i++)
        await visit.page.mouse.wheel(0, -100);
    await visit.page.keyboard.up("Control");
    await visit.settle();
    const shown = parseFloat((await visit.text("#range")).match(/, ([\d.]+) %/)[1]);
    assert.ok(shown > 15 && shown < 30, `${shown} % shown`);
    assert.equal((await visit.crumbs()).at(-1), "loads");
    await visit.page.keyboard.down("Shift");
    for (let i = 0; i < 60; i++)
        await visit.page.mouse.wheel(0, 200);
    await visit.page.keyboard.up("Shift");
    await visit.settle();
    assert.match(await visit.hover(2, 0.9), /^_find_and_load/);
    await visit.press("Home");
    assert.deepEqual(await visit.crumbs(), ["all"]);
});

test("dragging moves what is zoomed, and is no click", "shop", async (visit) => {
    await visit.click(3, 0.2);
    const before = await visit.crumbs();
    const [x, y] = await visit.place(4, 0.5);
    await visit.page.mouse.move(x, y);
    await visit.page.mouse.down();
    await visit.page.mouse.move(x - 200, y, { steps: 5 });
    await visit.page.mouse.up();
    await visit.settle();
    assert.match(await visit.text("#range"), /^32\.0 MiB shown/);
    assert.notDeepEqual(await visit.crumbs(), before);
    assert.match(await visit.hover(3, 0.98), /orders\.py:14/);
});

test("a search lights up matches and counts every byte once", "shop", async (visit) => {
    await visit.press("/");
    await visit.page.keyboard.type("load");
    await visit.page.waitForTimeout(200);
    /* load_orders holds loads; _find_and_load holds itself */
    assert.equal(await visit.text("#search-result"), "68.8 % · 44.0 MiB");
    await visit.press("Enter");
    assert.equal(await visit.text("#search-result"), "68.8 % · 44.0 MiB · 1 of 3");
    assert.match(await visit.text("#status"), /^load_orders \(\/srv\/shop\/orders\.py:12\), 50\.0 % of all/);
    await visit.press("Enter", "Enter");
    assert.match(await visit.text("#status"), /^load_orders \(\/srv\/shop\/orders\.py:14\)/);
    await visit.press("Enter");
    assert.match(await visit.text("#search-result"), /1 of 3$/);
    await visit.press("Shift+Enter");
    assert.match(await visit.text("#search-result"), /3 of 3$/);
    assert.equal(await visit.search("site-packages/pandas"), "35.9 % · 23.0 MiB");
    assert.equal(await visit.search("LOADS"), "no match");
    await visit.press("Escape");
    assert.equal(await visit.page.inputValue("#search"), "");
    assert.equal(await visit.text("#search-result"), "");
});

test("a search takes regular expressions, and says what is wrong with one", "shop", async (visit) => {
    await visit.page.click("#search-regex");
    assert.equal(await visit.search("^load(s|_orders)$"), "56.3 % · 36.0 MiB");
    assert.match(await visit.search("(load"), /group/i);
    assert.equal(await visit.page.getAttribute("#search", "aria-invalid"), "true");
    await visit.page.click("#search-regex");
    assert.equal(await visit.text("#search-result"), "no match");
});

test("a search finds the same share bottom-up", "shop", async (visit) => {
    await visit.press("i");
    assert.equal(await visit.search("load"), "68.8 % · 44.0 MiB");
    await visit.page.focus("#search");
    await visit.press("Enter");
    assert.match(await visit.text("#search-result"), /1 of 5$/);
    assert.match(await visit.text("#status"), /^loads /);
});

test("ctrl and F are the page's search, a second time the browser's", "shop", async (visit) => {
    await visit.press("Control+f");
    assert.equal(await visit.page.evaluate(() => document.activeElement.id), "search");
    assert.ok(await visit.page.evaluate(() => document.getElementById("search")
        .dispatchEvent(new KeyboardEvent("keydown", { key: "f", ctrlKey: true, bubbles: true, cancelable: true }))));
});

test("arrows go through the tree, Enter zooms", "shop", async (visit) => {
    await visit.press("ArrowDown");
    assert.match(await visit.text("#status"), /^all, 100\.0 % of all, total 64\.0 MiB/);
    await visit.press("ArrowDown", "ArrowDown");
    assert.match(await visit.text("#status"),
        /^main \(\/srv\/shop\/shop\.py:31\), 56\.3 % of all, total 36\.0 MiB, own 0 B, 600 allocations, level 2, 2 callees$/);
    await visit.press("ArrowRight");
    assert.match(await visit.text("#status"), /^main \(\/srv\/shop\/shop\.py:33\)/);
    assert.match(await visit.text("#tooltip"), /report\(orders\)/);
    await visit.press("ArrowDown", "ArrowDown");
    assert.match(await visit.text("#status"), /^array_new .*0 callees$/);
    await visit.press("ArrowDown");
    assert.match(await visit.text("#status"), /^array_new /);
    await visit.press("ArrowUp", "Enter");
    assert.equal((await visit.crumbs()).at(-1), "DataFrame.merge");
    await visit.press("o", "ArrowUp");
    assert.match(await visit.text("#status"), /^array_new /);
    await visit.press("Home");
    assert.deepEqual(await visit.crumbs(), ["all"]);
});

test("the focused frame is seen and spoken of", "shop", async (visit) => {
    assert.equal(await visit.page.getAttribute("#status", "aria-live"), "polite");
    assert.ok(!await visit.page.isVisible("#ring"));
    await visit.press("ArrowDown", "ArrowDown", "ArrowDown");
    const ring = await visit.page.locator("#ring").boundingBox();
    const [, y] = await visit.place(2, 0);
    assert.ok(Math.abs(ring.y + ring.height / 2 - y) <= 1.5);
    assert.ok(ring.width > 500);
});

test("the help opens and closes", "shop", async (visit) => {
    await visit.press("?");
    assert.ok(await visit.page.isVisible("#help"));
    await visit.press("Escape");
    assert.ok(!await visit.page.isVisible("#help"));
});

test("bottom-up: who allocated, then who called", "shop", async (visit) => {
    await visit.page.click("[data-choice='inverted:true']");
    assert.match(await visit.hover(1, 0.2), /^loads.*Total ?30\.0 MiB/);
    assert.match(await visit.hover(2, 0.2), /^load_orders.*Through here ?30\.0 MiB.*100\.0 % of its callee/);
    assert.match(await visit.hover(1, 0.6), /^array_new/);
    assert.equal(await visit.page.getAttribute("[data-choice='inverted:true']", "aria-pressed"), "true");
});

test("flame: the root is below", "shop", async (visit) => {
    const box = await visit.stage();

    await visit.page.click("[data-choice='icicle:false']");
    await visit.settle();
    await visit.page.mouse.move(box.x + 90, box.y + box.height - 10);
    await visit.page.mouse.move(box.x + 100, box.y + box.height - 10);
    assert.match(await visit.text("#tooltip"), /^all/);
    await visit.page.mouse.move(box.x + 100, box.y + box.height - 10 - 4 * ROW);
    assert.match(await visit.text("#tooltip"), /^loads/);
});

test("lines merge, and the zoom stays", "shop", async (visit) => {
    await visit.click(3, 0.2);
    await visit.press("m");
    assert.deepEqual(await visit.crumbs(), ["all", "<module>", "main", "load_orders"]);
    assert.equal(await visit.text("#range"), "36.0 MiB shown, 56.3 %");
    assert.match(await visit.hover(2, 0.2), /^main.*Total ?56\.0 MiB/);
});

test("imports hide, and what they held stays", "shop", async (visit) => {
    await visit.press("h");
    assert.match(await visit.hover(1, 0.2), /^<module>.*Total ?64\.0 MiB.*Own ?1\.0 MiB/);
    assert.match(await visit.hover(2, 0.93), /pandas\/__init__\.py.*Total ?7\.0 MiB.*Own ?7\.0 MiB/);
    assert.equal(await visit.search("_find_and_load"), "no match");
    assert.ok(!/Import system/.test(await visit.text("#legend")));
});

test("widths can be allocations", "shop", async (visit) => {
    await visit.press("w");
    /* 600 of 1,000 blocks, 300, then 100 */
    assert.match(await visit.hover(2, 0.59), /shop\.py:31/);
    assert.match(await visit.hover(2, 0.61), /^_find_and_load/);
    assert.match(await visit.hover(2, 0.91), /shop\.py:33.*10\.0 % of all/);
});

test("threads: side by side, merged, one alone", "threads", async (visit) => {
    assert.match(await visit.hover(1, 0.9), /^worker \(thread 101\).*Total ?16\.0 MiB/);
    assert.match(await visit.hover(3, 0.9), /^loads.*Everywhere ?46\.0 MiB, 57\.5 % in 2 places/);
    await visit.page.selectOption("#threads", { label: "All threads merged" });
    assert.match(await visit.hover(1, 0.2), /^<module>/);
    assert.match(await visit.hover(1, 0.9), /^load_orders.*20\.0 % of all/);
    const options = await visit.page.$$eval("#threads option", (all) => all.map((o) => o.textContent.replaceAll("\u00a0", " ")));
    assert.deepEqual(options.slice(2), ["MainThread (thread 100): 64.0 MiB", "worker (thread 101): 16.0 MiB"]);
    await visit.page.selectOption("#threads", "1");
    assert.match(await visit.hover(0, 0.2), /^worker \(thread 101\).*16\.0 MiB/);
    assert.match(await visit.hover(1, 0.9), /^load_orders.*100\.0 % of all/);
    await visit.press("i");
    assert.match(await visit.hover(1, 0.9), /^loads/);
});

test("the theme follows the system, then whoever chose", "shop", async (visit) => {
    const theme = () => visit.page.getAttribute("html", "data-theme");

    assert.equal(await theme(), "light");
    await visit.page.emulateMedia({ colorScheme: "dark" });
    await visit.settle();
    assert.equal(await theme(), "dark");
    await visit.press("t");
    assert.equal(await theme(), "light");
    await visit.page.reload();
    assert.equal(await theme(), "light");
});

test("a page can be asked to begin dark, inverted, as a flame", "shop-dark", async (visit) => {
    assert.equal(await visit.page.getAttribute("html", "data-theme"), "dark");
    assert.equal(await visit.page.getAttribute("[data-choice='inverted:true']", "aria-pressed"), "true");
    assert.equal(await visit.page.getAttribute("[data-choice='icicle:false']", "aria-pressed"), "true");
});

for (const colorScheme of ["light", "dark"])
    test(`text on the ${colorScheme} page has contrast AA`, "shop-doubts", async (visit) => {
        await visit.search("load");
        const poor = await visit.page.evaluate(() => {
            const numbers = (css) => css.match(/[\d.]+/g).map(Number);
            const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
                .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const backdrop = (element) => {
                for (let e = element; e; e = e.parentElement) {
                    const color = numbers(getComputedStyle(e).backgroundColor);

                    if (color.length === 3 || color[3] === 1)
                        return color;
                }
                return [255, 255, 255];
            };

            return [...document.querySelectorAll("header *, .toolbar *, .way *, footer *, #warnings *")].filter((e) =>
                e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).map((e) => {
                const [low, high] = [luminance(numbers(getComputedStyle(e).color)), luminance(backdrop(e))].sort((a, b) => a - b);

                return [e.textContent, (high + 0.05) / (low + 0.05)];
            }).filter(([, ratio]) => ratio < 4.5);
        });
        assert.deepEqual(poor, []);
    }, { colorScheme });

test("a frame and a stack can be copied", "shop", async (visit) => {
    const copied = () => visit.page.evaluate(() => navigator.clipboard.readText());

    await visit.click(3, 0.2);
    await visit.press("c");
    assert.equal(await copied(), "load_orders (/srv/shop/orders.py:12)");
    await visit.press("Shift+C");
    assert.equal(await copied(), "load_orders (/srv/shop/orders.py:12)\nmain (/srv/shop/shop.py:31)\n<module> (/srv/shop/shop.py:40)");
    assert.equal(await visit.text("#status"), "Stack copied.");
});

test("a right click has a menu", "shop", async (visit) => {
    await visit.click(4, 0.2, { button: "right" });
    assert.ok(await visit.page.isVisible("#menu"));
    await visit.press("ArrowDown", "Enter");
    assert.ok(!await visit.page.isVisible("#menu"));
    assert.equal(await visit.page.inputValue("#search"), "loads");
    await visit.click(4, 0.2, { button: "right" });
    await visit.press("Escape");
    assert.ok(!await visit.page.isVisible("#menu"));
    assert.equal(await visit.page.inputValue("#search"), "loads");
});

test("the view can be saved as SVG", "shop", async (visit) => {
    const [download] = await Promise.all([visit.page.waitForEvent("download"), visit.page.click("#save")]);
    const text = readFileSync(await download.path(), "utf8");

    assert.equal(download.suggestedFilename(), "shop.py.svg");
    assert.equal(await visit.page.evaluate((svg) => {
        const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");

        return parsed.querySelector("parsererror") ? -1 : parsed.querySelectorAll("g").length;
    }, text), 12);
    assert.match(text, /load_orders \(\/srv\/shop\/orders\.py:12\)\n32\.0.MiB, 50\.0.%/);
});

test("100,000 frames are drawn, inverted, merged and searched", "large", async (visit) => {
    assert.ok(await visit.painted() > 50000);
    await visit.press("i", "m");
    assert.ok(await visit.painted() > 20000);
    assert.match(await visit.search("function_1"), /^\d+\.\d % · /);
    await visit.page.focus("#search");
    await visit.press("Enter");
    assert.match(await visit.text("#search-result"), /1 of /);
    await visit.press("Escape", "i");
    await visit.click(1, 0.3);
    assert.equal((await visit.crumbs()).length, 2);
});

test("frames too narrow to draw are hatched, and can be zoomed to", "large", async (visit) => {
    await visit.press("i");
    assert.match(await visit.hover(1, 0.995), /^[\d,]+ narrow frames.*Together.*Click to zoom in on them/);
    await visit.click(1, 0.995);
    assert.match(await visit.text("#range"), / shown, /);
    assert.doesNotMatch(await visit.hover(1, 0.05), /narrow/);
});

test("nothing overflows on a small screen", "shop-doubts", async (visit) => {
    const wide = await visit.page.evaluate(() =>
        [...document.querySelectorAll("header, .toolbar, .toolbar button, .toolbar select, .way, footer, #warnings li")]
            .filter((e) => e.checkVisibility() && (e.getBoundingClientRect().right > innerWidth + 0.5 ||
                e.getBoundingClientRect().left < 0)).map((e) => e.className || e.id || e.tagName));
    assert.deepEqual(wide, []);
    assert.ok((await visit.stage()).height >= 120);
    assert.equal(await visit.page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), true);
}, { viewport: { width: 800, height: 600 } });

test("two captures: what changed, in words, colours and signs", "compared", async (visit) => {
    assert.equal(await visit.text(".headline"), "Peak memory +24.0 MiB (+60.0 %) from 40.0 MiB to 64.0 MiB");
    assert.equal(await visit.text("#facts"), "Basemonday.sonde, shop.py, Python 3.12.1, 5.0 s" +
        "Newtuesday.sonde, shop.py --nightly, Python 3.12.1, 8.0 s");
    assert.match(await visit.text("#warnings"), /^Base: The capture is incomplete/);
    assert.equal(await visit.text("#legend"), "▼ shrankunchanged▲ grew");
    assert.ok(!await visit.page.isVisible("[data-choice='byCount:true']"));
    const tip = await visit.hover(4, 0.1);
    assert.match(tip, /^loads.*New ?30\.0 MiB ?Base ?15\.0 MiB ?Change ?\+15\.0 MiB \(\+100\.0 %\) ?Own change ?\+15\.0 MiB/);
    assert.match(await visit.hover(4, 0.7), /^array_new.*Change ?\+16\.0 MiB \(new\)/);
    assert.match(await visit.search("legacy"), /^-8\.0 MiB \(gone\)/);
    await visit.search("");
    const colour = (row, share) => visit.page.evaluate(([y, share]) => {
        const canvas = document.getElementById("canvas");
        const ratio = devicePixelRatio;
        const { data } = canvas.getContext("2d").getImageData(canvas.width * share, y * ratio, 1, 1);

        return [...data.slice(0, 3)];
    }, [ROW * row + 2, share]);
    const [grown, same] = [await colour(4, 0.3), await colour(4, 0.5)];
    assert.ok(grown[0] > grown[2] + 40, `what grew is red: ${grown}`);
    assert.ok(Math.abs(same[0] - same[2]) < 12, `what did not change is grey: ${same}`);
    await visit.page.click("[data-choice='byBase:true']");
    assert.match(await visit.hover(2, 0.8), /^legacy.*New ?0 B ?Base ?8\.0 MiB ?Change ?-8\.0 MiB \(gone\)/);
    const shrunk = await colour(2, 0.8);
    assert.ok(shrunk[2] > shrunk[0] + 40, `what shrank is blue: ${shrunk}`);
    assert.equal(await visit.page.getAttribute("[data-choice='byBase:true']", "aria-pressed"), "true");
    await visit.press("i");
    assert.match(await visit.hover(1, 0.1), /^loads.*Base ?15\.0 MiB/);
    await visit.press("w");
    assert.equal(await visit.page.getAttribute("[data-choice='byBase:false']", "aria-pressed"), "true");
    assert.match(await visit.hover(1, 0.1), /^loads.*New ?30\.0 MiB/);
});

test("two captures: shares, and what may be chance", "compared-estimated", async (visit) => {
    assert.match(await visit.text(".headline"), /^Peak memory 64\.0 MiB from 40\.0 MiB to 64\.0 MiB, compared as shares/);
    assert.match(await visit.text("#notes"), /Base is multiplied by 1\.6, .*chance/);
    assert.equal(await visit.text("#legend"), "▼ shrankunchanged, or by chance▲ grew");
    assert.equal(await visit.page.getAttribute("[data-choice='byBase:true']", "aria-pressed"), "true");
    assert.match(await visit.hover(2, 0.6), /^_find_and_load.*Change ?0 B ± 3\.5 MiB/);
    assert.match(await visit.hover(3, 0.48), /^load_orders.*orders\.py:14.*Change ?0 B ± 2\.0 MiB/);
});

test("without JavaScript the page says what to do", "shop", async (visit) => {
    assert.match(await visit.text(".noscript"), /needs JavaScript.*loads nothing from anywhere/);
    assert.ok(await visit.page.isVisible(".noscript"));
}, { javaScriptEnabled: false });

if (samples) {
    test("sonde's own page: a program", "program", async (visit) => {
        assert.equal(await visit.text(".headline"), "Peak memory 6.9 KiB in 6 blocks alive after 2.0 s");
        assert.match(await visit.hover(3, 0.2), /^decode.*decoder\.py:338.*Total ?4\.9 KiB/);
        assert.match(await visit.hover(2, 0.2), /return json\.load\(file\) # <\/script>.*Own ?1010 B/);
        assert.match(await visit.hover(1, 0.999), /^<no stack>.*Total ?50 B/);
    });

    test("sonde's own page: names that attack stay text", "hostile", async (visit) => {
        assert.equal(await visit.page.evaluate(() => document.images.length), 0);
        assert.equal(await visit.text("h1"), "</script><img src=x onerror=alert(1)>");
        const text = await visit.hover(1, 0.2);
        assert.match(text, /^<\/script><img src=x onerror=alert\(1\)>.*\/srv\/<!--<script>]]>"'&\.py:7/);
        await visit.click(2, 0.2);
        assert.match((await visit.crumbs()).at(-1), /^\\u202ereversed \\x1b\[31m\\u2028/);
        assert.match(await visit.search("<img"), /100\.0 %/);
        assert.equal(await visit.page.evaluate(() => document.images.length), 0);
    });

    test("sonde's own page: time", "time", async (visit) => {
        assert.equal(await visit.text(".headline"),
            "Wall time of all threads 4.00 s ± 200.0 ms in 400 samples of 2 threads");
        assert.equal(await visit.text("#warnings"), "1 sample has no stack: it could not be read.");
        assert.match(await visit.hover(3, 0.1), /^load.*app\.py:4.*Total ?1\.49 s ± 122\.1 ms.*Samples ?149 \(own 149\)/);
        assert.match(await visit.hover(2, 0.9), /^<no Python frame>.*Total ?2\.00 s/);
        assert.ok(await visit.page.isVisible("#timeline svg"));
    });

    test("sonde's own page: no such time", "time-empty", async (visit) => {
        assert.match(await visit.text("#empty"), /No samples ?In no sample a thread held the GIL\./);
    });

    test("sonde's own page: nothing recorded", "empty", async (visit) => {
        assert.match(await visit.text("#empty"), /Nothing was recorded/);
        assert.ok(!await visit.page.isVisible("#search"));
    });

    test("sonde's own page: very large numbers", "huge", async (visit) => {
        assert.match(await visit.text(".headline"), /64\.0 PiB in 2 blocks/);
        assert.match(await visit.hover(2, 0.2), /^more.*app\.py:4294967295.*32\.0 PiB.*50\.0 % of all/);
    });

    test("sonde's own page: 3,000 deep, and the canvas no taller than the window", "deep", async (visit) => {
        const sizes = () => visit.page.evaluate(() => ({
            canvas: document.getElementById("canvas").height,
            stage: document.getElementById("stage").clientHeight,
            content: document.getElementById("stage").scrollHeight,
            top: document.getElementById("stage").scrollTop,
        }));
        const before = await sizes();

        assert.equal(before.canvas, before.stage);
        assert.equal(before.content, 3001 * ROW);
        /* a flame: its root is below */
        assert.equal(before.top, before.content - before.stage);
        await visit.page.evaluate(() => { document.getElementById("stage").scrollTop = 0; });
        await visit.settle();
        assert.ok(await visit.painted() > 100);
        await visit.press("ArrowUp");
        assert.equal(await visit.text("#status").then((t) => t.split(",")[0]), "all");
        for (let i = 0; i < 40; i++)
            await visit.page.keyboard.press("ArrowUp");
        await visit.settle();
        assert.match(await visit.text("#status"), /level 40, /);
        assert.ok(await visit.page.isVisible("#ring"));
        await visit.press("Enter");
        assert.deepEqual((await visit.crumbs()).slice(0, 2), ["all", "35 more"]);
        await visit.press("i", "o");
        assert.ok(await visit.painted() > 5000);
    });

    test("sonde's own page: threads", "threads", async (visit) => {
        assert.equal(await visit.page.getAttribute("html", "data-theme"), "dark");
        assert.match(await visit.hover(1, 0.2), /^pool-1 \(thread 101\).*Total ?3\.0 KiB/);
    });

    test("sonde's own page: estimates have their error", "sampled", async (visit) => {
        assert.match(await visit.text(".headline"), /KiB ± [\d.]+ KiB in \d+ ± \d+ blocks/);
        assert.match(await visit.text("#notes"), /Estimated from a sample, one in 4\.0 KiB/);
        assert.match(await visit.hover(1, 0.2), /Total ?[\d.]+ KiB ± [\d.]+ KiB/);
    });

    test("sonde's own page: what was left out is told", "few", async (visit) => {
        assert.match(await visit.text("#warnings"), /2 branches of small frames left out of this page, 5\.2 KiB/);
        assert.match(await visit.hover(3, 0.2), /^<left out>/);
    });

    test("sonde's own page: two captures of memory", "diff-memory", async (visit) => {
        assert.equal(await visit.text(".headline"),
            "Memory never released -5.1 MiB (-28.4 %) from 18.0 MiB to 12.9 MiB");
        assert.equal(await visit.text("#facts"), "Baseruns/old.sonde, sonde run app.py, Python 3.12.1, 100.0 ms" +
            "Newruns/new.sonde, sonde run app.py, Python 3.12.1, 100.0 ms");
        assert.match(await visit.hover(3, 0.1), /^(Loader\.load|report).*New ?4\.0 MiB/);
        assert.match(await visit.search("legacy"), /^-6\.0 MiB \(gone\)/);
        await visit.search("");
        await visit.page.click("[data-choice='byBase:true']");
        assert.match(await visit.hover(3, 0.6), /^legacy.*New ?0 B ?Base ?6\.0 MiB ?Change ?-6\.0 MiB \(gone\)/);
        assert.equal(await visit.page.evaluate(() => document.querySelectorAll("b:not(figcaption b)").length), 0);
        assert.ok(!await visit.page.isVisible("[data-choice='mergeLines']"));
    });

    test("sonde's own page: two captures of time", "diff-time", async (visit) => {
        assert.equal(await visit.text(".headline"), "CPU time +86.0 ms ± 33.7 ms (+16.3 %) from 526.0 ms to 612.0 ms");
        assert.match(await visit.text("#notes"), /^Estimated from samples/);
        assert.match(await visit.hover(2, 0.1), /^a.*New ?500\.0 ms ?Base ?400\.0 ms ?Change ?\+100\.0 ms ± 30\.0 ms \(\+25\.0 %\)/);
        assert.match(await visit.hover(2, 0.9), /^b.*Change ?\+3\.0 ms ± 14\.2 ms \(\+3\.0 %\), may be chance/);
    });

    test("sonde's own picture: two captures", "diff-memory.svg", async (visit) => {
        const fills = await visit.page.$$eval(".box", (boxes) => boxes.map((box) =>
            [box.querySelector("title").textContent.split(" (")[0], getComputedStyle(box.querySelector("rect")).fill]));
        const fill = Object.fromEntries(fills);

        assert.deepEqual([fill["▲ report"], fill["▼ Loader.load"], fill.dgemm_kernel],
            ["rgb(253, 177, 164)", "rgb(171, 212, 255)", "rgb(233, 229, 229)"]);
    });

    test("sonde's own picture: zoom and search", "program.svg", async (visit) => {
        const shown = () => visit.page.$$eval(".box", (boxes) =>
            boxes.filter((box) => box.style.display !== "none").map((box) => box.querySelector("title").textContent.split("\n")[0]));

        assert.equal((await shown()).length, 5);
        await visit.page.locator(".box", { hasText: "decode" }).first().click();
        assert.deepEqual(await shown(), ["all", "<module> (/srv/app.py:9)", "load (/srv/app.py:4)",
            "decode (/usr/lib/python3.12/json/decoder.py:338)"]);
        await visit.page.click("#reset");
        assert.equal((await shown()).length, 5);
        visit.answer = "load|decode";
        await visit.page.click("#search");
        assert.equal(await visit.text("#info"), '3 boxes match "load|decode": 89.4 %');
        await visit.page.keyboard.press("Escape");
        assert.equal(await visit.text("#info"), "");
    });

    test("sonde's own picture: names that attack stay text", "hostile.svg", async (visit) => {
        assert.equal(await visit.page.evaluate(() => document.querySelectorAll("img, image").length), 0);
        assert.match(await visit.text(".title"), /^<\/script><img src=x/);
    });
}

async function run({ name, file, act, options }, browser, number) {
    const folder = name.startsWith("sonde's own") ? samples : pages;
    const path = `${folder}/${file.endsWith(".svg") ? file : `${file}.html`}`;
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme: "light",
        reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options });
    const visit = new Visit(await context.newPage());

    try {
        assert.ok(existsSync(path), `${path} is there`);
        await visit.page.goto(pathToFileURL(path).href);
        if (options.javaScriptEnabled !== false)
            await visit.settle();
        await act(visit);
        assert.deepEqual(visit.problems, []);
        console.log(`ok ${number} - ${name}`);
        return true;
    } catch (error) {
        console.log(`not ok ${number} - ${name}`);
        console.log(`${error.stack}\n${visit.problems.join("\n")}`.replace(/\u001b\[\d+m/g, "").replace(/^/gm, "#   "));
        return false;
    } finally {
        await context.close();
    }
}

const { chromium: launcher } = createRequire(import.meta.url)(playwright);
const browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const only = process.env.SONDE_PAGE_TESTS ? new RegExp(process.env.SONDE_PAGE_TESTS) : null;
let number = 0;
let failed = 0;

for (const one of tests.filter(({ name }) => !only || only.test(name)))
    failed += await run(one, browser, ++number) ? 0 : 1;
console.log(`1..${number}`);
await browser.close();
process.exitCode = failed ? 1 : 0;
