/*
 * Colours by kind of code, with a stable hue per module. They are made in OKLCH, where equal
 * lightness looks equally light: so one choice of text colour stays readable on all of them.
 */

const KIND_PYTHON = 0;
const KIND_NATIVE = 1;
const KIND_KERNEL = 2;
const KIND_MARKER = 3;

const OWN = 0;
const PACKAGE = 1;
const STDLIB = 2;
const IMPORT = 3;
const NATIVE = 4;
const KERNEL = 5;
const OTHER = 6; /* markers, threads and the root */

/* hue: where the band begins and how wide it is, in degrees; chroma: how colourful. */
const CATEGORIES = [
    { name: "Your code", hue: 48, width: 42, chroma: 1 },
    { name: "Packages", hue: 138, width: 52, chroma: 0.9 },
    { name: "Standard library", hue: 222, width: 40, chroma: 0.9 },
    { name: "Import system", hue: 280, width: 10, chroma: 0.24 },
    { name: "Native", hue: 310, width: 42, chroma: 0.85 },
    { name: "Kernel", hue: 14, width: 16, chroma: 1 },
    { name: "Other", hue: 270, width: 1, chroma: 0.06 },
];

const IMPORT_FILE =
    /^<frozen (importlib\b.*|runpy|zipimport)>$|\/python3[^/]*\/(importlib\/([^/]*\/)*\w+|runpy|pkgutil|zipimport)\.py$/;
const PACKAGE_FILE = /\/(site|dist)-packages\//;
const STDLIB_FILE = /^<frozen .*>$|\/lib(64)?\/(python3(\.\d+)?t?|python3\d\d\.zip)\/|\/cpython[^/]*\/Lib\//;

function categoryOf(kind, file) {
    if (kind === KIND_NATIVE)
        return NATIVE;
    if (kind === KIND_KERNEL)
        return KERNEL;
    if (kind !== KIND_PYTHON)
        return OTHER;
    if (PACKAGE_FILE.test(file))
        return PACKAGE;
    if (IMPORT_FILE.test(file))
        return IMPORT;
    return STDLIB_FILE.test(file) ? STDLIB : OWN;
}

/* What shares a hue: a package or a top-level module of the standard library, else a file. */
function hueGroupOf(category, file) {
    const match = category === PACKAGE ? /.*-packages\/([^/]+)/.exec(file) :
        category === STDLIB ? /.*\/python3[^/]*\/([^/]+)/.exec(file) : null;

    return match ? match[1].replace(/\.py$/, "") : file;
}

/* FNV-1a, as a number in [0, 1). */
function hashShare(text) {
    let hash = 0x811c9dc5;

    for (let i = 0; i < text.length; i++) {
        hash ^= text.charCodeAt(i);
        hash = Math.imul(hash, 0x01000193);
    }
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 12;
    return (hash >>> 0) / 4294967296;
}

/* Linear-light sRGB of an OKLCH colour (Ottosson, "A perceptual color space", 2020). */
function linearOfOklch(lightness, chroma, hue) {
    const a = chroma * Math.cos(hue * Math.PI / 180);
    const b = chroma * Math.sin(hue * Math.PI / 180);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;

    return [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ];
}

/* [red, green, blue], 0 to 255; less colourful where the screen cannot show it. */
function rgbOfOklch(lightness, chroma, hue) {
    let linear = linearOfOklch(lightness, chroma, hue);

    while (chroma > 0 && linear.some((v) => v < -0.0005 || v > 1.0005)) {
        chroma = Math.max(0, chroma - 0.004);
        linear = linearOfOklch(lightness, chroma, hue);
    }
    return linear.map((v) => {
        const clamped = Math.min(1, Math.max(0, v));

        return Math.round(255 * (clamped <= 0.0031308 ? 12.92 * clamped :
            1.055 * clamped ** (1 / 2.4) - 0.055));
    });
}

function cssColor(rgb) {
    return "#" + rgb.map((v) => v.toString(16).padStart(2, "0")).join("");
}

/* Contrast of two colours as WCAG 2 defines it: 1 to 21. */
function contrast(first, second) {
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((v) => {
            const share = v / 255;

            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });

        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);

    return (high + 0.05) / (low + 0.05);
}

/* change: lightness and chroma by how much changed (change.js). */
const THEMES = {
    light: {
        box: { lightness: 0.875, spread: 0.022, chroma: 0.088 },
        change: { lightness: [0.925, 0.905, 0.88, 0.855, 0.83], chroma: [0.004, 0.03, 0.06, 0.09, 0.12] },
        text: [28, 27, 31], faint: [82, 80, 90],
        page: [252, 252, 250], dimmed: [236, 236, 233], dimmedText: [96, 95, 104],
        match: [88, 60, 200], matchText: [255, 255, 255], matchFaint: [226, 220, 255],
        rest: [222, 221, 217], line: [200, 199, 194],
    },
    dark: {
        box: { lightness: 0.385, spread: 0.024, chroma: 0.07 },
        change: { lightness: [0.33, 0.345, 0.365, 0.385, 0.41], chroma: [0.004, 0.04, 0.07, 0.1, 0.13] },
        text: [244, 243, 240], faint: [196, 195, 200],
        page: [22, 22, 25], dimmed: [42, 42, 46], dimmedText: [160, 159, 168],
        match: [178, 160, 255], matchText: [24, 16, 58], matchFaint: [52, 40, 104],
        rest: [54, 54, 59], line: [84, 84, 92],
    },
};

/* Of one function: group gives the hue, name a slight difference in lightness. */
function boxColor(theme, category, group, name) {
    const { box } = THEMES[theme];
    const band = CATEGORIES[category];

    return rgbOfOklch(box.lightness + (hashShare(name) * 2 - 1) * box.spread,
        box.chroma * band.chroma, band.hue + band.width * hashShare(group));
}

/* The dot of a kind in the legend: stronger than its boxes, in the middle of its band. */
function kindColor(theme, category) {
    const band = CATEGORIES[category];

    return rgbOfOklch(theme === "dark" ? 0.72 : 0.68, 0.13 * band.chroma + 0.01,
        band.hue + band.width / 2);
}
