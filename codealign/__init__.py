"""Reproduce, check and extend the study of code alignment from pretrained or fine-tuned models."""

__version__ = "0.1.0"
