"""A self-contained page: text, tables and drawings in one HTML file that loads nothing, light or dark."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape

from bvc.figure.colours import COLOURS, PALETTES, Palette
from bvc.figure.marks import SIZES, Drawing
from bvc.figure.svg import svg


def page(title: str, below: str, parts: Sequence[str]) -> str:
    """A whole document; `below` stands under its title, `parts` are what the functions here return."""
    head = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
    )
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    body = "\n".join([f"<h1>{escape(title)}</h1>", f'<p class="below">{escape(below)}</p>', *parts])
    return f"{head}{view}<style>\n{_style()}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"


def section(title: str, *parts: str) -> str:
    """A heading and what stands under it; nothing where nothing does."""
    held = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escape(title)}</h2>\n{held}\n</section>" if held else ""


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def figures(drawings: Sequence[Drawing]) -> str:
    """Drawings beside each other, as many as there is room for."""
    held = "\n".join(f"<figure>\n{svg(drawing)}\n</figure>" for drawing in drawings)
    return f'<div class="figures">\n{held}\n</div>' if drawings else ""


def wide(drawing: Drawing) -> str:
    """A drawing over the whole width."""
    return f'<figure class="wide">\n{svg(drawing)}\n</figure>'


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: Sequence[int] = (),
    colours: Sequence[int | None] = (),
) -> str:
    """A table of plain texts; nothing where it has no rows.

    Args:
        head: names of the columns.
        rows: their cells.
        words: columns that hold words, besides the first; all others hold numbers and end together.
        colours: for each row the colour of a series.
    """
    if not rows:
        return ""
    sides = [' class="words"' if column in (0, *words) else "" for column in range(len(head))]
    top = "".join(f"<th{side}>{escape(cell)}</th>" for side, cell in zip(sides, head, strict=True))
    lines = [f"<tr>{top}</tr>"]
    for row, colour in itertools.zip_longest(rows, colours[: len(rows)]):
        cells = [f"<td{side}>{escape(cell)}</td>" for side, cell in zip(sides, row, strict=True)]
        if colour is not None:
            cells[0] = cells[0].replace(">", f">{_key(colour)}", 1)
        lines.append(f"<tr>{''.join(cells)}</tr>")
    held = "\n".join(lines)
    return f'<div class="scroll"><table>\n{held}\n</table></div>'


def folded(title: str, text: str) -> str:
    """A long text that opens on a click."""
    return f"<details><summary>{escape(title)}</summary>\n<pre>{escape(text)}</pre></details>"


def picture(title: str, kind: str, encoded: str) -> str:
    """An image file inside the page; `encoded` is its content in base64."""
    source = f"data:image/{kind};base64,{encoded}"
    image = f'<img src="{source}" alt="{escape(title)}">'
    return f'<figure class="sample">{image}<figcaption>{escape(title)}</figcaption></figure>'


def samples(pictures: Sequence[str]) -> str:
    """Pictures beside each other."""
    held = "\n".join(pictures)
    return f'<div class="samples">\n{held}\n</div>' if pictures else ""


def _key(colour: int) -> str:
    return f'<span class="key c{colour % COLOURS}"></span>'


def _style() -> str:
    dark = "\n".join(f"  {line}" for line in _colours(PALETTES["dark"]).splitlines())
    sizes = "".join(f".{role} {{ font-size: {size:g}px }}\n" for role, size in SIZES.items())
    scheme = f"@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    return f":root {{ color-scheme: light dark }}\n{_colours(PALETTES['light'])}\n{scheme}{_FORM}{sizes}"


def _colours(palette: Palette) -> str:
    named = {"paper": palette.paper, "panel": palette.panel, "ink": palette.ink}
    named |= {"muted": palette.muted, "grid": palette.grid}
    rules = [":root { " + "; ".join(f"--{name}: {value}" for name, value in named.items()) + " }"]
    for number, (line, part) in enumerate(zip(palette.series, palette.parts, strict=True)):
        rules.append(f".c{number} {{ --own: {line}; --part: {part} }}")
    return "\n".join(rules)


_FORM = """\
body { margin: 2rem auto; max-width: 86rem; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .8rem }
.below, figcaption { color: var(--muted) }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1rem }
figure { margin: 0; background: var(--panel); border-radius: 8px; padding: .6rem }
figure svg { display: block; width: 100%; height: auto; font-family: system-ui, sans-serif }
.wide { max-width: 62rem; margin-bottom: 1rem }
.samples { display: flex; flex-wrap: wrap; gap: 1rem } .sample img { max-width: 24rem; display: block }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap }
th { color: var(--muted); font-weight: 500 } .words { text-align: left }
td { vertical-align: top } td.words { white-space: normal; overflow-wrap: anywhere; min-width: 9rem }
td.words:first-child { white-space: nowrap }
pre { background: var(--panel); border-radius: 8px; padding: 1rem; overflow-x: auto; font-size: 13px }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .5rem;
  background: var(--own) }
svg text { fill: var(--muted); font-variant-numeric: tabular-nums } svg .title { fill: var(--ink); font-weight: 600 }
svg .name { fill: var(--ink) }
.grid { stroke: var(--grid) } .axis, .level { stroke: var(--muted) } text.level { stroke: none }
.shade { fill: var(--grid); opacity: .45 } svg .onpart { fill: var(--paper) }
polyline.series { fill: none; stroke: var(--own); stroke-width: 1.8; stroke-linejoin: round }
polyline.again { stroke-dasharray: 6 3 } circle.series { fill: var(--own) }
polygon.area { fill: var(--own); opacity: .55 } polyline.area { stroke: var(--own); stroke-width: 4; opacity: .55 }
.part { fill: var(--part) }
"""
