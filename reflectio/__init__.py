"""Save and load scikit-learn models as readable documents that are fast, exact, and safe to load from a stranger."""

from reflectio._version import __version__
from reflectio.api import dump, dumps, load, loads
from reflectio.audit import Audit, audit
from reflectio.codec import Codec, LateCodec
from reflectio.codecs.builtin import register_builtin_codecs
from reflectio.errors import (
    DecodeError,
    DocumentError,
    IntegrityError,
    LimitError,
    PolicyError,
    ReflectioError,
    UnsupportedTypeError,
    UntrustedNameError,
    ValidationError,
    VersionWarning,
)
from reflectio.policy import Policy
from reflectio.registry import register

register_builtin_codecs()

__all__ = [
    "Audit",
    "Codec",
    "DecodeError",
    "DocumentError",
    "IntegrityError",
    "LateCodec",
    "LimitError",
    "Policy",
    "PolicyError",
    "ReflectioError",
    "UnsupportedTypeError",
    "UntrustedNameError",
    "ValidationError",
    "VersionWarning",
    "__version__",
    "audit",
    "dump",
    "dumps",
    "load",
    "loads",
    "register",
]
