"""The error that lists every name of a document that a policy refuses, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reflectio.codec import Node
from reflectio.errors import UntrustedNameError, as_shown
from reflectio.name_uses import uses
from reflectio.policy import Kind, Policy

# How many names a message lists, and how long a name is in it.
_LISTED = 100
_LONGEST = 200


def untrusted_names(roots: list[Node], policy: Policy, first: str) -> UntrustedNameError:
    """
    The error that lists every name of a document that a policy refuses.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``.
    policy : Policy
        The policy.
    first : str
        The name whose refusal stopped the loading; it may be one that only shows once objects are built.
    """
    refused: dict[Kind, dict[str, str]] = {}
    for use in uses(roots):
        if not policy.allows(use.kind, use.name) and use.name not in refused.setdefault(use.kind, {}):
            refused[use.kind][use.name] = use.path
    found = {name: path for names in refused.values() for name, path in names.items()}
    if first not in found:
        found[first] = ""
        refused.setdefault("callable" if not refused else next(iter(refused)), {})[first] = ""
    return refusal(found, refused, policy, "the document")


def refusal(
    found: dict[str, str], refused: Mapping[Kind, Collection[str]], policy: Policy, what: str
) -> UntrustedNameError:
    """
    The error that lists refused names.

    Parameters
    ----------
    found : dict of str to str
        The names, each with where it is; an empty text where that is not known.
    refused : mapping of kind to collection of str
        The same names, by what is to be done with them.
    policy : Policy
        The policy.
    what : str
        What holds them, such as ``"the document"``.
    """
    names = sorted(found)
    shown = set(names[:_LISTED])
    lines = [
        f"  {_shortened(name)}" + (f"  (at {found[name]})" if found[name] else "") for name in names[:_LISTED]
    ]
    if len(names) > _LISTED:
        lines.append(f"  and {len(names) - _LISTED} more: the error's `names` has all of them")
    count = "a name" if len(names) == 1 else f"{len(names)} names"
    listed: dict[Kind, list[str]] = {
        kind: [name for name in of_kind if name in shown] for kind, of_kind in refused.items()
    }
    return UntrustedNameError(
        f"{what} needs {count} that {policy.source} does not allow:\n"
        + "\n".join([*lines, policy.advice(listed)]),
        names,
    )


def _shortened(name: str) -> str:
    plain = as_shown(name)
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}..."
