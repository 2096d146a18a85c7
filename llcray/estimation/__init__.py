"""One estimate end to end: from a target and a request to a row of the dataset."""
