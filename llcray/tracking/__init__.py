"""Tracking of LLCs along anybody's training loop: `LLCTracker`, and an adapter with the RL toolkit's names."""

from llcray.tracking.tracker import LLCTracker as LLCTracker
