"""The training room: the only one that may import torch (extra `train`)."""
