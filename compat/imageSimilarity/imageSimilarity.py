"""imageSimilarity.py under its old name; everything is in `lookalike`. See README.md."""

import sys

from lookalike.cli.replaced.image_similarity import main

if __name__ == "__main__":
    sys.exit(main())
