"""`python -m bvc`."""

from bvc.cli import main

if __name__ == "__main__":
    main()
