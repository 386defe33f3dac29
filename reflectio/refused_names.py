"""The error that lists every name of a document that a policy refuses, and what to do about it."""

from __future__ import annotations

from reflectio.codec import Node
from reflectio.errors import UntrustedNameError
from reflectio.name_uses import uses
from reflectio.policy import Kind, Policy


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
        if not policy.allows(use.kind, use.name):
            refused.setdefault(use.kind, {}).setdefault(use.name, use.path)
    found = {name: path for names in refused.values() for name, path in names.items()}
    if first not in found:
        found[first] = ""
        refused.setdefault("callable" if not refused else next(iter(refused)), {})[first] = ""
    names = sorted(found)
    listed = "\n".join(f"  {name}" + (f"  (at {found[name]})" if found[name] else "") for name in names)
    count = "a name" if len(names) == 1 else f"{len(names)} names"
    error = UntrustedNameError(
        f"the document needs {count} that {policy.source} does not allow:\n{listed}\n"
        + policy.advice({kind: list(names) for kind, names in refused.items()}),
        names,
    )
    return error
