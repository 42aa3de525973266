"""Analysis: scores, statistics, claims, tables, figures, advice (paper, sections 4 to 6)."""
