"""One Markdown page per code, beside this file: why, a failing example with its output, a mended one.

A page begins with `# B0102: unknown key`. Its fenced blocks are, by the words after the backquotes:

- `toml failing`: the file `spec.toml` with the mistake; with `times=N` the file is the block N times,
  with `encoding=NAME` it is written in that encoding, with `params=...` and `set=...` the command line
  gives them, with `check=NAME` that name is checked instead of `spec.toml`;
- `toml file=NAME`: another file that the example needs;
- `text output`: what `bvc check` prints;
- `toml mended`: the file without the mistake; takes `params` and `set` too.

Examples may `use = "base.toml"`: the tiny experiment beside the pages. A page of what no spec can show may have
no example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
BASE = "base.toml"
_HEADING = re.compile(r"# (B\d{4}): (.+)")
_BLOCK = re.compile(r"^```(?P<words>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A spec of a page, and how it is checked."""

    text: str
    times: int = 1
    encoding: str = "utf-8"
    params: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    check: str = "spec.toml"

    def write(self, folder: Path) -> None:
        """Writes `spec.toml` into `folder`."""
        (folder / "spec.toml").write_bytes((self.text * self.times).encode(self.encoding))


@dataclass(frozen=True, slots=True)
class Page:
    """A page; `text` is all of it."""

    code: str
    title: str
    text: str
    failing: Example | None = None
    output: str | None = None
    mended: Example | None = None
    files: tuple[tuple[str, str], ...] = ()

    def shown(self) -> str:
        """The text, and `base.toml` where the examples use it."""
        if f'"{BASE}"' not in self.text:
            return self.text
        base = (FOLDER / BASE).read_text(encoding="utf-8")
        return f"{self.text}\n`{BASE}`, which these examples change:\n\n```toml\n{base}```\n"

    def with_output(self, output: str) -> str:
        """The page's text with another output."""
        found = next(match for match in _BLOCK.finditer(self.text) if match["words"] == "text output")
        start, end = found.span("body")
        return f"{self.text[:start]}{output}\n{self.text[end:]}"


@cache
def codes() -> tuple[str, ...]:
    """The codes that have a page, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("B*.md")))


def read(code: str) -> Page:
    """The page of a code. Raises `FileNotFoundError` for a code without one."""
    return parse((FOLDER / f"{code}.md").read_text(encoding="utf-8"))


def parse(text: str) -> Page:
    """A page from its text. Raises `ValueError` where the text is no page."""
    heading = _HEADING.match(text)
    if heading is None:
        raise ValueError("a page begins with `# B0000: title`")
    failing = mended = None
    output: str | None = None
    files: list[tuple[str, str]] = []
    for block in _BLOCK.finditer(text):
        language, _, role = block["words"].partition(" ")
        body = block["body"]
        if (language, role) == ("text", "output"):
            output = body.rstrip("\n")
        elif role.startswith("file="):
            files.append((role.removeprefix("file="), body))
        elif role.partition(" ")[0] == "failing":
            failing = _example(body, role.split()[1:])
        elif role.partition(" ")[0] == "mended":
            mended = _example(body, role.split()[1:])
        else:
            raise ValueError(f"a page has no block `{block['words']}`")
    return Page(heading[1], heading[2], text, failing, output, mended, tuple(files))


def _example(body: str, words: list[str]) -> Example:
    given: dict[str, str] = {}
    settings: list[tuple[str, str]] = []
    for word in words:
        name, _, value = word.partition("=")
        if name == "set":
            key, _, value = value.partition("=")
            settings.append((key, value))
        elif name in ("times", "encoding", "params", "check"):
            given[name] = value
        else:
            raise ValueError(f"an example takes no `{name}`")
    return Example(
        body,
        int(given.get("times", "1")),
        given.get("encoding", "utf-8"),
        given.get("params", ""),
        tuple(settings),
        given.get("check", "spec.toml"),
    )
