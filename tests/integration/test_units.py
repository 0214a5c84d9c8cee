"""The unit files of the package: what systemd makes of them, and what operations.md promises of them."""

import collections
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.support.catwalk_binary import ROOT

UNITS = ROOT / "systemd"
DROP_IN = "etc/systemd/system/catwalk.service.d/gpu.conf"


def analyze(*arguments):
    """systemd-analyze's (exit code, output)."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    if os.getuid() != 0 and not pathlib.Path("/run/systemd").is_dir():
        pytest.skip("systemd-analyze wants to make /run/systemd, which root alone can")
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def exposure(unit, *arguments):
    code, said = analyze("security", "--offline=true", *arguments, unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert code == 0 and found, said
    return float(found[1]), said


def directives(name):
    """Each directive's values, in their order; an empty value takes back those before it."""
    text = re.sub(r"\\\n\s*", " ", (UNITS / name).read_text())
    values = collections.defaultdict(list)
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            values[key] = values[key] + [value] if value else []
    return values


def one(name, key):
    (value,) = directives(name)[key]
    return value


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(m?)s?", text).groups()
    return int(number) * (60 if unit else 1)


def default_of(key):
    """As the reference page has it, which a unit test holds to the code."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    return re.search(rf"^\| `{re.escape(key)}` \| [^|]* \| `([^`]*)`", page, re.MULTILINE)[1]


@pytest.mark.parametrize(("unit", "most"), [("catwalk.service", 1.5), ("catwalk-browser.service", 2.5)])
def test_the_units_are_hardened(unit, most):
    level, said = exposure(UNITS / unit)
    print(f"exposure level of {unit}: {level}")
    assert level <= most, said


def test_the_services_own_promises():
    unit = directives("catwalk.service")
    expected = {
        "Type": "notify",
        "User": "catwalk",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "2",
        "RuntimeDirectory": "catwalk",
        "RuntimeDirectoryMode": "0750",
        "StateDirectory": "catwalk",
        "StateDirectoryMode": "0750",
        "ConfigurationDirectoryMode": "0750",
        "UMask": "0027",
        "LoadCredential": "catwalk:/etc/catwalk/credentials",
        "MemoryHigh": "3G",
        "MemoryMax": "3500M",
        "TasksMax": "256",
        "LimitCORE": "0",
        "MemoryDenyWriteExecute": "no",  # oneDNN writes machine code
    }
    assert {key: unit[key] for key in expected} == {key: [value] for key, value in expected.items()}
    assert int(one("catwalk.service", "WatchdogSec")) > 0


def test_a_stop_has_more_time_than_the_daemon_takes_for_it():
    """It asks for 30 seconds beyond shutdown_timeout; until that has arrived, the unit's own figure holds."""
    timeout = seconds(one("catwalk.service", "TimeoutStopSec"))
    assert timeout >= seconds(default_of("shutdown_timeout")) + 30


def test_the_browser_keeps_its_sandbox_and_its_port_to_itself():
    unit = directives("catwalk-browser.service")
    (command,) = unit["ExecStart"]
    flags = command.split()[1:]
    assert not [flag for flag in flags if re.match(r"--(no-(\w+-)*sandbox|disable-.*sandbox)", flag.split("=")[0])]
    assert "--single-process" not in flags and "--no-zygote" not in flags
    assert "--remote-debugging-address=127.0.0.1" in flags
    assert not [flag for flag in flags if flag.startswith("--remote-allow-origins")]
    # What the sandbox is made with.
    assert {"user", "net", "pid"} <= set(one("catwalk-browser.service", "RestrictNamespaces").split())
    assert {"chroot", "unshare", "setns"} <= set(one("catwalk-browser.service", "SystemCallFilter").split())
    assert unit["NoNewPrivileges"] != ["no"]
    expected = {
        "DynamicUser": "yes",
        "RuntimeDirectoryMode": "0700",
        "Restart": "on-failure",
        "MemoryMax": "1500M",
        "TasksMax": "512",
        "LimitCORE": "0",
    }
    assert {key: unit[key] for key in expected} == {key: [value] for key, value in expected.items()}


@pytest.fixture
def root(tmp_path):
    """A root with the units, and with as much of a system as they refer to."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in ("catwalk.service", "catwalk-browser.service"):
        shutil.copy(UNITS / name, units)
    for name in ("basic", "sysinit", "shutdown", "umount", "network-online", "time-sync", "multi-user"):
        (units / f"{name}.target").write_text(f"[Unit]\nDescription={name}\n")
    (units / "-.mount").write_text("[Mount]\nWhat=/dev/null\nWhere=/\n")
    (units / "system.slice").write_text("[Slice]\n")
    for program in ("usr/bin/catwalk", "usr/bin/chromium", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", tmp_path / program)
    return tmp_path


def verified(root, unit):
    return analyze("verify", f"--root={root}", "--man=no", unit)


@pytest.mark.parametrize("unit", ["catwalk.service", "catwalk-browser.service"])
def test_systemd_accepts_the_units(root, unit):
    assert verified(root, unit) == (0, "")


def test_systemd_accepts_the_drop_in_for_a_gpu(root):
    drop_in = root / DROP_IN
    drop_in.parent.mkdir()
    shutil.copy(UNITS / "catwalk-gpu.conf", drop_in)
    assert verified(root, "catwalk.service") == (0, "")
    # It counts, and opens the GPU's devices alone.
    level, said = exposure("catwalk.service", f"--root={root}")
    assert level <= 1.7, said
    (devices,) = re.findall(r"DeviceAllow=.*special devices: (.*?)\s+[\d.]+\s*$", said, re.MULTILINE)
    assert set(devices.split()) - {"char-rtc:r"} == {
        "char-nvidia-frontend:rw",
        "char-nvidia-uvm:rw",
        "/dev/nvidiactl:rw",
    }
    drop_in.write_text(drop_in.read_text() + "MemoryHihg=infinity\n")
    assert "MemoryHihg" in verified(root, "catwalk.service")[1], "a slip in a drop-in would go unseen"
