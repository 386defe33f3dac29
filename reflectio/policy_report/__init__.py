"""Reports about policies: what one says, whether it is sound, and which one some documents need."""

from reflectio.policy_report.check import Entry, PolicyCheck, check
from reflectio.policy_report.effective import Effective, effective
from reflectio.policy_report.suggest import SuggestedName, Suggestion, suggest

__all__ = [
    "Effective",
    "Entry",
    "PolicyCheck",
    "SuggestedName",
    "Suggestion",
    "check",
    "effective",
    "suggest",
]
