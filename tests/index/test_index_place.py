"""Telling a local disk from a network drive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.index.place import NETWORK_FILE_SYSTEMS, file_system, is_on_network

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/music rw,relatime shared:2 - nfs4 nas:/music rw,vers=4.2
31 22 0:41 / /mnt/two\\040words rw - cifs //nas/share rw
32 30 0:42 / /mnt/music/local rw master:3 propagate_from:2 - xfs /dev/sdb1 rw
33 22 0:43 / /srv rw - ext4 /dev/sdc1 rw
34 22 0:44 / /srv rw - fuse.sshfs host:/ rw
odd line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/home/station", "ext4", id="root"),
        pytest.param("/mnt/music/a/b", "nfs4", id="network"),
        pytest.param("/mnt/music2", "ext4", id="a name that begins alike"),
        pytest.param("/mnt/two words/x", "cifs", id="a blank in the name"),
        pytest.param("/mnt/music/local/x", "xfs", id="a local disk below a network drive"),
        pytest.param("/srv/x", "fuse.sshfs", id="the later mount covers the earlier"),
    ],
)
def test_the_innermost_mount_decides(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert file_system(Path(path), mounts) == kind
    assert (kind in NETWORK_FILE_SYSTEMS) == (kind in {"nfs4", "cifs", "fuse.sshfs"})


def test_where_the_kernel_does_not_say_a_disk_is_taken_for_local(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "none") is None


def test_the_kernel_of_this_machine_is_understood(tmp_path: Path) -> None:
    kind = file_system(tmp_path)
    assert kind is not None
    assert is_on_network(tmp_path) == (kind in NETWORK_FILE_SYSTEMS)
