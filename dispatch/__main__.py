"""`python -m dispatch` is the command `dispatch`."""

from dispatch.cli.main import main

main()
