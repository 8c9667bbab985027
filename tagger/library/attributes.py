"""Give a copy what belongs to the original beside its bytes: owner, group, extended attributes, access lists, mode."""

from __future__ import annotations

import errno
import os
import stat

from tagger.base.errors import WriteSkipped
from tagger.base.patience import passes
from tagger.library.trouble import FULL

_NOT_SUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def copy_attributes(original: bytes, found: os.stat_result, copy: bytes) -> None:
    """Make the copy like the original, and look whether it is.

    Parameters
    ----------
    original : bytes
        The file to be replaced.
    found : os.stat_result
        Its state when it was read.
    copy : bytes
        The file that is to take its place.

    Raises
    ------
    WriteSkipped
        If the copy cannot get owner, group, mode or an attribute: replacing the file would change who may do what.
    OSError
        The disk or its server failed, which says nothing about what the copy may get.
    """
    made = os.stat(copy)
    if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
        try:
            os.chown(copy, found.st_uid, found.st_gid)
        except OSError as error:
            raise _refused(original, error, "a copy cannot get its owner and group; run as its owner") from error
    _copy_xattrs(original, copy)
    if stat.S_IMODE(os.stat(copy).st_mode) != stat.S_IMODE(found.st_mode):
        try:
            os.chmod(copy, stat.S_IMODE(found.st_mode))
        except OSError as error:
            raise _refused(original, error, "a copy cannot get its permissions") from error
    made = os.stat(copy)
    if (made.st_mode, made.st_uid, made.st_gid) != (found.st_mode, found.st_uid, found.st_gid):
        raise WriteSkipped(original, "a copy cannot get its owner and permissions")
    if xattrs_of(copy) != xattrs_of(original):
        raise WriteSkipped(original, "a copy cannot get its extended attributes or access list")


def xattrs_of(path: bytes) -> dict[str, bytes]:
    """Return the extended attributes, access lists among them; nothing where the file system has none."""
    try:
        names = os.listxattr(path)
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            return {}
        raise
    return {name: os.getxattr(path, name) for name in names}


def _copy_xattrs(original: bytes, copy: bytes) -> None:
    wanted, there = xattrs_of(original), xattrs_of(copy)
    try:
        for name in there.keys() - wanted.keys():  # an access list inherited from the folder
            os.removexattr(copy, name)
        for name, value in wanted.items():
            if there.get(name) != value:
                os.setxattr(copy, name, value)
    except OSError as error:
        raise _refused(original, error, "a copy cannot get its extended attributes or access list") from error


def _refused(original: bytes, error: OSError, cause: str) -> Exception:
    """Return why the copy is not like the original: it may not be, or the disk is full or fails just now."""
    return error if passes(error) or error.errno in FULL else WriteSkipped(original, cause)
