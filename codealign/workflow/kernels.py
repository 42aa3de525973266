"""A job's kernel, forked or started anew, and how it ended."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable
from typing import Any


class Process:
    """A forked child, with what jupyter's provisioner asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self.returncode = pid, None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end; return the exit code."""
        return self._look(0)

    def _look(self, options: int) -> int | None:
        if self.returncode is None:
            # 0 while the child runs; a child that has ended can be asked for its status only once.
            ended, status = os.waitpid(self.pid, options)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def manager(launch: Callable[[str, dict[str, str]], Process] | None = None) -> type:
    """Return a class of jupyter's kernel managers that knows how its one kernel has ended.

    Parameters
    ----------
    launch : makes a forked process the kernel; None starts one as jupyter does.
    """
    from jupyter_client import AsyncKernelManager

    class Kernel(AsyncKernelManager):
        kernel: Any = None

        def __init__(self, **kw: Any) -> None:
            # Jupyter's TCP ports are chosen by one process and bound by another, and jobs that
            # start at once can take each other's (nteract/papermill#511). Sockets with names of
            # Linux's abstract namespace are nobody else's and leave no file behind.
            super().__init__(transport="ipc", ip=f"@codealign-{secrets.token_hex(8)}", **kw)

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            if launch is None:
                await super()._async_launch_kernel(kernel_cmd, **kw)
            else:
                # What jupyter's own launch leaves behind, for a process that it has not started.
                process = launch(self.connection_file, kw["env"])
                self.provisioner.process, self.provisioner.pid = process, process.pid
                self._reconcile_connection_info(self.provisioner.connection_info)
            # On the class: papermill makes the instance and hands it to nobody.
            type(self).kernel = self.provisioner.process

        @classmethod
        def exit_code(cls) -> int | None:
            return cls.kernel.poll() if cls.kernel else None

    return Kernel
