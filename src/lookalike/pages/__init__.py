"""The web pages: server-rendered, one stylesheet, small ES modules; every state is a URL."""
