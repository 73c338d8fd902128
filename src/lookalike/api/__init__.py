"""The HTTP service: the core's verbs over the wire, and nothing of its own."""
