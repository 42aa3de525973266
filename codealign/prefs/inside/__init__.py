"""What is sent into the sandbox to run tests the way they were written.

Nothing here imports the rest of the package: the files are read as text and put before the cases
(see `prefs.testing`), as much of them as a case needs.
"""
