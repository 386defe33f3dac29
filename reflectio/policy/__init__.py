"""Policies: which names a document may use, how large it may be, and the TOML files that say so."""

from __future__ import annotations

from reflectio.policy.files import built_in_lists, extended_files, read_file
from reflectio.policy.limits import Limits
from reflectio.policy.names import KINDS, LIST_NAMES, Kind, is_plain, name_problem
from reflectio.policy.policy import Policy, PolicyLike
from reflectio.policy.schema import PolicyFile

__all__ = [
    "KINDS",
    "LIST_NAMES",
    "Kind",
    "Limits",
    "Policy",
    "PolicyFile",
    "PolicyLike",
    "built_in_lists",
    "extended_files",
    "is_plain",
    "name_problem",
    "read_file",
]
