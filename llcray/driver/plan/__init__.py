"""What a sweep still has to do, and what that is expected to cost."""
