"""The subcommands of `codealign`: one module a group, each with `add(command)`.

`command(name, run, help)` makes the parser of one subcommand; `run(args)` returns the exit code.
A group does its imports inside its functions, so that `codealign --help` starts fast.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]
AddCommand = Callable[[str, Command, str], argparse.ArgumentParser]
