"""A disk of a few megabytes, and the file that fills it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Has the record of its step end with a block of the disk: the next line needs one that is new.
PAD = (
    "until grep -q started ../claim.json; do sleep 0.05; done; "
    "size=$(stat -c %s ../claim.json); left=$(( (4096 - size % 4096) % 4096 )); "
    'head -c $left /dev/zero | tr "\\0" "\\n" >> ../claim.json; '
)


class SmallDisk:
    """A file system in memory; `mount` gives `None` where mounting is not permitted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    @classmethod
    def mount(cls, folder: Path, megabytes: int) -> SmallDisk | None:
        """A new one at a folder that is made for it."""
        folder.mkdir()
        size = f"size={megabytes}m"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)])
        return cls(folder) if mounted.returncode == 0 else None

    def unmount(self) -> None:
        """As it was before, whoever still has a file open there."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        with self.filler.open("ab", buffering=0) as file:
            free = os.statvfs(self.folder)
            try:
                os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize)
                file.seek(0, os.SEEK_END)
            except OSError:
                pass
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def free(self) -> None:
        """As it was."""
        self.filler.unlink()
