"""Stands in for Colab's own package: a kernel that has imported it takes itself to be on Colab."""
