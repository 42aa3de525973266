"""Every quantitative statement of the paper, recomputed: `ledger`, `claims_markdown`."""

from __future__ import annotations

from codealign.analysis.claims.book import by_verdict, ledger
from codealign.analysis.claims.model import PAPER_VERDICTS, RUN_VERDICTS, Claim, Search, statements
from codealign.analysis.claims.render import claims_frame, claims_markdown, write_claims

__all__ = [
    "PAPER_VERDICTS",
    "RUN_VERDICTS",
    "Claim",
    "Search",
    "by_verdict",
    "claims_frame",
    "claims_markdown",
    "ledger",
    "statements",
    "write_claims",
]
