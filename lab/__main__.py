"""``python -m lab`` is the command ``faultline``."""

from lab.cli import main

if __name__ == "__main__":
    main()
