"""What was learned of a user's own labels, and put to use: classifiers and taggers on vectors of meaning.

tagger.py one tagger: rows to probabilities to labels · folder.py as a folder, checked · flow.py several of them on each
new record
"""

from __future__ import annotations

from lookalike.taggers.flow import Flow, flow_of
from lookalike.taggers.folder import read_tagger, tagger_folder, write_tagger
from lookalike.taggers.tagger import Said, Tagger, Task

__all__ = ["Flow", "Said", "Tagger", "Task", "flow_of", "read_tagger", "tagger_folder", "write_tagger"]
