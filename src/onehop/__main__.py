"""``python -m onehop`` is the command ``onehop``."""

from onehop.cli import main

if __name__ == "__main__":
    main()
