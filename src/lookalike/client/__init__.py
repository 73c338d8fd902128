"""The client library: what a workspace does, asked of a service over HTTP.

`calls` says how each verb is asked, `answers` how the answer is read; `records` makes records ready to travel;
`patience` decides what is tried again and when; `sync` and `asynchronous` send, and differ by their awaits alone.
"""

from __future__ import annotations

from lookalike.client.asynchronous import AsyncClient, AsyncCollection
from lookalike.client.patience import Patience
from lookalike.client.sync import Client, RemoteCollection

__all__ = ["AsyncClient", "AsyncCollection", "Client", "Patience", "RemoteCollection"]
