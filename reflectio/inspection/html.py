"""Reports in a notebook: small tables, in which whatever a document holds is text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as _escape
from typing import TYPE_CHECKING

from reflectio.inspection.text import printable

if TYPE_CHECKING:
    from reflectio.audit import Audit
    from reflectio.inspection.comparison import Diff

# Of more rows, the rest is counted.
_ROWS = 100

_TITLES = {
    "structure": "Structure",
    "parameter": "Parameters",
    "learned": "Learned values",
    "version": "Versions",
    "metadata": "Metadata",
}

# Notebooks have light and dark themes: only what is good or bad has a colour of its own.
_GOOD, _BAD, _CARE = "color:#1a7f37", "color:#cf222e", "color:#9a6700"
_CELL = "text-align:left;padding:1px 12px 1px 0;vertical-align:top"


def escape(text: str) -> str:
    """Text as it can stand in HTML, with escapes for control characters and others that do not show."""
    return "\n".join(_escape(printable(line, max(len(line), 1))) for line in text.split("\n"))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], count: int) -> str:
    cells = [_row("th", map(escape, head))]
    for index, row in enumerate(rows):
        if index == _ROWS:
            cells.append(_row("td", [f"… {count - _ROWS:,} more"]))
            break
        cells.append(_row("td", row))
    return f"<table style='border-collapse:collapse'>{''.join(cells)}</table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag} style='{_CELL}'>{cell}</{tag}>" for cell in cells) + "</tr>"


def _code(text: object) -> str:
    return f"<code>{escape(str(text))}</code>"


def _verdict(text: str, style: str) -> str:
    return f"<p><strong style='{style}'>{escape(text)}</strong></p>"


def diff_html(found: Diff) -> str:
    """A comparison, a table for each kind of changes."""
    titles = f"{escape(found.before)} → {escape(found.after)}"
    if found.same:
        return f"<div>{_verdict('No difference', _GOOD)}<p>{titles}</p></div>"
    count = len(found.changes)
    parts = [_verdict(f"{count:,} difference{'s' * (count > 1)}", _BAD), f"<p>{titles}</p>"]
    for kind, title in _TITLES.items():
        changes = [change for change in found.changes if change.kind == kind]
        if changes:
            rows = ((_code(change.path), escape(change.text())) for change in changes)
            parts.append(_table((title, ""), rows, len(changes)))
    return f"<div>{''.join(parts)}</div>"


def audit_html(audit: Audit) -> str:
    """A judgement: the verdict, every name, what is worth a look, and what to add to a policy."""
    refused = {(use.kind, use.name) for use in audit.untrusted}
    if refused:
        names = f"{len(refused)} name{'s' * (len(refused) > 1)}"
        parts = [_verdict(f"Refused: the policy does not allow {names}", _BAD)]
    else:
        parts = [_verdict("Allowed: the policy allows every name", _GOOD)]
    rows = (
        (
            f"<span style='{_BAD}'>refused</span>"
            if (use.kind, use.name) in refused
            else f"<span style='{_GOOD}'>allowed</span>",
            escape(use.kind),
            _code(use.name),
            f"{use.count:,}",
            _code(use.path),
        )
        for use in sorted(audit.names, key=lambda use: (use.kind, use.name) not in refused)
    )
    if audit.names:
        parts.append(_table(("", "kind", "name", "uses", "first at"), rows, len(audit.names)))
    if audit.notices:
        notes = ((_code(notice.path), escape(notice.message)) for notice in audit.notices)
        parts.append(f"<p style='{_CARE}'>Worth a look</p>")
        parts.append(_table(("where", "what"), notes, len(audit.notices)))
    versions = ", ".join(f"{name} {version}" for name, version in audit.versions.items())
    if versions:
        parts.append(f"<p>Written with {escape(versions[:2000])}</p>")
    if audit.advice:
        parts.append(f"<pre>{escape(audit.advice)}</pre>")
    return f"<div>{''.join(parts)}</div>"
