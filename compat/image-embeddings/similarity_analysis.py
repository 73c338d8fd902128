"""similarity_analysis.py under its old name; everything is in `lookalike`. See README.md."""

import sys

from lookalike.cli.replaced.similarity_analysis import main

if __name__ == "__main__":
    sys.exit(main())
