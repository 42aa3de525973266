"""Stages 2 and 3: supervised fine-tuning on the chosen responses, then DPO or BoNBoN from there."""
