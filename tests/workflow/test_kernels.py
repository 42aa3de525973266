"""Kernels as jobs start them."""

from __future__ import annotations

import asyncio

import psutil
from jupyter_client import AsyncKernelManager

from codealign.workflow.kernels import manager


async def _start(kind: type[AsyncKernelManager]) -> tuple[list[int], list[str]]:
    """Start a kernel, ask it something; return the TCP ports and socket names it listens at."""
    kernel = kind(kernel_name="python3")
    await kernel.start_kernel()
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=300)
        process = psutil.Process(kernel.provisioner.process.pid)
        ports = [c.laddr.port for c in process.net_connections("tcp") if c.status == "LISTEN"]
        names = [str(c.laddr) for c in process.net_connections("unix") if c.laddr]
    finally:
        client.stop_channels()
        await kernel.shutdown_kernel(now=True)
    return ports, names


def test_kernels_that_start_at_once_cannot_take_each_others_ports() -> None:
    ports, names = asyncio.run(_start(manager()))
    assert len([name for name in names if name.startswith("@codealign-")]) >= 5
    jupyters_own, _ = asyncio.run(_start(AsyncKernelManager))
    # What is left is the debugger's, which the kernel itself chooses and binds in one step.
    assert len(ports) == len(jupyters_own) - 5 <= 1
