"""LLCs along anybody's training loop: `LLCTracker`, and the names of the RL toolkit as thin aliases of it."""

from llcray.tracking.tracker import LLCTracker as LLCTracker
