"""Prints text of users and of files as it stands, without control characters, on any stream."""
