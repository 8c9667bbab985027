"""Which errors of the system are likely to pass: a server that is busy, restarting or out of reach for a moment."""

from __future__ import annotations

import errno

# errno(3). ENOENT and its like are no faults of the system: the file went away.
PASSING = frozenset(
    (
        *(errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.EREMOTEIO),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN, errno.ESHUTDOWN, errno.EPIPE),
        *(errno.ENOLCK, errno.ENFILE, errno.EMFILE, errno.ENOBUFS, errno.EDEADLK),
    )
)
GONE = frozenset((errno.ENOENT, errno.ENOTDIR))


def passing(error: OSError) -> bool:
    """Say whether the same call may well succeed later."""
    return error.errno in PASSING


def gone(error: OSError) -> bool:
    """Say whether the file is not there (any more)."""
    return error.errno in GONE
