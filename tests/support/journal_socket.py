"""The socket of systemd's journal, for a process that is started in a mount namespace with it."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading

# The process sees this socket alone where the journal's would be. As root, or where user namespaces are permitted.
SCRIPT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket &&
mount --bind "$0" /run/systemd/journal/socket && exec "$@"
"""


def fields_of(datagram):
    """One entry of the native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        fields[name.decode()] = value.decode()
        datagram = rest
    return fields


class JournalSocket:
    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "journal")
        self.entries = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
            for descriptor in descriptors:  # a long entry comes in a file
                data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
                os.close(descriptor)
            if data == b"end":
                return
            self.entries.append(fields_of(data))

    def wrap(self, command):
        """The command with this journal; None where this machine permits no namespace."""
        if not shutil.which("unshare"):
            return None
        flags = "-m" if os.geteuid() == 0 else "-rm"
        wrapped = ["unshare", flags, "sh", "-c", SCRIPT, self.path]
        tried = subprocess.run([*wrapped, "true"], capture_output=True, check=False)
        return [*wrapped, *map(str, command)] if tried.returncode == 0 else None

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", self.path)
        self.thread.join()
        self.socket.close()
