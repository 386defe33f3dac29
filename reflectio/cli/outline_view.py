"""How outlines and comparisons look on a terminal: lines with guides, columns for arrays, no colour in a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from reflectio.cli.console import Console
from reflectio.inspection.text import printable, share, size

if TYPE_CHECKING:
    from reflectio.inspection.entry import Entry
    from reflectio.inspection.report import Report
    from reflectio.inspection.space import Use

_BRANCH, _LAST, _PASS, _SPACE = "├─ ", "└─ ", "│  ", "   "

# What terminals without Unicode get.
_ASCII = str.maketrans(
    {
        "├": "|",
        "└": "`",
        "│": "|",
        "─": "-",
        "…": "~",
        "→": ">",
        "≤": "<",
        "█": "#",
        "≥": ">",
        "≠": "!",
        "·": "-",
    }
)

# Names are padded up to this width, for what follows to stand in columns.
_NAME = 24
_BAR = 10

# In smaller documents it does not matter what takes the space.
_LARGE = 20_000


def print_lines(lines: Iterable[Text], console: Console) -> None:
    """Print lines: cut at the edge of a terminal, in full into a pipe."""
    width = width_of(console)
    unicode = not console.options.ascii_only
    for line in lines:
        if not unicode:
            plain = Text(line.plain.translate(_ASCII))
            plain.spans = line.spans
            line = plain
        line.rstrip()
        if width is not None:
            line.truncate(width, overflow="ellipsis" if unicode else "crop")
        console.print(line, soft_wrap=True)


def titled(name: Text, title: str, width: int | None) -> Iterator[Text]:
    """A name and a title on one line, or on two where one is too short."""
    if width is None or len(name) + 2 + len(title) <= width:
        yield Text.assemble(name, "  ", title)
    else:
        yield name
        yield Text(f"  {title}")


def broken(text: str, width: int) -> Iterator[str]:
    """Text in lines, broken between words where there are such."""
    while len(text) > width:
        place = text.rfind(" ", width // 2, width + 1)
        place = width if place < 0 else place
        yield text[:place]
        text = text[place:].lstrip()
    yield text


def width_of(console: Console) -> int | None:
    """How long a line may be: up to the edge of a terminal. A pipe has none, unless its reader says so."""
    return console.width if console.is_terminal or "COLUMNS" in os.environ else None


def report_lines(report: Report, name: str, width: int | None) -> Iterator[Text]:
    """The lines of a report about a document."""
    yield from titled(Text(name, "bold"), report.title, width)
    yield from _head(report, width)
    yield Text()
    yield from outline_lines(report.outline)
    if report.space and report.total >= _LARGE:
        yield Text()
        yield from space_lines(report.space, report.total)


def _head(report: Report, width: int | None) -> Iterator[Text]:
    header = report.header
    facts = [f"{size(header.nbytes)}, {header.format} format {header.format_version}"]
    if header.segment_nbytes:
        facts.append(f"header {size(header.header_nbytes)}, arrays {size(header.segment_nbytes)}")
    line = Text(", ".join(facts) + ", ", style="dim")
    line.append_text(_digests(report))
    yield line
    if header.problem:
        # In full, whatever the width: it says what is wrong.
        for number, part in enumerate(broken(printable(header.problem, 400), max(20, (width or 1000) - 9))):
            yield Text.assemble(("         " if number else "damaged  ", "bold red"), (part, "red"))
    versions = Text("written with ", style="dim")
    for index, (library, version, here) in enumerate(report.versions):
        versions.append(f"{', ' if index else ''}{library} {version}", style="dim")
        if here:
            versions.append(f" (here: {here})", style="yellow")
    if report.versions:
        yield versions
    width = max((len(key) for key, _ in report.metadata), default=0)
    for key, value in report.metadata:
        yield Text.assemble((f"{key:<{width}}  " if key else "", "dim"), value)


def _digests(report: Report) -> Text:
    header = report.header
    states = {header.digest, header.segment_digest} if header.segment_nbytes else {header.digest}
    if "differs" in states:
        which = [
            part
            for part, state in (("header", header.digest), ("arrays", header.segment_digest))
            if state == "differs"
        ]
        return Text(f"digest of the {' and the '.join(which)} does not match: damaged or edited", "bold red")
    if states == {"matches"}:
        return Text("digests match", "green")
    if header.problem:
        return Text("header digest matches" if "matches" in states else "no digest of the header", "dim")
    if states == {"matches", "unread"}:
        return Text("header digest matches, arrays not read: 'reflectio verify' does", "dim")
    if header.format == "json":
        return Text("no digest", "dim")
    return Text("digest deleted: perhaps edited by hand", "yellow")


def outline_lines(entry: Entry) -> Iterator[Text]:
    """An outline, with guides."""
    yield _line(entry, "", 0, (0, 0, 0))
    yield from _children(entry, "")


def _children(entry: Entry, prefix: str) -> Iterator[Text]:
    children = entry.children
    arrays = [child for child in children if child.array is not None and not child.children]
    columns = (
        max((len(child.array.dtype) for child in arrays if child.array), default=0),
        max((len(_shape(child)) for child in arrays), default=0),
        max((len(_array_size(child)) for child in arrays), default=0),
    )
    leaves = [len(child.name) for child in children if not child.children and child.name]
    width = min(max(leaves, default=0), _NAME)
    count = len(children) + bool(entry.hidden and children)
    for index, child in enumerate(children):
        last = index == count - 1
        yield _line(child, prefix + (_LAST if last else _BRANCH), width, columns)
        yield from _children(child, prefix + (_SPACE if last else _PASS))
    if count > len(children):
        yield Text(f"{prefix}{_LAST}… {entry.hidden:,} more: --all, or select one by its path", "dim")


def _line(entry: Entry, guides: str, width: int, columns: tuple[int, int, int]) -> Text:
    line = Text(guides, style="dim")
    if entry.role in ("defaults", "hidden"):
        line.append(entry.text, "dim")
        return line
    line = Text.assemble((guides, "dim"))
    name_style = {"private": "dim", "insight": "", "parameter": "bold"}.get(entry.role, "")
    padded = not entry.children
    line.append(f"{entry.name:<{width}}" if padded else entry.name, name_style)
    if entry.name:
        line.append("  ")
    if entry.array is not None and not entry.children:
        dtype, shape, nbytes = columns
        line.append(f"{entry.array.dtype:<{dtype}}  {_shape(entry):<{shape}}  ", "cyan")
        line.append(f"{_array_size(entry):>{nbytes}}", "dim")
        if entry.glance is not None:
            line.append(f"  {entry.glance.text()}")
    elif entry.tag:
        line.append(entry.text, "bold magenta" if entry.children else "magenta")
        line.append(f"  {size(entry.nbytes)}" if entry.nbytes else "", "dim")
    else:
        style = "bold yellow" if entry.role == "parameter" and entry.default else ""
        line.append(entry.text, style)
        if entry.glance is not None:
            line.append(f"  {entry.glance.text()}")
        if entry.children and entry.nbytes >= 1000:
            line.append(f"  {size(entry.nbytes)}", "dim")
    if entry.default:
        line.append(f"  (default {entry.default})", "dim")
    if entry.note:
        line.append(f"  {entry.note}", "dim" if not entry.note.startswith("values not") else "red")
    if entry.hidden and not entry.children and entry.tag:
        line.append("  …", "dim")
    return line


def _shape(entry: Entry) -> str:
    if entry.array is None:
        return ""
    shape = ", ".join(map(str, entry.array.shape))
    text = f"({shape},)" if len(entry.array.shape) == 1 else f"({shape})"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _array_size(entry: Entry) -> str:
    return size(entry.array.nbytes) if entry.array is not None else ""


def space_lines(uses: list[Use], total: int) -> Iterator[Text]:
    """What takes the space."""
    yield Text("what takes the space", "bold")
    width = max(len(size(use.nbytes)) for use in uses)
    for use in uses:
        part = use.nbytes / total if total else 0.0
        line = Text(f"{size(use.nbytes):>{width}}  {share(part):>7}  ")
        line.append(f"{'█' * round(_BAR * min(part, 1)):<{_BAR}}  ", "blue")
        line.append(use.path)
        if use.count > 1:
            line.append(f"  ({use.count:,} of them)", "dim")
        yield line
