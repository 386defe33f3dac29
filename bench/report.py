"""The report of a run: ``python -m bench.report FOLDER`` writes it again from the folder's summary.json."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path
from typing import Any

import cattrs

from bench import charts, groups, tables
from bench.figures import Results
from bench.tables import Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --line: #d8dee4; --paper: #ffffff; --card: #f6f8fa;
  --met: #1a7f37; --missed: #cf222e; --accent: #e8590c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --paper: #0d1117;
  --card: #151b23; --met: #3fb950; --missed: #f85149; --accent: #ff8c42; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main, header, nav { max-width: 68rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; } h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; }
header p { color: var(--soft); margin: 0 0 1.2rem; max-width: 48rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .2rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: .95rem; margin: 1.4rem 0 .4rem; } .about { color: var(--soft); margin: 0 0 1rem; max-width: 48rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding-bottom: .4rem; } a { color: var(--accent); }
nav a { text-decoration: none; font-size: .95rem; } nav a:hover { text-decoration: underline; }
figure { margin: 1rem 0; overflow-x: auto; } figure svg { width: 100%; min-width: 40rem; height: auto; display: block; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.card b { display: block; font-size: 1.6rem; line-height: 1.2; } .card span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .8rem .28rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.targets td:nth-child(-n+2), .targets th:nth-child(-n+2) { text-align: left; }
.met { color: var(--met); font-weight: 600; } .missed { color: var(--missed); font-weight: 600; }
.not { color: var(--soft); } details { margin: .6rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .88rem; margin: 0 0 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; } code, pre { font: .85em ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem; overflow-x: auto; }
ul.skips { font-size: .88rem; color: var(--soft); padding-left: 1.1rem; }
footer { max-width: 68rem; margin: 3rem auto 2rem; padding: 0 1.5rem; color: var(--soft); font-size: .85rem; }
"""

# A table of more rows than this is folded.
_LONG = 16


def write(folder: Path, profile: str, about: dict[str, str], results: Results) -> None:
    """Write ``report.html``, ``summary.json``, ``summary.md`` and ``chart.svg`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_summary(folder, profile, about, results)
    (folder / "summary.md").write_text(_markdown(about, results))
    (folder / "report.html").write_text(_page(profile, about, results))
    if (canvas := charts.ratios(results)) is not None:
        title = "Time to dump and load, as multiples of pickle's"
        (folder / "chart.svg").write_text(charts.standalone(canvas, title))


def write_summary(folder: Path, profile: str, about: dict[str, str], results: Results) -> None:
    """Write ``summary.json`` alone, which is all that the others are made from."""
    folder.mkdir(parents=True, exist_ok=True)
    summary: dict[str, Any] = {"profile": profile, "about": about}
    summary["targets"] = [
        dict(zip(("work", "target", "figure", "verdict"), row, strict=True)) for row in _verdicts(results)
    ]
    summary |= cattrs.unstructure(results)
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")


def read(folder: Path) -> tuple[str, dict[str, str], Results]:
    """The profile, what is said of the machine, and the figures, from a folder's ``summary.json``."""
    summary = json.loads((folder / "summary.json").read_text())
    return summary["profile"], summary["about"], cattrs.structure(summary, Results)


def _verdicts(results: Results) -> list[tuple[str, ...]]:
    return [tuple(cell.strip("*") for cell in row) for row in tables.targets(results).rows]


# -- Markdown -----------------------------------------------------------------------------------------------------


def _markdown(about: dict[str, str], results: Results) -> str:
    parts = ["# reflectio's benchmarks", "\n".join(f"- {name}: {text}" for name, text in about.items())]
    parts += [_markdown_table(tables.targets(results))]
    overview = tables.overview(results)
    if overview.rows:
        parts += [_markdown_table(overview)]
    for name in groups.NAMES:
        skipped = tables.skipped(results, name)
        if name in results.done:
            parts.append(f"## {groups.group(name).TITLE}")
            parts += [
                _markdown_table(table) for table in tables.tables(results, name) if len(table.rows) <= _LONG
            ]
        if skipped:
            parts.append("Not measured:\n\n" + "\n".join(f"- {line}" for line in skipped))
        if results.notes.get(name):
            parts.append(results.notes[name].strip())
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    def line(cells: Any) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    rule = "|" + "|".join(["---"] + ["---:"] * (len(table.header) - 1)) + "|"
    return f"**{table.title}**\n\n" + "\n".join([line(table.header), rule, *map(line, table.rows)])


# -- HTML ---------------------------------------------------------------------------------------------------------


