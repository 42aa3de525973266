"""Hostile programs, and what must become of them: (name, verdicts allowed, code).

`SECRET` is a file, and `PORT` a listening socket, of the host; `CANARY` a variable of its
environment. A program that gets at one of them prints its content, or BREACH.
"""

from __future__ import annotations

import socket
import textwrap
from dataclasses import dataclass
from pathlib import Path

Case = tuple[str, set[str], str]


@dataclass
class Host:
    """What hostile programs are after."""

    secret: Path
    listener: socket.socket
    canary: str = "CODEALIGN_TEST_CANARY"
    content: str = "BREACH of the secret file"

    def header(self) -> str:
        """Lines before a hostile program that tell it where to look."""
        port = self.listener.getsockname()[1]
        return f"SECRET, PORT, CANARY = {str(self.secret)!r}, {port}, {self.canary!r}\n"


def _cases(verdicts: set[str], **codes: str) -> list[Case]:
    return [(name, verdicts, textwrap.dedent(code)) for name, code in codes.items()]


LEAVES_EARLY = _cases(
    {"no_proof"},
    sys_exit="import sys; sys.exit(0)",
    os_exit="import os; os._exit(0)",
    libc_exit="import ctypes; ctypes.CDLL(None)._exit(0)",
    exit_in_function="def f():\n    raise SystemExit(0)\nf()",
    exit_while_described="""
        import os
        class Sly(Exception):
            def __str__(self): os._exit(0)
        raise Sly()
    """,
    quit_builtin="quit()",
    unittest_main="""
        import unittest
        class T(unittest.TestCase):
            def test(self): self.assertTrue(True)
        unittest.main()
    """,
    forged_proof="""
        import os, struct
        for fd in range(64):
            for text in (b"N", b"N" + b"0" * 32, b"pass"):
                try: os.write(fd, struct.pack("<I", len(text)) + text)
                except OSError: pass
        os._exit(0)
    """,
    closed_descriptors="import os; os.closerange(0, 64); os._exit(0)",
    exit_in_thread_hook="""
        import os, threading
        threading.Timer(0.01, os._exit, (0,)).start()
        while True: pass
    """,
    exit_in_signal_handler="""
        import os, signal
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
        os.kill(os.getpid(), signal.SIGUSR1)
        while True: pass
    """,
    exit_in_finalizer="""
        import os
        class Sly:
            def __del__(self): os._exit(0)
        Sly()
    """,
    exit_at_termination="""
        import os, signal
        signal.signal(15, lambda *_: os._exit(0))
        os.kill(os.getpid(), 15)
    """,
)

REACHES_FOR_THE_RUNNER = _cases(
    {"suspect"},
    getframe="import sys; sys._getframe(1)",
    traceback_frame="""
        try: 1 / 0
        except ZeroDivisionError as e: e.__traceback__.tb_frame.f_back
    """,
    generator_frame="g = (x for x in [1]); g.gi_frame",
    coroutine_frame="async def f(): pass\nc = f(); c.cr_frame; c.close()",
    inspect_currentframe="import inspect; inspect.currentframe().f_back",
    inspect_stack="import inspect; inspect.stack(0)",
    walk_tb="""
        import traceback
        try: 1 / 0
        except ZeroDivisionError as e: next(traceback.walk_tb(e.__traceback__))
    """,
    walk_stack="import traceback; next(traceback.walk_stack(None))",
    logging_currentframe="import logging; logging.currentframe()",
    settrace="import sys; sys.settrace(lambda *a: None); sys.settrace(None)",
    setprofile="import sys; sys.setprofile(lambda *a: None); sys.setprofile(None)",
    thread_settrace="""
        import threading
        threading.settrace(lambda *a: None)
        t = threading.Thread(target=lambda: None); t.start(); t.join()
    """,
    current_frames="import sys; sys._current_frames()",
    collector_objects="import gc; gc.get_objects()",
    collector_referrers="import gc; gc.get_referrers(print)",
    faked_library_file="""
        import sysconfig
        path = sysconfig.get_path("stdlib") + "/fake.py"
        exec(compile("import sys; sys._getframe(0)", path, "exec"))
    """,
    replaced_file_name="""
        import sysconfig
        def f(): pass
        f.__code__ = f.__code__.replace(co_filename=sysconfig.get_path("stdlib") + "/fake.py")
    """,
    marshalled_code="import marshal; marshal.loads(marshal.dumps(compile('1', 'x', 'eval')))",
    memory_reading="import ctypes; ctypes.string_at(id(object()), 16)",
)

