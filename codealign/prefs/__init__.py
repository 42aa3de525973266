"""Preference data: seeds, concepts, instructions, responses, pairs (paper, section 3.2)."""
