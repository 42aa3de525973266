"""What runs inside the isolation: nothing here imports the rest of the package.

The folder is started as a package of its own (`python -m inside.server`), so that the isolation has
to show the worker this folder and no other part of the source tree.
"""
