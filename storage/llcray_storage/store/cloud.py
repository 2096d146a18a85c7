"""Objects in S3- and GCS-compatible stores, and in memory for tests, through obstore.

Put-if-absent is one conditional PUT. When a reply is lost the client tries again and is told that the object exists,
although that object is its own. So the answer "exists" is settled by comparing bytes: a nonce makes the bytes of each
write unique.
"""

import random
import time
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import MemoryStore

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import checked_key, mending_command
from llcray_storage.store.objects import Entry

CONFLICT_ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05


class CloudStore:
    """Objects under a prefix of an object store."""

    def __init__(self, uri: str, store: Any, scan_options: dict[str, str]) -> None:
        """Take an obstore store that is already rooted at the prefix."""
        self._uri = uri.rstrip("/")
        self._store = store
        self._scan_options = scan_options

    @property
    def uri(self) -> str:
        return self._uri

    @property
    def scan_options(self) -> dict[str, str]:
        return self._scan_options

    def put_if_absent(self, key: str, data: bytes) -> bool:
        pause = FIRST_PAUSE_SECONDS
        for _ in range(CONFLICT_ATTEMPTS):
            try:
                obstore.put(self._store, checked_key(key), data, mode="create", use_multipart=False)
                failpoint("cloud.put")
                return True
            except AlreadyExistsError:
                try:
                    return self.get(key) == data
                except ObjectMissingError:
                    time.sleep(pause * (1 + random.random()))
                    pause *= 2
            except (BaseError, OSError) as error:
                raise self._storage_error(f"'{key}' was not written", error) from error
        raise StorageError(
            f"'{self.uri}/{key}' was not written: the store reports conflicts again and again. Try later."
        )

    def get(self, key: str) -> bytes:
        try:
            return obstore.get(self._store, checked_key(key)).bytes().to_bytes()
        except FileNotFoundError as error:
            raise ObjectMissingError(f"'{self.uri}/{key}' is missing. Run `{mending_command(self.uri)}`.") from error
        except (BaseError, OSError) as error:
            raise self._storage_error(f"'{key}' cannot be read", error) from error

    def exists(self, key: str) -> bool:
        try:
            obstore.head(self._store, checked_key(key))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise self._storage_error(f"'{key}' cannot be looked up", error) from error
        return True

    def names(self, folder: str) -> list[str]:
        return [entry.name for entry in self.entries(folder)]

    def names_with_prefix(self, folder: str, prefix: str) -> list[str]:
        # A listing is sorted, and begins after any text: the first page has all names that begin with the prefix.
        begin, names = checked_key(f"{folder}/{prefix}"), []
        try:
            for page in obstore.list(self._store, folder, offset=begin):
                for item in page:
                    if not item["path"].startswith(begin):
                        return names
                    names.append(item["path"].removeprefix(f"{folder}/"))
        except FileNotFoundError:
            return names
        except (BaseError, OSError) as error:
            raise self._storage_error(f"'{folder}' cannot be listed", error) from error
        return names

    def entries(self, folder: str) -> list[Entry]:
        return [
            Entry(item["path"].rpartition("/")[2], item["size"], item["last_modified"].timestamp())
            for item in self._list(folder)["objects"]
        ]

    def folders(self, folder: str) -> list[str]:
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in self._list(folder)["common_prefixes"])

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, checked_key(key))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._storage_error(f"'{key}' was not removed", error) from error

    def move(self, key: str, place: str) -> None:
        self.put_if_absent(place, self.get(key))
        self.delete(key)

    def check_folder(self, folder: str) -> None:
        del folder  # An object store has neither links nor folders of their own.

    def scan_source(self, key: str) -> str | bytes:
        # polars cannot look into this process's memory.
        return self.get(key) if isinstance(self._store, MemoryStore) else f"{self.uri}/{checked_key(key)}"

    def _list(self, folder: str) -> Any:
        try:
            return obstore.list_with_delimiter(self._store, f"{folder}/" if folder else None)
        except FileNotFoundError:
            return {"objects": [], "common_prefixes": []}
        except (BaseError, OSError) as error:
            raise self._storage_error(f"'{folder}' cannot be listed", error) from error

    def _storage_error(self, problem: str, error: Exception) -> StorageError:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        remedy = "check the bucket, the endpoint and the credentials in the environment."
        return StorageError(f"storage '{self.uri}': {problem}: {first_line[:300]}; {remedy}")