def _page(profile: str, about: dict[str, str], results: Results) -> str:
    sections = [_targets(results), _overview(results)]
    shown = [name for name in groups.NAMES if name in results.done]
    sections += [_section(name, results) for name in shown]
    links = "".join(f'<a href="#{name}">{html.escape(groups.group(name).TITLE)}</a>' for name in shown)
    facts = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in about.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>reflectio's benchmarks</title><style>{_STYLE}</style></head><body>
<header><h1>reflectio's benchmarks</h1>
<p>Every saver with the same models in the same process, taking turns round by round; the best of the rounds counts.
All of reflectio's checks are on. Less is better, unless it says otherwise.</p>
{_cards(results)}<dl><dt>profile</dt><dd>{html.escape(profile)}</dd>{facts}</dl></header>
<nav><a href="#targets">Targets</a><a href="#overview">Overview</a>{links}</nav>
<main>{"".join(sections)}</main>
<footer>Written by <code>python -m bench</code>; every figure is in summary.json beside this page.</footer></body></html>
"""


def _cards(results: Results) -> str:
    rows = {row[0]: row for row in _verdicts(results)}
    met = sum(row[3] == "met" for row in rows.values())
    measured = sum(row[3] != "not measured" for row in rows.values())
    cards = [(f"{met} of {measured}", "targets met")]
    for work, label in (
        ("the zoo, median: dumps", "of pickle's time to dump, the zoo's median"),
        ("the zoo, median: loads", "of pickle's time to load, the zoo's median"),
        ("mapped load at any size, the slowest", "until a mapped model is there, at any size"),
        ("JSON, median: PyMilo's loads", "PyMilo's time to load JSON, of reflectio's"),
    ):
        if rows[work][2]:
            cards.append((rows[work][2], label))
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b>{html.escape(value)}</b><span>{html.escape(label)}</span></div>'
            for value, label in cards
        )
        + "</div>"
    )


def _targets(results: Results) -> str:
    marks = {
        "met": ("met", "✓ met"),
        "not met": ("missed", "✗ not met"),
        "not measured": ("not", "not measured"),
    }
    lines = []
    for work, target, figure, verdict in _verdicts(results):
        css, mark = marks[verdict]
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in (work, target, figure))
        lines.append(f'<tr>{cells}<td class="{css}">{mark}</td></tr>')
    head = "<tr><th>work</th><th>target</th><th>figure</th><th></th></tr>"
    about = (
        "Times and sizes are multiples of pickle protocol 5's, which does the same work in the same process."
    )
    return (
        f'<section><h2 id="targets">Targets</h2><p class="about">{about}</p>'
        f'<div class="scroll"><table class="targets">{head}{"".join(lines)}</table></div></section>'
    )


def _overview(results: Results) -> str:
    canvas, table = charts.ratios(results), tables.overview(results)
    if canvas is None or not table.rows:
        return ""
    about = "A dot for each saver; the line at 1 is pickle."
    return (
        f'<section><h2 id="overview">Overview</h2><p class="about">{about}</p>'
        f"{_figure(charts.inline(canvas), 'Time to dump and load by model and saver')}{_table(table)}</section>"
    )


def _section(name: str, results: Results) -> str:
    group = groups.group(name)
    parts = [
        f'<h2 id="{name}">{html.escape(group.TITLE)}</h2><p class="about">{html.escape(group.ABOUT)}</p>'
    ]
    canvases = [chart(results) for chart in charts.CHARTS.get(name, ())]
    parts += [_figure(charts.inline(canvas), group.TITLE) for canvas in canvases if canvas is not None]
    parts += [_table(table) for table in tables.tables(results, name)]
    if results.notes.get(name):
        parts += [_table(table) for table in tables.from_markdown(results.notes[name], "Figures")]
    if skipped := tables.skipped(results, name):
        items = "".join(f"<li>{html.escape(line)}</li>" for line in skipped)
        parts.append(f'<h3>Not measured</h3><ul class="skips">{items}</ul>')
    return f"<section>{''.join(parts)}</section>"


def _figure(svg: str, label: str) -> str:
    return f'<figure role="img" aria-label="{html.escape(label)}">{svg}</figure>'


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    text = f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
    title = html.escape(table.title)
    if len(table.rows) > _LONG:
        return f"<details><summary>{title} ({len(table.rows)} rows)</summary>{text}</details>"
    return f"<h3>{title}</h3>{text}"


def main() -> None:
    """Write the report again."""
    folder = Path(sys.argv[1])
    write(folder, *read(folder))


if __name__ == "__main__":
    main()
