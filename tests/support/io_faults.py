"""Lets the calls of a process on its state database fail as a disk does that breaks: for LD_PRELOAD."""

import os
import pathlib
import shutil
import subprocess

import pytest

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic char watched[65536];
static atomic_long calls;

/* Whether this call is to fail: of those named in IO_FAULT_CALL the IO_FAULT_TIMES that follow the first
   IO_FAULT_SKIP. Each failure is a byte in IO_FAULT_LOG. */
static int fails(const char* call, int fd) {
  const char* wanted = getenv("IO_FAULT_CALL");
  if (fd < 0 || fd >= (int)sizeof watched || !watched[fd] || !wanted || strcmp(wanted, call) != 0) return 0;
  const long n = atomic_fetch_add(&calls, 1), skip = atol(getenv("IO_FAULT_SKIP"));
  if (n < skip || n >= skip + atol(getenv("IO_FAULT_TIMES"))) return 0;
  const int log = open(getenv("IO_FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log >= 0) {
    const ssize_t noted = write(log, "x", 1);
    (void)noted;
    close(log);
  }
  errno = atoi(getenv("IO_FAULT_ERRNO"));
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  const int fd = REAL(open64)(path, flags, mode);
  const char* name = strrchr(path, '/');
  if (fd >= 0 && fd < (int)sizeof watched)
    watched[fd] = strncmp(name ? name + 1 : path, "catwalk.sqlite3", 15) == 0;
  return fd;
}

int close(int fd) {
  if (fd >= 0 && fd < (int)sizeof watched) watched[fd] = 0;
  return REAL(close)(fd);
}

ssize_t pread64(int fd, void* to, size_t size, off64_t at) {
  return fails("pread", fd) ? -1 : REAL(pread64)(fd, to, size, at);
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) {
  return fails("pwrite", fd) ? -1 : REAL(pwrite64)(fd, from, size, at);
}

int fdatasync(int fd) {
  return fails("sync", fd) ? -1 : REAL(fdatasync)(fd);
}

int fsync(int fd) {
  return fails("sync", fd) ? -1 : REAL(fsync)(fd);
}

int ftruncate64(int fd, off64_t size) {
  return fails("truncate", fd) ? -1 : REAL(ftruncate64)(fd, size);
}
"""


class IoFaults:
    """`env(…)` goes to one process; `happened` says how many of its calls failed."""

    def __init__(self, folder):
        self.library, self.log = pathlib.Path(folder) / "io_faults.so", pathlib.Path(folder) / "io_faults.log"
        compiler = shutil.which("gcc")
        if compiler is None:
            pytest.skip("gcc is not installed")
        source = self.library.with_suffix(".c")
        source.write_text(SOURCE)
        subprocess.run(
            [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], check=True
        )

    def env(self, call, skip=0, times=1_000_000_000, errno=5):
        """`call`: pread, pwrite, sync or truncate; `errno`: EIO unless another is named."""
        self.log.unlink(missing_ok=True)
        return {
            "LD_PRELOAD": os.fspath(self.library),
            "IO_FAULT_CALL": call,
            "IO_FAULT_SKIP": str(skip),
            "IO_FAULT_TIMES": str(times),
            "IO_FAULT_ERRNO": str(errno),
            "IO_FAULT_LOG": os.fspath(self.log),
        }

    @property
    def happened(self):
        return self.log.stat().st_size if self.log.exists() else 0
