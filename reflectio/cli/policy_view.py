"""How the reports on policies look: what a policy file says, and what is allowed in effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reflectio.cli.console import Console, literal, printable
from reflectio.cli.files import label

if TYPE_CHECKING:
    from reflectio.policy_report import Effective, PolicyCheck

__all__ = ["print_check", "print_effective", "table_of_three"]

_PROBLEM_STYLES = {"redundant": "dim", "without effect": "yellow", "missing": "yellow"}

# Of a file that allows more names than this itself, `check` gives their number only.
_LISTED = 40


def print_check(console: Console, found: PolicyCheck, *, imports: bool) -> None:
    """Print what a check of a policy file has found; ``imports`` says whether it has looked for the names."""
    from reflectio.policy import LIST_NAMES

    console.print(label(found.path), style="bold", end=": ", soft_wrap=True)
    if not found.ok:
        console.print("not valid", style="bold red")
        console.print(f"  {printable(found.error)}", soft_wrap=True)
        console.print()
        return
    console.print("valid", style="green")
    base = f", on top of {', '.join(map(printable, found.extends))}" if found.extends else ""
    console.print(f"  It allows{base}:", soft_wrap=True)
    table = table_of_three()
    listed = sum(map(len, found.own.values())) <= _LISTED
    for kind, names in found.own.items():
        inherited = found.inherited[kind]
        counts = f"{len(names):>5}" + (f"  and {inherited} of what it extends" if inherited else "")
        table.add_row("", LIST_NAMES[kind], literal(counts))
        for module, lasts in _by_module(names) if listed else ():
            table.add_row("", "", literal(f"       {module}: {', '.join(lasts)}", "cyan"))
    console.print(table)
    if not listed:
        console.print(f"  reflectio policy show {label(found.path)} lists them.", style="dim", soft_wrap=True)
    policy = found.policy
    if policy is not None and policy.denied:
        console.print(f"  It denies {len(policy.denied)}.")
    if policy is not None and policy.locked:
        console.print("  It is locked: other policies can only be stricter where REFLECTIO_POLICY names it.")
    if not found.entries:
        looked = "" if imports else " (whether they exist here was not looked at)"
        console.print(f"  Every line counts{looked}.", style="green")
    else:
        count = len(found.entries)
        console.print(f"  {count} line{'s' * (count != 1)} deserve{'s' * (count == 1)} a look:")
        table = table_of_three()
        for entry in found.entries:
            line = "" if entry.line is None else f"line {entry.line}"
            table.add_row(
                "",
                line,
                literal(entry.problem, _PROBLEM_STYLES[entry.problem]),
                literal(f"{entry.place} {entry.name}: {entry.reason}"),
            )
        console.print(table)
    console.print()


def print_effective(console: Console, found: Effective) -> None:
    """Print what is allowed in effect."""
    from reflectio.policy import LIST_NAMES

    console.print(printable(found.source), style="bold", soft_wrap=True)
    for outer in found.within:
        console.print(f"  within the locked policy {printable(outer)}", style="yellow", soft_wrap=True)
    if found.locked:
        console.print("  locked: where REFLECTIO_POLICY names it, other policies can only be stricter")
    console.print()
    for kind, list_name in LIST_NAMES.items():
        names = found.names[kind] + found.patterns[kind]
        console.print(f"{list_name} ({len(names)})", style="bold")
        _print_names(console, names)
    if found.denied:
        console.print(f"denied ({len(found.denied)})", style="bold red")
        _print_names(console, found.denied)
    console.print("limits", style="bold")
    table = table_of_three()
    for key, value in found.limits.items():
        table.add_row("", key, _size(value) if key.endswith("_bytes") else f"{value:,}")
    table.add_row("", "versions", f"mismatch: {found.mismatch}")
    console.print(table)


def _size(nbytes: int) -> str:
    """A size as a policy file can say it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if nbytes % size == 0:
            return f"{nbytes // size} {unit}"
    return f"{nbytes:,} B"


def _print_names(console: Console, names: tuple[str, ...]) -> None:
    """Print names by the module that has them."""
    table = table_of_three()
    for module, lasts in _by_module(names):
        table.add_row("", literal(module, "cyan"), literal(", ".join(lasts)))
    console.print(table if names else "  none")
    console.print()


def _by_module(names: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """Names by the module that has them, without its name."""
    modules: dict[str, list[str]] = {}
    for name in names:
        module, _, last = name.rpartition(".")
        modules.setdefault(module, []).append(last)
    return sorted(modules.items())


def table_of_three() -> Any:
    """A table without lines, its first column the margin."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column()
    table.add_column()
    return table
