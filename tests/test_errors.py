"""What the operating system says becomes one line, of the right kind."""

import errno
import os

import pytest

from cucmos_shell.errors import from_os


def failure(number, *names):
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(
    ("error", "told", "kind", "message"),
    [
        (failure(errno.EACCES, "/a"), {}, "unavailable", "/a: Permission denied"),
        (failure(errno.EACCES), {}, "unavailable", "Permission denied"),
        (OSError(), {}, "unavailable", "OSError"),
        (failure(errno.ENOSPC, "/a"), {}, "unavailable", "The disk is full; nothing was changed"),
        (failure(errno.EIO, "/a", None, b"/b"), {"doing": "written"}, "unavailable",
         "/b cannot be written: Input/output error"),
        (failure(errno.EIO), {"doing": "read"}, "unavailable",
         "The certificate store cannot be read: Input/output error"),
        (failure(errno.ENOENT), {"doing": "read", "name": "The log"}, "unavailable",
         "The log cannot be read: No such file or directory"),
        (failure(errno.ELOOP), {"name": "x"}, "not-found",
         "x: no such file or directory can be found"),
        (failure(errno.EISDIR, "/a"), {"name": "x"}, "refused", "x is not a file"),
        (failure(errno.ENOSPC, "/a"), {"name": "x"}, "unavailable", "x: No space left on device"),
    ],
)  # fmt: skip
def test_an_error_of_the_system_is_one_line(error, told, kind, message):
    """It names the file as the person called it, or as the system does."""
    found = from_os(error, **told)
    assert (found.kind, found.message()) == (kind, message)
