"""What whoever keeps a clone writes with code: front pages and reference pages.

To be run in the root of a clone: no part of the installed package.
"""
