"""The one-page report: one HTML file that opens from disk, without network, years later."""
