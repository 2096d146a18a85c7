"""Notes of sweeps that are being renamed, or were when the rename was killed.

_llcray/renames/<new name>.json
"""

import json

from llcray_storage.store.layout import NAME, RENAMES
from llcray_storage.store.objects import ObjectStore


def note_of_rename(new_name: str) -> str:
    """Return the path of the note that a sweep is becoming the one of this name."""
    return f"{RENAMES}/{new_name}.json"


def unfinished_renames(store: ObjectStore) -> dict[str, str]:
    """Return the old names of the sweeps that are being renamed, by their new names."""
    found = {}
    for file in store.names(RENAMES):
        new_name = file.removesuffix(".json")
        try:
            sweep = json.loads(store.get(note_of_rename(new_name)))["sweep"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(sweep, str) and NAME.fullmatch(sweep) and NAME.fullmatch(new_name):
            found[new_name] = sweep
    return found
