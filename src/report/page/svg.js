/*
 * Zoom and search for the SVG, where it is opened in a browser. Boxes are <svg class="box"> with
 * their frame in the first line of <title>; their places in the file are those of the whole graph.
 */

const CHARACTER = 6.7;
const root = document.documentElement;
const info = document.getElementById("info");
const graphWidth = root.viewBox.baseVal.width;
const boxes = [...root.querySelectorAll(".box")].map((element) => ({
    element,
    text: element.querySelector("text"),
    name: element.querySelector("title").textContent.split("\n")[0],
    left: Number(element.getAttribute("x")),
    width: Number(element.getAttribute("width")),
    y: Number(element.getAttribute("y")),
}));
const rootBox = boxes[0];
let zoomed = rootBox;

function cut(name, width) {
    const room = Math.floor((width - 6) / CHARACTER);

    if (room < 3)
        return "";
    return name.length <= room ? name : name.slice(0, room - 1) + "…";
}

function label(box, width) {
    const text = cut(box.name, width);

    if (!box.text && text) {
        box.text = document.createElementNS(root.namespaceURI, "text");
        box.text.setAttribute("x", 3);
        box.text.setAttribute("y", 12);
        box.element.append(box.text);
    }
    if (box.text)
        box.text.textContent = text;
}

function zoom(to) {
    const scale = rootBox.width / to.width;
    const right = to.left + to.width;
    const inwards = Math.sign((boxes.find((box) => box.y !== rootBox.y) || rootBox).y - rootBox.y);

    zoomed = to;
    for (const box of boxes) {
        const end = box.left + box.width;
        const isWay = (box.y - to.y) * inwards < 0;
        const left = Math.max(box.left, to.left);
        const width = (Math.min(end, right) - left) * scale;
        /* coordinates are rounded to hundredths */
        const shown = isWay ? box.left <= to.left + 0.02 && end >= right - 0.02 :
            box.left >= to.left - 0.02 && end <= right + 0.02;

        box.element.style.display = shown && width > 0.05 ? "" : "none";
        box.element.classList.toggle("way", shown && isWay);
        if (!shown)
            continue;
        box.element.setAttribute("x", rootBox.left + (left - to.left) * scale);
        box.element.setAttribute("width", Math.max(width, 0.1));
        label(box, width);
    }
    document.getElementById("reset").style.display = to === rootBox ? "none" : "";
}

/* What matches, each stretch of the width counted once. */
function search(text) {
    const flags = text === text.toLowerCase() ? "i" : "";
    let covered = 0;
    let end = -1;
    let found = 0;
    let pattern;

    try {
        pattern = text ? new RegExp(text, flags) : null;
    } catch (error) {
        info.textContent = error.message;
        return;
    }
    for (const box of boxes)
        box.match = Boolean(pattern) && box !== rootBox && pattern.test(box.name);
    for (const box of boxes)
        box.element.classList.toggle("match", box.match);
    for (const box of boxes.filter((b) => b.match).sort((a, b) => a.left - b.left || b.width - a.width)) {
        found++;
        covered += Math.max(0, box.left + box.width - Math.max(end, box.left));
        end = Math.max(end, box.left + box.width);
    }
    info.textContent = pattern ?
        `${found} boxes match "${text}": ${(100 * covered / rootBox.width).toFixed(1)} %` : "";
}

function ask() {
    const text = prompt("Search functions and files (a regular expression):", "");

    if (text !== null)
        search(text);
}

function press(id, act) {
    const link = document.getElementById(id);

    link.addEventListener("click", act);
    link.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ")
            act();
    });
}

if (rootBox) {
    root.classList.add("live");
    root.addEventListener("click", (event) => {
        const element = event.target.closest(".box");
        const box = boxes.find((b) => b.element === element);

        if (box)
            zoom(box);
    });
    root.addEventListener("keydown", (event) => {
        const isFind = (event.ctrlKey || event.metaKey) && event.key === "f";

        if (isFind || event.key === "/") {
            event.preventDefault();
            ask();
        } else if (event.key === "Escape") {
            search("");
            zoom(rootBox);
        }
    });
    press("search", ask);
    press("reset", () => zoom(rootBox));
    document.getElementById("search").style.display = "";
}
