"""The command line: one file for each command, imported when it is called."""

from bvc.cli.app import main as main