FAILS = _cases(
    {"fail"},
    wrong_assertion="assert 1 + 1 == 3",
    syntax_error="def f(:\n    pass",
    nul_byte="x = 1\0",
    many_parentheses="x = " + "(" * 200_000 + ")" * 200_000,
    surrogate="x = '\ud800'; raise ValueError(x)",
    patched_assertion_error="AssertionError = ValueError\nassert False",
    patched_write="import os; os.write = lambda *a: 0\nassert False",
    patched_exit="import os; os._exit = lambda *a: 0\nassert False",
    patched_builtins="import builtins\nbuiltins.BaseException = KeyError\nassert False",
    patched_main="import sys; sys.modules.clear()\nassert False",
    large_list="x = [0] * (8 << 30)",
    large_bytes="x = bytearray(8 << 30)",
    growing_list="x = [bytes(1 << 20) for _ in range(8 << 10)]",
    mmap="import mmap; mmap.mmap(-1, 8 << 30)",
    memfd="import os; os.memfd_create('x')",
    fork="import os\nif os.fork() == 0: os._exit(0)",
    subprocess="import subprocess; subprocess.run(['/bin/true'])",
    system_exec="import os; os.execv('/bin/true', ['true'])",
    process_pool="import multiprocessing; multiprocessing.Pool(2)",
    popen="import os; os.popen('true').read()",
    posix_spawn="import os; os.posix_spawn('/bin/true', ['true'], {})",
    tcp="import socket; socket.create_connection(('127.0.0.1', PORT)); print('BREACH')",
    udp="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    dns="import socket; socket.getaddrinfo('example.org', 80)[0]; print('BREACH')",
    abstract_socket="import socket; socket.socket(socket.AF_UNIX).bind('\\0codealign')",
    netlink="import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    read_secret="print(open(SECRET).read())",
    append_secret="open(SECRET, 'a').write('BREACH')",
    delete_secret="import os; os.unlink(SECRET)",
    read_password_file="print('BREACH', open('/etc/passwd').read())",
    read_environment="import os; print('BREACH', os.environ[CANARY])",
    read_parent_environment="""
        import os
        print('BREACH', open(f'/proc/{os.getppid()}/environ', 'rb').read())
    """,
    read_own_memory="print('BREACH', open('/proc/self/mem', 'rb'))",
    list_processes="import os; print('BREACH', os.listdir('/proc'))",
    write_temporary="open('/tmp/codealign-breach', 'w').write('x'); print('BREACH')",
    write_home="open('/root/codealign-breach', 'w').write('x'); print('BREACH')",
    write_shared_memory="open('/dev/shm/codealign-breach', 'w').write('x'); print('BREACH')",
    write_interpreter="""
        import sysconfig
        open(sysconfig.get_path('stdlib') + '/codealign_breach.py', 'w'); print('BREACH')
    """,
    symlink_escape="""
        import os
        os.symlink(SECRET, 'link'); print(open('link').read())
    """,
    hard_link_escape="import os; os.link(SECRET, 'link'); print(open('link').read())",
    large_file="""
        with open('big', 'wb') as f:
            for _ in range(1024): f.write(bytes(1 << 20))
    """,
    many_large_files="""
        for i in range(1024):
            with open(f'big{i}', 'wb') as f: f.write(bytes(8 << 20))
    """,
    many_large_files_in_folders="""
        import os
        for i in range(1024):
            os.mkdir('d'); os.chdir('d')
            with open('big', 'wb') as f: f.write(bytes(8 << 20))
    """,
    files_without_end="""
        i = 0
        while True:
            i += 1; open(f'f{i}', 'w').close()
    """,
    kill_parent="import os; os.kill(os.getppid(), 9)",
    kill_all="import os; os.kill(-1, 9)",
    kill_parent_group="import os; os.killpg(os.getpgid(os.getppid()), 9)",
    kill_init="import os; os.kill(1, 15)",
    raise_limit="""
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    """,
    limit_parent="""
        import os, resource
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))
    """,
    become_root="import os; os.setuid(0); os.setgid(0); open('/root/x')",
    change_root="import os; os.chroot('/')",
    ptrace="""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.ptrace(16, os.getppid(), 0, 0) == 0
    """,
    unshare="""
        import ctypes
        assert ctypes.CDLL(None).unshare(0x10000000) == 0
    """,
    mount="""
        import ctypes
        assert ctypes.CDLL(None).mount(b'none', b'/', b'tmpfs', 0, None) == 0
    """,
    input_closed="input()",
    recursion="def f(): return f()\nf()",
    huge_exception="raise ValueError('x' * 10_000_000)",
    thread_bomb="""
        import threading, time
        for _ in range(100_000):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    """,
    descriptor_bomb="import os\nwhile True: os.pipe()",
)  # fmt: skip

