"""What to do about names that a policy refuses: the lines that allow them, or why nothing should."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from reflectio.dangerous_names import dangerous_module
from reflectio.errors import as_shown
from reflectio.policy.files import VARIABLE, built_in_lists
from reflectio.policy.names import KINDS, LIST_NAMES, Kind, is_plain, name_problem

if TYPE_CHECKING:
    from reflectio.policy.policy import Policy

__all__ = ["advice"]

Obstacle = Literal["denied", "malformed", "beyond the lock", "dangerous"]


def advice(policy: Policy, refused: Mapping[Kind, Collection[str]]) -> str:
    """
    Say how to allow names that a policy refused.

    Parameters
    ----------
    policy : Policy
        The policy.
    refused : mapping of kind to collection of str
        The refused names, by what the document wants with them.

    Returns
    -------
    str
        Text of several lines.
    """
    obstacles = _obstacles(policy, refused)
    lines = list(_warnings(policy, obstacles))
    free = {name for names in refused.values() for name in names} - obstacles.keys()
    if standard := sorted(name for name in free if name.partition(".")[0] in sys.stdlib_module_names):
        lines.append(f"Beware of {', '.join(standard)}: the standard library was reviewed without it.")
    if free:
        lines += _policy_lines(policy, {kind: free.intersection(refused.get(kind, ())) for kind in KINDS})
        use = 'Use it with policy="policy.toml", or let the environment variable '
        lines += ["", f"{use}{VARIABLE} name it; Policy.extend does the same in code."]
    return "\n".join(lines)


def _obstacles(policy: Policy, refused: Mapping[Kind, Collection[str]]) -> dict[str, Obstacle]:
    """The names that no line of a policy file should or could allow, each with the first reason that holds."""
    wanted = sorted((name, kind) for kind in KINDS for name in refused.get(kind, ()))
    obstacles: dict[str, Obstacle] = {}
    for name, _ in wanted:
        if policy.denies(name):
            obstacles[name] = "denied"
        elif name_problem(name) is not None or not is_plain(name):
            obstacles[name] = "malformed"
    for name, kind in wanted:
        if policy.bounds is not None and not policy.bounds.allows(kind, name):
            obstacles.setdefault(name, "beyond the lock")
    for name, kind in wanted:
        # What the default policy lists has been reviewed, however dangerous its module.
        if dangerous_module(name) and not policy.default().allows(kind, name):
            obstacles.setdefault(name, "dangerous")
    return obstacles


def _warnings(policy: Policy, obstacles: Mapping[str, Obstacle]) -> Iterator[str]:
    names: dict[Obstacle, list[str]] = {}
    for name, obstacle in obstacles.items():
        names.setdefault(obstacle, []).append(name)
    if denied := names.get("denied"):
        yield f"{policy.source} denies {', '.join(map(as_shown, denied))}; nothing allows what [deny] lists."
    if (beyond := names.get("beyond the lock")) and policy.bounds is not None:
        yield (
            f"{policy.bounds.source}, which {VARIABLE} names, is locked and does not allow {', '.join(beyond)}; only "
            "whoever keeps that file can."
        )
    if malformed := names.get("malformed"):
        quoted = ", ".join(map(_quote, malformed))
        yield f"No policy can allow {quoted}: not a dotted name of importable code."
    if dangerous := names.get("dangerous"):
        yield (
            f"No policy should allow {', '.join(dangerous)}: that can run code, or read and write "
            "outside the model. No model needs it; whoever made this may mean harm."
        )


def _policy_lines(policy: Policy, wanted: Mapping[Kind, Iterable[str]]) -> Iterator[str]:
    """The lines of a policy file that allow names."""
    base = policy.source.removesuffix(", extended").removeprefix("the ").removesuffix(" policy")
    if base in built_in_lists():
        yield "If you trust this code, write a policy file, for example policy.toml:"
        yield from ("", f'extends = ["{base}"]', "")
    else:
        yield f"If you trust this code, add to the policy file ({policy.source}):"
        yield ""
    yield "[allow]"
    for kind in KINDS:
        if names := sorted(wanted[kind]):
            yield from (f"{LIST_NAMES[kind]} = [", *(f"    {_quote(name)}," for name in names), "]")


def _quote(name: str) -> str:
    # Every JSON string is a TOML basic string, so a hostile name cannot end its own quotes.
    return json.dumps(name[:200])
