"""All attacks, by id."""

from __future__ import annotations

from attacks import checks, compression, documents, multiplication, names, resources, rows, states, trusted
from attacks.attack import Attack

#: The attacks of each kind, by the name of the kind.
KINDS: dict[str, list[Attack]] = {
    "names": names.ATTACKS,
    "compression": compression.ATTACKS,
    "documents": documents.ATTACKS,
    "multiplication": multiplication.ATTACKS,
    "resources": resources.ATTACKS,
    "checks": checks.ATTACKS,
    "states": states.ATTACKS,
    "rows": rows.ATTACKS,
    "trusted": trusted.ATTACKS,
}

CATALOGUE: dict[str, Attack] = {attack.id: attack for attacks in KINDS.values() for attack in attacks}

assert len(CATALOGUE) == sum(map(len, KINDS.values())), "two attacks have one id"