ENDLESS = _cases(
    {"timeout"},
    busy_loop="while True: pass",
    catch_all_loop="""
        while True:
            try:
                while True: pass
            except BaseException: pass
    """,
    ignored_signals="""
        import signal
        for s in range(1, 32):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
    """,
    big_power="10 ** 10 ** 8",
    slow_pattern="import re; re.match('(a+)+$', 'a' * 40 + 'b')",
    busy_threads="""
        import threading
        for _ in range(4): threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
    """,
    closes_pipes_and_loops="import os; os.closerange(0, 64)\nwhile True: pass",
    big_factorial="import math; math.factorial(10 ** 8)",
    many_small_files="i = 0\nwhile True:\n    i += 1; open(f'f{i % 1000}', 'w').close()",
)

SLEEPERS = _cases(
    {"timeout"},
    sleep="import time; time.sleep(600)",
    stopped="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    waits_for_lock="import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    reads_own_pipe="import os; r, w = os.pipe(); os.read(r, 1)",
)

CRASHES = _cases(
    {"crash"},
    null_pointer="import ctypes; ctypes.string_at(0)",
    abort="import os; os.abort()",
    kills_itself="import os; os.kill(os.getpid(), 9)",
    wild_pointer="import ctypes; ctypes.memset(8, 0, 1)",
    deep_native_recursion="""
        import functools, sys
        sys.setrecursionlimit(10 ** 9)
        class A:
            def __getattr__(self, name): return getattr(self, name)
        def f(): return functools.reduce(lambda a, b: f(), [1, 2])
        f()
    """,
)

HOSTILE = LEAVES_EARLY + REACHES_FOR_THE_RUNNER + FAILS + ENDLESS + SLEEPERS + CRASHES

LEGITIMATE = textwrap.dedent("""
    import asyncio, collections, concurrent.futures, contextlib, dataclasses, datetime, enum
    import io, json, logging, os, pathlib, pickle, random, re, shutil, signal, sqlite3, statistics
    import sys, tempfile, threading, time, traceback, typing, unittest, uuid, warnings, zipfile
    import numpy as np

    Point = collections.namedtuple("Point", "x y")
    Colour = enum.Enum("Colour", "red green")

    @dataclasses.dataclass
    class Item:
        name: str
        tags: list[str] = dataclasses.field(default_factory=list)

    assert Point(1, 2).x == 1 and Colour.red.name == "red" and Item("a") == Item("a")
    assert typing.get_type_hints(Item)["name"] is str

    async def double(x):
        await asyncio.sleep(0.001)
        return 2 * x

    async def gathered():
        return await asyncio.gather(*(double(i) for i in range(3)))

    assert asyncio.run(gathered()) == [0, 2, 4]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
    with sqlite3.connect(":memory:") as db:
        assert db.execute("select 1 + 1").fetchone() == (2,)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sub", "a.txt")
        path.parent.mkdir()
        path.write_text("hello")
        path.chmod(0o600)
        os.utime(path)
        shutil.copy2(path, path.with_suffix(".bak"))
        with zipfile.ZipFile(pathlib.Path(folder, "a.zip"), "w") as z:
            z.write(path, "a.txt")
        assert sorted(p.name for p in path.parent.iterdir()) == ["a.bak", "a.txt"]
    u, s, v = np.linalg.svd(np.eye(20) + 1)
    assert abs(s[0] - 21) < 1e-9 and np.random.rand(3).shape == (3,)
    logging.getLogger("x").warning("seen")
    warnings.warn("seen", stacklevel=1)
    try:
        raise ValueError("seen")
    except ValueError:
        traceback.print_exc()
        assert "ValueError" in traceback.format_exc()

    class Test(unittest.TestCase):
        def test_fails_as_it_should(self):
            with self.assertRaises(ZeroDivisionError):
                1 / 0

    suite = unittest.TestLoader().loadTestsFromTestCase(Test)
    assert unittest.TextTestRunner(stream=io.StringIO()).run(suite).wasSuccessful()
    fired = []
    signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.1)
    assert fired == [1]
    assert pickle.loads(pickle.dumps(Item("a"))) == Item("a")
    assert re.sub(r"a+", "b", "caat") == "cbt" and json.loads("[1]") == [1]
    assert uuid.uuid4() != uuid.uuid4() and datetime.date(2024, 2, 29).isoformat()
    assert os.environ["HOME"] == os.getcwd() and sys.argv == ["main.py"]
    assert statistics.mean([1, 2, 3]) == 2 and random.random() != random.random()

    def recurse(n):
        return 0 if n == 0 else 1 + recurse(n - 1)

    assert recurse(900) == 900
    if __name__ == "__main__":
        print("all good")
""")
