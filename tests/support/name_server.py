"""A DNS server over UDP on the address that /etc/resolv.conf names, for tests in a network namespace of their own."""

import pathlib
import socket
import struct
import threading


def configured_server():
    """The first IPv4 name server of this machine; None where there is none."""
    for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and words[1].count(".") == 3:
            return words[1]
    return None


class NameServer:
    """`names` maps a name to IPv4 addresses; `silent`: takes questions and never answers.

    A list of such lists is a name that is bound anew: each question takes the next one, and the last one stays.
    """

    def __init__(self, address, names=None, silent=False):
        self.names, self.silent, self.questions = names or {}, silent, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(2048)
            except OSError:
                return
            self.questions += 1
            if not self.silent:
                self.socket.sendto(self.answer(question), client)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
            at += question[at] + 1
        kind = struct.unpack(">H", question[at + 1 : at + 3])[0]
        addresses = self.names.get(".".join(labels))
        found = addresses if addresses and kind == 1 else []
        if found and isinstance(found[0], list):
            found = found.pop(0) if len(found) > 1 else found[0]
        flags = 0x8180 if addresses else 0x8183  # else: no such name
        header = question[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        records = b"".join(
            struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address) for address in found
        )
        return header + question[12 : at + 5] + records
