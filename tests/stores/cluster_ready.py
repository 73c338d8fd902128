"""Wait until a Qdrant cluster has so many nodes: `python cluster_ready.py http://localhost:6333 3`."""

import sys
import time

import httpx


def nodes(url: str) -> int:
    try:
        return len(httpx.get(f"{url}/cluster").json()["result"]["peers"])
    except (httpx.HTTPError, KeyError):
        return 0


def main() -> None:
    url, wanted = sys.argv[1], int(sys.argv[2])
    end = time.monotonic() + 120
    while nodes(url) < wanted:
        if time.monotonic() > end:
            sys.exit(f"{url} has {nodes(url)} of {wanted} nodes after two minutes")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
