"""The web pages: server-rendered, one stylesheet, small plain ES modules; they use the public API."""
