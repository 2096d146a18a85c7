"""Works out what a sweep still has to do, in which trials, and what that is expected to cost."""
