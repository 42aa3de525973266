"""Prompt templates as text files, each with its hash."""
