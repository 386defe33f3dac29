"""Names that no model needs and an attacker would like: what runs programs, or reads and writes files."""

from __future__ import annotations

__all__ = ["dangerous_module"]

# Modules whose functions run programs or program text, or read and write what they are told to.
_DANGEROUS = frozenset(
    [
        "_io",
        "asyncio",
        "bdb",
        "builtins",
        "code",
        "codeop",
        "codecs",
        "commands",
        "ctypes",
        "distutils",
        "ensurepip",
        "faulthandler",
        "fileinput",
        "ftplib",
        "gc",
        "http",
        "idlelib",
        "imaplib",
        "imp",
        "importlib",
        "inspect",
        "io",
        "joblib",
        "linecache",
        "logging",
        "mailbox",
        "marshal",
        "mmap",
        "multiprocessing",
        "nt",
        "os",
        "pathlib",
        "pdb",
        "pickle",
        "pkgutil",
        "platform",
        "poplib",
        "posix",
        "profile",
        "pty",
        "pydoc",
        "runpy",
        "shelve",
        "shutil",
        "signal",
        "site",
        "smtplib",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tarfile",
        "telnetlib",
        "tempfile",
        "test",
        "threading",
        "timeit",
        "trace",
        "turtle",
        "types",
        "urllib",
        "venv",
        "webbrowser",
        "winreg",
        "wsgiref",
        "xmlrpc",
        "zipfile",
        "zipimport",
        "cloudpickle",
        "dill",
    ]
)

# The same inside libraries that are otherwise for numbers.
_DANGEROUS_INSIDE = (
    "numpy.ctypeslib.",
    "numpy.distutils.",
    "numpy.f2py.",
    "numpy.testing.",
    "pandas.io.",
    "scipy.datasets.",
    "scipy.io.",
    "scipy.weave.",
    "sklearn.datasets.",
    "sklearn.externals.",
    "sklearn.utils.parallel.",
)


def dangerous_module(name: str) -> str:
    """
    Say which module makes a name one that no policy should allow, unless it was reviewed.

    Parameters
    ----------
    name : str
        A dotted name.

    Returns
    -------
    str
        The module; an empty text where none is known to be dangerous.
    """
    package = name.partition(".")[0]
    if package in _DANGEROUS:
        return package
    return name.rpartition(".")[0] if name.startswith(_DANGEROUS_INSIDE) else ""
