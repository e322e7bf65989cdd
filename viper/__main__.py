"""`python -m viper` is the `viper` command; the script of that name begins here, too."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> NoReturn:
    """Load and run the command; Ctrl-C before it has loaded is one line, too."""
    try:
        from viper.cli import main as run

        run()
    except KeyboardInterrupt:
        print("viper: interrupted.", file=sys.stderr)  # noqa: T201
        sys.exit(_INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    main()
