"""A network namespace of its own, in which the test chooses the addresses: public ones too. Needs root."""

import concurrent.futures
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000


class NetworkNamespace:
    """run(function, …) calls the function in a thread that lives in the namespace, and gives what it returns.

    Sockets that it opens and processes that it starts are in the namespace as well.
    """

    def __init__(self, *addresses):
        self.addresses = addresses

    @staticmethod
    def unavailable():
        """Why there can be none, in words; None: there can."""
        if os.geteuid() != 0:
            return "a network namespace needs root"
        tried = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
        return None if tried.returncode == 0 else f"no network namespace: {tried.stderr.decode().strip()}"

    def __enter__(self):
        self.thread = concurrent.futures.ThreadPoolExecutor(max_workers=1, initializer=self.settle)
        return self

    def __exit__(self, *_):
        self.thread.shutdown()

    def settle(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in self.addresses:
            subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)

    def run(self, function, *arguments, **more):
        return self.thread.submit(function, *arguments, **more).result()
