"""Training: losses, supervised fine-tuning, alignment, gates (paper, sections 2.2 and 3)."""
