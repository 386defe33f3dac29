"""
Audits as SARIF 2.1.0, the format in which code-scanning dashboards take findings.

The format is OASIS's Static Analysis Results Interchange Format,
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from attrs import frozen

from reflectio._version import __version__
from reflectio.audit import Audit

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION = "2.1.0"

_HOME = "https://pypi.org/project/reflectio/"

# How dashboards that know it rank what is a matter of security, from 0 to 10.
_SEVERITY = "security-severity"


@frozen
class Rule:
    """
    One kind of finding.

    Attributes
    ----------
    id : str
        What dashboards know it by; never changes.
    name : str
        The same in words.
    level : {"error", "warning", "note"}
        How bad it is.
    severity : str
        A number from 0 to 10.
    text : str
        What it means, in a sentence.
    help : str
        What to do about it.
    """

    id: str
    name: str
    level: str
    severity: str
    text: str
    help: str


_ALLOW = "If the code behind the name is trusted, list it in the policy; `reflectio audit` prints the lines to add."

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "RFL001",
            "UntrustedClass",
            "error",
            "8.0",
            "The model has objects of a class that the policy does not list.",
            _ALLOW,
        ),
        Rule(
            "RFL002",
            "UntrustedConstructor",
            "error",
            "9.0",
            "Loading the model calls something with arguments of the file that the policy does not list.",
            _ALLOW,
        ),
        Rule(
            "RFL003",
            "UntrustedCallable",
            "error",
            "9.0",
            "The model holds a function that the policy does not list, and may call it when it is used.",
            _ALLOW,
        ),
        Rule(
            "RFL004",
            "Unjudgeable",
            "error",
            "9.5",
            "What loading the file would do cannot be told from the file, or the file is damaged.",
            "Do not load it. Ask whoever made it for a document of reflectio, or for an undamaged file.",
        ),
        Rule(
            "RFL005",
            "Unreadable",
            "error",
            "5.0",
            "The file cannot be read as a model.",
            "Check that it is a model, and whole.",
        ),
        Rule(
            "RFL006",
            "Notice",
            "note",
            "2.0",
            "Something that the policy allows, and that a reviewer may want to see.",
            "Look at the place that is named.",
        ),
    )
}

_RULE_OF_KIND = {
    "class": "UntrustedClass",
    "constructor": "UntrustedConstructor",
    "callable": "UntrustedCallable",
}


def sarif(reports: Mapping[str, Audit | str]) -> dict[str, Any]:
    """
    Put audits into one SARIF log.

    Parameters
    ----------
    reports : mapping of str to Audit or str
        By file: its audit, or why there is none.

    Returns
    -------
    dict
        The log, to be written as JSON.
    """
    results: list[dict[str, Any]] = []
    for index, (file, report) in enumerate(reports.items()):
        results += [_located(result, file, index) for result in _results(report)]
    unreadable = [
        {"level": "error", "message": {"text": f"{file}: {report}"}}
        for file, report in reports.items()
        if isinstance(report, str)
    ]
    run: dict[str, Any] = {
        "tool": {"driver": _driver()},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": unreadable}],
        "artifacts": [{"location": {"uri": _uri(file)}, "roles": ["analysisTarget"]} for file in reports],
        "results": results,
        "columnKind": "utf16CodeUnits",
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def _driver() -> dict[str, Any]:
    return {
        "name": "reflectio",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": _HOME,
        "rules": [
            {
                "id": rule.id,
                "name": rule.name,
                "shortDescription": {"text": rule.text},
                "fullDescription": {"text": rule.text},
                "help": {"text": rule.help},
                "defaultConfiguration": {"level": rule.level},
                "properties": {"tags": ["security"], _SEVERITY: rule.severity},
            }
            for rule in RULES.values()
        ],
    }


def _results(report: Audit | str) -> list[tuple[str, str, str, int | None]]:
    """Of each finding: its rule, its message, its path in the model, and its offset in the file."""
    if isinstance(report, str):
        return [("Unreadable", f"{report.removesuffix('.')}.", "", None)]
    found: list[tuple[str, str, str, int | None]] = []
    for use in report.untrusted:
        spelled = f" (as {use.spelled})" if use.spelled and use.spelled != use.name else ""
        times = f", {use.count} times" if use.count > 1 else ""
        text = f"The policy does not allow {use.name} as a {use.kind}{spelled}{times}."
        found.append((_RULE_OF_KIND[use.kind], text, use.path, use.offset))
    found += [("Unjudgeable", f"{each.message}.", "", each.offset) for each in report.problems]
    found += [("Notice", f"{each.path}: {each.message}.", each.path, None) for each in report.notices]
    return found


def _located(result: tuple[str, str, str, int | None], file: str, index: int) -> dict[str, Any]:
    name, text, path, offset = result
    rule = RULES[name]
    # A model has no lines. Dashboards that want one get the first; the place in bytes is beside it.
    region: dict[str, Any] = {"startLine": 1}
    if offset is not None:
        region |= {"byteOffset": offset, "byteLength": 0}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(file), "index": index}, "region": region}
    }
    if path:
        location["logicalLocations"] = [{"fullyQualifiedName": path, "kind": "member"}]
    identity = hashlib.sha256("\0".join((rule.id, text, path)).encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "ruleId": rule.id,
        "ruleIndex": list(RULES).index(name),
        "level": rule.level,
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"reflectio/v1": identity[:32]},
    }


def _uri(file: str) -> str:
    """A path as a reference that is relative where the path is, as dashboards expect of files of a repository."""
    path = PurePath(file)
    text = quote(path.as_posix().encode("utf-8", "surrogateescape"))
    return f"file://{text}" if path.is_absolute() else text
