"""A command in a terminal of its own."""

import fcntl
import os
import pty
import signal
import subprocess
import termios

from .catwalk_binary import binary_path, environment
from .supabase.postgres import die_with_parent


class Terminal:
    """The executable with its output in `text`, as somebody at a terminal would see it."""

    def __init__(self, *arguments, env, cwd):
        self.master, slave = pty.openpty()
        dying = die_with_parent(signal.SIGKILL)

        def take_terminal():
            dying()
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [binary_path(), *map(str, arguments)],
            cwd=cwd,
            env={**environment(env), "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=take_terminal,
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.text = ""

    def shown(self):
        try:
            while piece := os.read(self.master, 65536):
                self.text += piece.decode(errors="replace")
        except OSError:
            pass  # nothing new, or the other side is closed
        return self.text

    def type(self, keys):
        os.write(self.master, keys)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self.master)
