"""The command line, as `python -m llcray.cli`."""

from llcray.cli import main

main()
