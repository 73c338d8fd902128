"""Request and response bodies of the HTTP service, shared by server and client."""
