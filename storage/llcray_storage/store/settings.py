"""Opens the object store that a user names: by path, by URI (s3://, gs://, memory://) or by profile file.

A profile is a YAML file with `uri:` and, for object stores, `options:` by object_store's names (`aws_endpoint_url`,
`aws_region`, `google_service_account`, ...). Options that a profile leaves out come from the usual environment
variables (`AWS_ACCESS_KEY_ID`, ...).
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from obstore.exceptions import BaseError
from obstore.store import GCSStore, MemoryStore, S3Store

from llcray_storage.errors import StorageError
from llcray_storage.store.cloud import CloudStore
from llcray_storage.store.local import LocalStore
from llcray_storage.store.objects import ObjectStore

CLIENT_OPTIONS: Mapping[str, str] = {"timeout": "60s", "connect_timeout": "10s"}
SCHEMES = ("s3://", "gs://", "memory://")

Root = str | os.PathLike[str]
"""A dataset as the user names it: path, URI or profile file."""


def open_store(root: Root) -> ObjectStore:
    """Open the object store that a path, URI or profile file stands for; the store itself is not touched yet.

    Raises:
        StorageError: The scheme is unknown, or the profile file is not a profile.
    """
    text = os.fspath(root)
    if text.endswith((".yaml", ".yml")):
        uri, options = _read_profile(Path(text))
        return _store_at(uri, options)
    return _store_at(text, {})


def _store_at(uri: str, options: dict[str, str]) -> ObjectStore:
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return LocalStore(Path(os.path.expanduser(uri)).absolute())  # noqa: PTH111  (the method raises for unknown users)
    if scheme == "file":
        return LocalStore(Path(rest).absolute())
    if f"{scheme}://" not in SCHEMES or not rest:
        raise StorageError(
            f"storage '{uri}' is no known kind of place: give a local path, {', '.join(SCHEMES)} or a profile file."
        )
    if scheme == "memory":
        return CloudStore(uri, _memory(uri), {})
    bucket, _, prefix = rest.rstrip("/").partition("/")
    kind: Any = S3Store if scheme == "s3" else GCSStore
    try:
        store = kind(bucket, prefix=prefix or None, client_options=_client_options(options), config=options)
    except (BaseError, OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"storage '{uri}' cannot be opened: {str(error).splitlines()[0]}. Check its options."
        ) from error
    return CloudStore(uri, store, options)


def _client_options(options: Mapping[str, str]) -> dict[str, Any]:
    plain_http = options.get("aws_allow_http") or os.environ.get("AWS_ALLOW_HTTP", "")
    return {**CLIENT_OPTIONS, "allow_http": plain_http.lower() in ("true", "1")}


@cache
def _memory(uri: str) -> MemoryStore:
    """One store for each name, shared by the whole process."""
    return MemoryStore()


def _read_profile(path: Path) -> tuple[str, dict[str, str]]:
    try:
        loaded = yaml.safe_load(path.read_text())
    except OSError as error:
        raise StorageError(f"profile '{path}' cannot be read: {error.strerror}. Check the path.") from error
    except yaml.YAMLError as error:
        raise StorageError(f"profile '{path}' is not YAML: {' '.join(str(error).split())}. Correct it.") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("uri"), str):
        raise StorageError(f"profile '{path}' has no `uri:`; give the place of the dataset.")
    unknown = set(loaded) - {"uri", "options"}
    if unknown:
        raise StorageError(f"profile '{path}' has unknown keys {sorted(unknown)}: it takes `uri` and `options`.")
    options = loaded.get("options") or {}
    if not isinstance(options, dict):
        raise StorageError(f"profile '{path}': `options` is {options!r}; give names and values.")
    return os.path.expandvars(loaded["uri"]), {str(key): _option_text(value) for key, value in options.items()}


def _option_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else os.path.expandvars(str(value))
