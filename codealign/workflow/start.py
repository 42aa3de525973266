"""Start one notebook job: `python -m codealign.workflow.start NOTEBOOK EXECUTED PARAMS`.

Imports little, so that handing a job over takes no longer than it must.
"""

from __future__ import annotations

import sys

from codealign.workflow.warm import hand_over


def main(arguments: list[str]) -> int:
    """Run a job in a fork of a server that has its libraries, else here; return its exit code."""
    code = hand_over(arguments[0], arguments)
    if code is not None:
        return code
    from codealign.workflow.execute import execute

    return execute(*arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
