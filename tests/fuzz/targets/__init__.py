"""What is forged: a module for each family of types."""

from __future__ import annotations

from fuzz.target import Target
from fuzz.targets import (
    arrays,
    distributions,
    estimators,
    interpolators,
    neighbors,
    pandas_types,
    random_states,
    sparse,
    trees,
)

_MODULES = (
    sparse,
    trees,
    estimators,
    neighbors,
    interpolators,
    distributions,
    pandas_types,
    random_states,
    arrays,
)

#: The targets, by name.
TARGETS: dict[str, Target] = {module.TARGET.name: module.TARGET for module in _MODULES}
