"""`python -m acquisition.cli` is `patchrig`, where the environment's programs are not on the path."""

from acquisition.cli import main

if __name__ == "__main__":
    main()
