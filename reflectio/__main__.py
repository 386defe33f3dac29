"""``python -m reflectio`` does what the command ``reflectio`` does."""

from reflectio.cli import main

if __name__ == "__main__":
    main()
