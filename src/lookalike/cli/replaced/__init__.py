"""The command-line programs of the systems that Lookalike replaces, under their flags."""
