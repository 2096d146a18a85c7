"""Objects as files, on local disks and NFS-like file systems.

A file is written under a temporary name, synced, and linked to its final name. `link` fails when that name exists, so
a file appears whole and once. NFS can report a successful link as failed when the reply is lost; the link then
succeeded exactly if the temporary file has two links.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import TMP, checked_key, mending_command
from llcray_storage.store.objects import Entry

REMEDIES = {
    errno.ENOSPC: "free space, then run the same command again: finished runs are kept.",
    errno.EDQUOT: "raise the quota or free space, then run the same command again: finished runs are kept.",
    errno.EACCES: "give this user write access, or choose another place.",
    errno.EPERM: "give this user write access, or choose another place.",
    errno.EROFS: "mount it writable, or choose another place.",
    errno.ENOTDIR: "part of the path is a file; choose another place.",
}


class LocalStore:
    """Objects under a folder of a file system."""

    def __init__(self, root: Path) -> None:
        """Take the folder `root`, which the first write creates."""
        self.root = root
        self._synced_folders: set[Path] = set()

    @property
    def uri(self) -> str:
        return str(self.root)

    @property
    def scan_options(self) -> dict[str, str]:
        return {}

    def put_if_absent(self, key: str, data: bytes) -> bool:
        final = self._path(key)
        tmp = self.root / TMP / f"{secrets.token_hex(8)}.tmp"
        try:
            self._make_folder(tmp.parent)
            self._make_folder(final.parent)
            try:
                _write_synced(tmp, data)
                failpoint("local.tmp_written")
                created = _link(tmp, final)
                failpoint("local.linked")
            finally:
                with contextlib.suppress(FileNotFoundError):
                    tmp.unlink()
            _sync_folder(final.parent)
        except OSError as error:
            raise _storage_error(f"'{final}' was not written", error) from error
        return created

    def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissingError(f"'{path}' is missing. Run `{mending_command(self.uri)}`.") from error
        except OSError as error:
            raise _storage_error(f"'{path}' cannot be read", error) from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def names(self, folder: str) -> list[str]:
        with self._scan(folder) as children:
            return [entry.name for entry in children if _is(entry.is_file)]

    def names_with_prefix(self, folder: str, prefix: str) -> list[str]:
        with self._scan(folder) as children:
            return [entry.name for entry in children if entry.name.startswith(prefix) and entry.is_file()]

    def entries(self, folder: str) -> list[Entry]:
        entries = []
        with self._scan(folder) as children:
            for entry in children:
                with contextlib.suppress(FileNotFoundError):
                    if _is(entry.is_file):
                        stat = entry.stat()
                        entries.append(Entry(entry.name, stat.st_size, stat.st_mtime))
        return entries

    def folders(self, folder: str) -> list[str]:
        with self._scan(folder) as children:
            return sorted(entry.name for entry in children if _is(entry.is_dir))

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            self._refuse_outside(path.parent)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _storage_error(f"'{path}' was not removed", error) from error

    def move(self, key: str, place: str) -> None:
        path, final = self._path(key), self._path(place)
        try:
            self._refuse_outside(path.parent)
            self._make_folder(final.parent)
            # A link is moved itself: what it leads to may lie outside of the dataset.
            path.rename(final)
        except FileNotFoundError as error:
            raise ObjectMissingError(f"'{path}' is missing. Run `{mending_command(self.uri)}`.") from error
        except OSError as error:
            raise _storage_error(f"'{path}' was not moved to '{final}'", error) from error

    def scan_source(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def check_folder(self, folder: str) -> None:
        path = self._path(folder)
        self._refuse_outside(path)
        if path.exists() and not os.access(path, os.W_OK):
            raise StorageError(f"'{path}' cannot be written by this user.")

    def _refuse_outside(self, folder: Path) -> None:
        """Refuse to change what lies behind a link that leads out of the dataset."""
        if not folder.resolve().is_relative_to(self.root.resolve()):
            raise StorageError(f"'{folder}' leads out of the dataset by a link: nothing was changed there.")

    @contextlib.contextmanager
    def _scan(self, folder: str) -> Iterator[Iterable[os.DirEntry[str]]]:
        try:
            children = os.scandir(self._path(folder) if folder else self.root)
        except FileNotFoundError:
            yield ()
            return
        except OSError as error:
            raise _storage_error(f"'{self.root / folder}' cannot be listed", error) from error
        with children:
            yield children

    def _make_folder(self, folder: Path) -> None:
        if folder in self._synced_folders:
            return
        self._refuse_outside(folder)
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for created in missing:
            _sync_folder(created.parent)
        self._synced_folders.add(folder)


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; a link that leads in a circle is of none."""
    try:
        return kind()
    except OSError:
        return False


def _write_synced(path: Path, data: bytes) -> None:
    """Write, sync and close a new file, each step checked: a full disk may show only at the last one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        failpoint("local.tmp_unsynced")
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)


def _link(tmp: Path, final: Path) -> bool:
    try:
        os.link(tmp, final)
    except FileExistsError:
        return tmp.stat().st_nlink == 2
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(problem: str, error: OSError) -> StorageError:
    remedy = REMEDIES.get(error.errno or 0, "check the file system, then run the same command again.")
    return StorageError(f"{problem}: {error.strerror or error}; {remedy}")
