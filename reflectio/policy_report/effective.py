"""What a policy allows in the end: after all that it extends, its denials, and the policy that it is locked within."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import frozen

from reflectio.policy import KINDS, Kind, Policy

__all__ = ["Effective", "effective"]


@frozen
class Effective:
    """
    A policy, spelled out.

    Attributes
    ----------
    source : str
        Where it comes from.
    within : tuple of str
        The sources of the locked policies that it is narrowed by.
    locked : bool
        Whether other policies can only be stricter.
    names : dict of kind to tuple of str
        The names that it allows, sorted.
    patterns : dict of kind to tuple of str
        The patterns that it allows, such as ``acme.models.*``, but for what is denied.
    denied : tuple of str
        Names and patterns that it denies.
    limits : dict of str to int
        What a document may cost.
    mismatch : str
        What is done about documents of other versions.
    """

    source: str
    within: tuple[str, ...]
    locked: bool
    names: dict[Kind, tuple[str, ...]]
    patterns: dict[Kind, tuple[str, ...]]
    denied: tuple[str, ...]
    limits: dict[str, int]
    mismatch: str


def effective(policy: Any = None) -> Effective:
    """
    Spell out what a policy allows.

    Parameters
    ----------
    policy : Policy, str, path or None
        As in `reflectio.Policy.of`: a built-in list's name, a path, or None for the policy in force.

    Returns
    -------
    Effective
        Its names, patterns, denials and limits.

    Raises
    ------
    PolicyError
        The policy cannot be read.

    Examples
    --------
    >>> from reflectio.policy_report import effective
    >>> "sklearn.linear_model.Ridge" in effective("strict").names["class"]
    True
    >>> effective("strict").names["callable"]
    ()
    """
    chosen = Policy.of(policy)
    chain = list(_chain(chosen))
    names: dict[Kind, tuple[str, ...]] = {}
    patterns: dict[Kind, tuple[str, ...]] = {}
    for kind in KINDS:
        listed = {name for each in chain for name in each.allowed.get(kind, ())}
        names[kind] = tuple(
            sorted(name for name in listed if not name.endswith(".*") and chosen.allows(kind, name))
        )
        modules = [
            [name[:-1] for name in each.allowed.get(kind, ()) if name.endswith(".*")] for each in chain
        ]
        patterns[kind] = tuple(
            sorted(
                f"{module}*"
                for module in {module for each in modules for module in each}
                if all(any(module.startswith(wider) for wider in each) for each in modules)
            )
        )
    return Effective(
        source=_own_source(chain[0]),
        within=tuple(_own_source(each) for each in chain[1:]),
        locked=chosen.locked,
        names=names,
        patterns=patterns,
        denied=tuple(sorted({name for each in chain for name in each.denied})),
        limits=attrs.asdict(chosen.limits),
        mismatch=chosen.mismatch,
    )


def _chain(policy: Policy | None) -> Iterator[Policy]:
    """A policy, and those that have to allow a name as well."""
    while policy is not None:
        yield policy
        policy = policy.bounds


def _own_source(policy: Policy) -> str:
    """Where a policy comes from, without what it is narrowed by."""
    return policy.source.partition(", within the locked policy ")[0]
