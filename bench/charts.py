"""The charts of the report, as SVG whose colours follow the page's theme; each saver has one colour throughout."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.figures import Results, percentile
from bench.savers import ORDER
from bench.targets import sizes, speed_ups

# Neither too light on white nor too dark on black.
COLOURS = {
    "reflectio": "#e8590c",
    "pickle": "#868e96",
    "cloudpickle": "#339af0",
    "dill": "#845ef7",
    "joblib": "#2b9a4a",
    "skops": "#d6336c",
    "pymilo": "#b8860b",
}
_OTHER = "#868e96"

# Stand for the page's colours of text and of lines until the chart is put into one.
_INK, _LINE = "#010203", "#030201"

_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "reflectio",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.edgecolor": _LINE,
    "grid.color": _LINE,
}

_WIDTH = 9.6

_PAGE = """<style>
:root { --ink: #1f2328; --line: #d8dee4; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --line: #30363d; --paper: #0d1117; } }
</style>"""


def colour(saver: str) -> str:
    """Of a saver, also where its name has more behind it."""
    return COLOURS.get(saver.partition(" ")[0], _OTHER)


def _of(savers: Iterable[str]) -> list[str]:
    present = set(savers)
    return [name for name in ORDER if name in present]


# -- from a drawing to SVG ----------------------------------------------------------------------------------------


def inline(canvas: Canvas) -> str:
    """SVG for a page that sets the colours ``--ink`` and ``--line``."""
    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        canvas.savefig(
            buffer,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None},
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Groups are named alike in every chart; nothing refers to them.
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace(_INK, "var(--ink)").replace(_LINE, "var(--line)")


def standalone(canvas: Canvas, title: str) -> str:
    """SVG that is a file of its own, with a background: it is read wherever it is shown."""
    text = inline(canvas)
    left, top, width, height = re.search(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', text).groups()  # type: ignore[union-attr]
    margin = 14
    box = f"{float(left) - margin} {float(top) - margin} {float(width) + 2 * margin} {float(height) + 2 * margin}"
    text = re.sub(
        r'viewBox="[^"]*"',
        f'viewBox="{box}" width="{(float(width) + 2 * margin) * 4 / 3:.0f}"',
        text,
        count=1,
    )
    x, y, w, h = box.split()
    paper = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" style="fill: var(--paper)"/>'
    end = text.index(">") + 1
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text[:end]}<title>{title}</title>{_PAGE}{paper}{text[end:]}'


# -- parts of drawings --------------------------------------------------------------------------------------------


def _times(value: float, _: Any = None) -> str:
    return f"{value:g}\N{MULTIPLICATION SIGN}" if value < 1e4 else f"{value:.0e}\N{MULTIPLICATION SIGN}"


def _seconds(value: float, _: Any = None) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 0.999:
            return f"{value * factor:g} {unit}"
    return f"{value * 1e9:g} ns"


def _megabytes(value: float, _: Any = None) -> str:
    return f"{value / 1e9:g} GB" if value >= 1e9 else f"{value / 1e6:g} MB"


def _log(axis: Any, text: Callable[[float, Any], str], low: float, high: float) -> None:
    axis.axes.set_xscale("log") if axis.axis_name == "x" else axis.axes.set_yscale("log")
    few = high / low > 200
    axis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(text))


def _unity(axes: Any) -> None:
    axes.axvline(1, color=_INK, linewidth=1.1, zorder=1.5)


def _legend(canvas: Canvas, savers: Iterable[str], top: float = 1.0) -> None:
    handles = [
        matplotlib.lines.Line2D(
            [], [], marker="o", linestyle="", markersize=6, color=colour(name), label=name
        )
        for name in savers
    ]
    canvas.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, top),
        ncols=len(handles),
        handletextpad=0.1,
        columnspacing=1.3,
    )


def _canvas(
    height: float, columns: int, *, sharey: bool = False, rows: int = 1, **options: Any
) -> tuple[Canvas, Any]:
    canvas = Canvas(figsize=(_WIDTH, height), layout="constrained")
    return canvas, canvas.subplots(rows, columns, sharey=sharey, squeeze=False, **options)


# -- the charts; each is None where nothing was measured ------------------------------------------------------------


def ratios(results: Results) -> Canvas | None:
    """Each saver's times as multiples of pickle's: the zoo's median, the models, the file."""
    lines: list[tuple[str, dict[str, tuple[float | None, float | None]]]] = []
    savers = _of(results.savers("zoo") + results.savers("models") + results.savers("file"))
    for label, group, subject, operations in _ratio_lines(results):
        line = {}
        for name in savers:
            both = []
            for operation in operations:
                found = results.ratios(group, operation, name)
                both.append(
                    (percentile(found.values(), 50) if found else None)
                    if subject is None
                    else found.get(subject)
                )
            line[name] = (both[0], both[1])
        lines.append((label, line))
    if not lines:
        return None
    values = [value for _, line in lines for both in line.values() for value in both if value]
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(0.8 + 0.36 * len(lines), 2, sharey=True)
        for column, title in enumerate(("dumps", "loads")):
            ax = axes[0][column]
            for place, (_, line) in enumerate(lines):
                found = [both[column] for both in line.values() if both[column]]
                if found:
                    ax.plot([min(found), max(found)], [place, place], color=_LINE, linewidth=3.5, zorder=1.2)
                for name in reversed(savers):
                    value = line[name][column]
                    if value:
                        large = name == "reflectio"
                        ax.plot(
                            value,
                            place,
                            "o",
                            color=colour(name),
                            markersize=9 if large else 6.5,
                            zorder=4 if large else 3,
                        )
            _log(ax.xaxis, _times, min(values), max(values))
            _unity(ax)
            ax.grid(axis="y", visible=False)
            ax.set_title(f"{title}, as a multiple of pickle's time")
        axes[0][0].set_yticks(range(len(lines)), [label for label, _ in lines])
        axes[0][0].set_ylim(len(lines) - 0.5, -0.5)
        _legend(canvas, savers)
    return canvas


def _ratio_lines(results: Results) -> list[tuple[str, str, str | None, tuple[str, str]]]:
    lines: list[tuple[str, str, str | None, tuple[str, str]]] = []
    zoo = results.subjects("zoo")
    if zoo:
        lines.append((f"median of {len(zoo)} estimators", "zoo", None, ("dumps", "loads")))
    lines += [(name, "models", name, ("dumps", "loads")) for name in results.subjects("models")]
    lines += [(f"{name}, file", "file", name, ("dump", "load")) for name in results.subjects("file")]
    return lines


def zoo(results: Results) -> Canvas | None:
    """How each saver's ratios are distributed over the zoo."""
    savers = [name for name in _of(results.savers("zoo")) if name != "pickle"]
    if not savers:
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(1.0 + 0.42 * len(savers), 3, sharey=True)
        for ax, operation in zip(axes[0], ("dumps", "loads", "size"), strict=True):
            everything = [1.0]
            for place, name in enumerate(savers):
                found = sorted(results.ratios("zoo", operation, name).values())
                if not found:
                    continue
                everything += found
                # Points spread over the height by their rank, in an order that shows no pattern.
                spread = [place + 0.34 * (((rank * 0.618) % 1) * 2 - 1) for rank in range(len(found))]
                ax.plot(
                    found,
                    spread,
                    "o",
                    color=colour(name),
                    markersize=2.6,
                    alpha=0.38,
                    markeredgewidth=0,
                    rasterized=False,
                )
                low, middle, high = (percentile(found, percent) for percent in (10, 50, 90))
                ax.plot(
                    [low, high], [place, place], color=colour(name), linewidth=2.2, solid_capstyle="round"
                )
                ax.plot(
                    middle,
                    place,
                    "o",
                    color=colour(name),
                    markersize=8,
                    markeredgecolor=_INK,
                    markeredgewidth=0.9,
                )
            _log(ax.xaxis, _times, min(everything), max(everything))
            _unity(ax)
            ax.grid(axis="y", visible=False)
            ax.set_title(f"{operation}, of pickle's")
        axes[0][0].set_yticks(range(len(savers)), savers)
        axes[0][0].set_ylim(len(savers) - 0.5, -0.5)
    return canvas


def growth(results: Results) -> Canvas | None:
    """Time and memory by size."""
    if not results.subjects("growth"):
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(5.6, 2, rows=2, sharex=True)
        for column, (family, title) in enumerate((("neighbours", "one array"), ("forest", "trees of 1 MB"))):
            above, below = axes[0][column], axes[1][column]
            for name in ("reflectio", "pickle"):
                for operation, style in (("dump", "-"), ("load", "--")):
                    points = sizes(results, family, operation, name)
                    if points[0]:
                        above.loglog(
                            *points,
                            style,
                            color=colour(name),
                            marker="o",
                            markersize=4,
                            label=f"{name}, {operation}",
                        )
                    peaks = sizes(results, family, f"peak of {operation}", name)
                    own = dict(zip(*sizes(results, family, "own", ""), strict=True))
                    shown = [
                        (size, peak / own[size]) for size, peak in zip(*peaks, strict=True) if own.get(size)
                    ]
                    if shown:
                        below.semilogx(
                            *zip(*shown, strict=True), style, color=colour(name), marker="o", markersize=4
                        )
            above.set_title(f"{title}: time")
            _log(above.yaxis, _seconds, 1, 1e3)
            below.set_title(f"{title}: peak of memory, of its size")
            below.yaxis.set_major_formatter(FuncFormatter(_times))
            below.set_ylim(bottom=0)
            _log(below.xaxis, _megabytes, 1, 1e3)
        handles, labels = axes[0][0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return canvas


def memory(results: Results) -> Canvas | None:
    """Peaks as multiples of the model's own size."""
    own = results.values("memory", "own", "")
    savers = _of(results.savers("memory"))
    if not own:
        return None
    titles = (
        ("peak of dump", "dump to a file"),
        ("peak of load", "load from a file"),
        ("peak of load, mapped", "load, mapped"),
    )
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(0.9 + 0.17 * len(own) * (len(savers) + 1), 3, sharey=True)
        for ax, (operation, title) in zip(axes[0], titles, strict=True):
            for number, (model, size) in enumerate(own.items()):
                for place, name in enumerate(savers):
                    value = results.value("memory", model, operation, name)
                    if value is None:
                        continue
                    y = number * (len(savers) + 1.2) + place
                    ax.barh(y, value / size, height=0.78, color=colour(name))
                    ax.annotate(
                        f"{value / size:.2f}",
                        (value / size, y),
                        xytext=(3, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=8,
                    )
            ax.axvline(1, color=_INK, linewidth=1.1, zorder=1.5)
            ax.grid(axis="y", visible=False)
            ax.margins(x=0.16)
            ax.set_xlim(left=0)
            ax.xaxis.set_major_formatter(FuncFormatter(_times))
            ax.set_title(title)
        middle = (len(savers) - 1) / 2
        axes[0][0].set_yticks(
            [number * (len(savers) + 1.2) + middle for number in range(len(own))],
            [f"{model}\n{size / 1e6:,.1f} MB" for model, size in own.items()],
        )
        axes[0][0].invert_yaxis()
        _legend(canvas, savers)
    return canvas


def mapped(results: Results) -> Canvas | None:
    """Mapped loads by size."""
    savers = _of(results.savers("mapped"))
    if not savers:
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(2.8, 1)
        ax = axes[0][0]
        for name in savers:
            times = results.values("mapped", "load, mapped", name)
            at = [float(subject.partition(" ")[0].replace(",", "")) * 1e6 for subject in times]
            ax.loglog(at, list(times.values()), color=colour(name), marker="o", markersize=5, label=name)
        ax.axhline(2e-3, color=_INK, linewidth=1, linestyle=":")
        ax.annotate("2 ms", (at[0], 2e-3), xytext=(0, 3), textcoords="offset points")
        _log(ax.xaxis, _megabytes, 1, 1e3)
        _log(ax.yaxis, _seconds, 1, 1e3)
        ax.set_title("until the model is there, its arrays mapped")
        _legend(canvas, savers)
    return canvas


def json(results: Results) -> Canvas | None:
    """How many times as long PyMilo takes, model by model."""
    pairs = [(op, results.ratios("json", op, "pymilo", base="reflectio")) for op in ("dumps", "loads")]
    if not any(found for _, found in pairs):
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(2.9, 2, sharey=True)
        for ax, (operation, found) in zip(axes[0], pairs, strict=True):
            ordered = sorted(found.values())
            ax.semilogy(
                range(1, len(ordered) + 1), ordered, "o", color=colour("reflectio"), markersize=4, alpha=0.8
            )
            ax.axhline(10, color=_INK, linewidth=1, linestyle=":")
            ax.set_title(f"{operation}: PyMilo's time, of reflectio's JSON")
            ax.set_xlabel(f"{len(ordered)} models that PyMilo can save, in order")
        low, high = (
            choose(
                min(f.values(), default=1) if choose is min else max(f.values(), default=1) for _, f in pairs
            )
            for choose in (min, max)
        )
        _log(axes[0][0].yaxis, _times, low, high)
    return canvas


def compression(results: Results) -> Canvas | None:
    """Time by size."""
    models = results.subjects("compression")
    if not models:
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(2.9 * ((len(models) + 1) // 2), 2, rows=(len(models) + 1) // 2)
        for ax, model in zip(axes.flat, models, strict=False):
            for number, name in enumerate(results.savers("compression")):
                size = results.ratios("compression", "size", name, base="reflectio none").get(model)
                time = results.value("compression", model, "dumps", name)
                if size is None or time is None:
                    continue
                marker = {"zlib": "o", "zstd": "D"}.get(name.split()[1], "s")
                ax.plot(size, time, marker, color=colour(name), markersize=6)
                ax.annotate(
                    name.partition(" ")[2],
                    (size, time),
                    xytext=(5, -9 if number % 2 else 4),
                    textcoords="offset points",
                    fontsize=7.5,
                )
            _log(ax.yaxis, _seconds, 1, 1e3)
            ax.margins(x=0.18, y=0.15)
            ax.xaxis.set_major_formatter(FuncFormatter(_times))
            ax.set_title(f"{model}: dumps by size")
        for ax in axes.flat[len(models) :]:
            ax.set_axis_off()
        _legend(
            canvas,
            [
                name
                for name in ("reflectio", "joblib")
                if any(s.startswith(name) for s in results.savers("compression"))
            ],
        )
    return canvas


def threads(results: Results) -> Canvas | None:
    """Speed-up by threads."""
    models = [name for name in results.subjects("threads") if speed_ups(results, "reflectio", 2).get(name)]
    if not models:
        return None
    counts = (1, 2, 4)
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(2.6, len(models), sharey=True)
        for ax, model in zip(axes[0], models, strict=True):
            for number, name in enumerate(("reflectio", "pickle")):
                values = [speed_ups(results, name, count).get(model, 0.0) for count in counts]
                places = [place + 0.38 * (number - 0.5) for place in range(len(counts))]
                ax.bar(places, values, width=0.35, color=colour(name))
                for place, value in zip(places, values, strict=True):
                    ax.annotate(
                        f"{value:.2f}",
                        (place, value),
                        xytext=(0, 2),
                        textcoords="offset points",
                        ha="center",
                        fontsize=8,
                    )
            ax.set_xticks(range(len(counts)), ["1 thread", "2 threads", "4 threads"])
            ax.grid(axis="x", visible=False)
            ax.yaxis.set_major_formatter(FuncFormatter(_times))
            ax.set_title(f"{model}: loads at once")
        _legend(canvas, ("reflectio", "pickle"))
    return canvas


def startup(results: Results) -> Canvas | None:
    """Processes from start to end."""
    figures = [figure for figure in results.figures if figure.group == "startup"]
    if not figures:
        return None
    labels = list(dict.fromkeys((figure.saver, figure.subject) for figure in figures))
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(0.7 + 0.27 * len(labels), 2, sharey=True)
        for ax, kind in zip(axes[0], ("elapsed", "processor"), strict=True):
            for figure in figures:
                if figure.operation == kind:
                    place = labels.index((figure.saver, figure.subject))
                    ax.barh(place, figure.value, height=0.72, color=colour(figure.saver))
                    ax.annotate(
                        f"{figure.value:.2f}",
                        (figure.value, place),
                        xytext=(3, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=8,
                    )
            ax.grid(axis="y", visible=False)
            ax.margins(x=0.1)
            ax.set_title(
                f"{'seconds from start to end' if kind == 'elapsed' else 'seconds of the processor'}"
            )
        axes[0][0].set_yticks(
            range(len(labels)),
            [subject if saver in subject else f"{saver}: {subject}" for saver, subject in labels],
        )
        axes[0][0].set_ylim(len(labels) - 0.4, -0.6)
    return canvas


def many(results: Results) -> Canvas | None:
    """Seconds per estimator by how many there are."""
    if not results.subjects("many"):
        return None
    with matplotlib.rc_context(_STYLE):
        canvas, axes = _canvas(2.6, 2, sharey=True)
        for ax, operation in zip(axes[0], ("dumps", "loads"), strict=True):
            for name in ("reflectio", "pickle"):
                values = results.values("many", f"{operation} per estimator", name)
                at = [int(count.replace(",", "")) for count in values]
                ax.semilogx(
                    at,
                    [value * 1e6 for value in values.values()],
                    color=colour(name),
                    marker="o",
                    markersize=5,
                )
                ax.set_xticks(at, list(values))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_ylim(bottom=0)
            ax.set_title(f"{operation}: µs per estimator, by their number")
        _legend(canvas, ("reflectio", "pickle"))
    return canvas


CHARTS: dict[str, Sequence[Callable[[Results], Canvas | None]]] = {
    "zoo": (zoo,),
    "growth": (growth,),
    "memory": (memory,),
    "mapped": (mapped,),
    "json": (json,),
    "compression": (compression,),
    "threads": (threads,),
    "startup": (startup,),
    "many": (many,),
}
