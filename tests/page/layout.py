"""What is wrong with how a screen is laid out, at the sizes at which people look at it."""

from __future__ import annotations

PHONE, LAPTOP, DESK, LARGE = (390, 844), (1366, 768), (1600, 950), (3840, 2160)
LEAST_TYPE = {PHONE: 11, LAPTOP: 11, DESK: 11, LARGE: 16}
"""CSS pixels. Two device pixels for one of these (a scaled 4K screen) change nothing of it."""

MEASURE = """() => {
    const root = document.documentElement;
    const found = { wide: root.scrollWidth - innerWidth, high: root.scrollHeight - innerHeight, beyond: [], cut: [] };
    [found.least, found.smallest] = [Infinity, ""];
    const style = (e) => getComputedStyle(e);
    const holder = (e) => (style(e.parentElement).display === "contents" ? holder(e.parentElement) : e.parentElement);
    const right = (e) => e.getBoundingClientRect().right;
    const isRoll = (e) => ["auto", "scroll"].includes(style(e).overflowX);
    const scrolls = (e) => e !== document.body && (isRoll(holder(e)) || scrolls(holder(e)));
    const isText = (n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim();
    for (const e of document.body.querySelectorAll("*")) {
        const box = e.getBoundingClientRect();
        if (!e.checkVisibility() || !box.width || !box.height) continue;
        const who = `${e.tagName.toLowerCase()} ${e.dataset.name ?? e.className}: ${e.textContent.slice(0, 40)}`;
        const [size, speaks] = [parseFloat(style(e).fontSize), [...e.childNodes].some(isText)];
        if (speaks && size > 0 && size < found.least) [found.least, found.smallest] = [size, who];
        const isFree = style(e).position === "absolute" || scrolls(e);
        if (e.dataset.name && !isFree && right(e) > right(holder(e)) + 1) found.beyond.push(who);
        const isCut = style(e).overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1;
        if (speaks && isCut && !e.title) found.cut.push(who);
    }
    return found;
}"""


def laid_out_wrongly(page, sizes=(PHONE, LAPTOP, DESK, LARGE)):
    """Yield a sentence for everything that is too small, too wide, or cut without its whole text as a title."""
    for size in sizes:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.evaluate("() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))")
        seen, at = page.evaluate(MEASURE), "{}x{}".format(*size)
        if seen["wide"] > 0 or (size != PHONE and seen["high"] > 0):
            yield f"{at}: the page scrolls by {seen['wide']} x {seen['high']} px"
        if seen["least"] < LEAST_TYPE[size]:
            yield f"{at}: {seen['least']} px: {seen['smallest']}"
        yield from (f"{at}: beyond its place: {who}" for who in seen["beyond"])
        yield from (f"{at}: cut: {who}" for who in seen["cut"])
