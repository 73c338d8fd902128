"""Many callers at once: all are answered, or told at once to come back."""

import asyncio
import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import httpx
import pytest
from PIL import Image

from lookalike.api.backlog import Backlog
from lookalike.counting import model_batches

KEY = {"Authorization": "Bearer la_test_key"}


@pytest.fixture
def text(draw):
    """Return text(seed) -> a small picture in base64."""

    def encode(seed):
        buffer = io.BytesIO()
        Image.fromarray(draw(seed, 64, 64)).save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode()

    return encode


def test_fifty_parallel_comparisons_are_answered(client, text):
    bodies = [{"a": text(i % 5), "b": text(i % 5 + 5)} for i in range(50)]
    alone = [client.post("/v1/compare", json=body).json() for body in bodies[:5]]
    before = sum(size * count for size, count in model_batches.now().items())
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda body: client.post("/v1/compare", json=body), bodies))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert [answer.json() for answer in answers] == [alone[i % 5] for i in range(50)]
    assert sum(size * count for size, count in model_batches.now().items()) - before == 100


def test_beyond_the_limit_requests_are_refused_at_once_and_looking_goes_on():
    async def scenario():
        held, entered = asyncio.Event(), asyncio.Semaphore(0)

        async def app(scope, receive, send):
            entered.release()
            if scope["method"] == "POST":
                await held.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        transport = httpx.ASGITransport(Backlog(app, most=2))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            open_ = [asyncio.create_task(client.post("/v1/compare")) for _ in range(2)]
            for _ in open_:
                await entered.acquire()
            refused = await client.post("/v1/compare")
            looked = await client.get("/metrics")
            held.set()
            answered = [(await task).status_code for task in open_]
            return refused, looked.status_code, answered, (await client.post("/v1/compare")).status_code

    refused, looked, answered, afterwards = asyncio.run(scenario())
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]["limit"]) == (503, "overloaded", 2)
    assert int(refused.headers["retry-after"]) >= 1
    assert (looked, answered, afterwards) == (200, [200, 200], 200)


def test_who_watches_and_who_is_refused_are_answered_while_every_thread_is_at_work(app, key):
    """Nor does a key that has to be looked up wait for them, or a refusal would not come at once."""
    fresh = {"Authorization": f"Bearer {key()}"}

    async def scenario():
        done, limiter = threading.Event(), anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        at_work = asyncio.create_task(anyio.to_thread.run_sync(done.wait))
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                asked = [client.get(path, headers=KEY) for path in ("/healthz", "/readyz", "/metrics")]
                asked.append(client.post("/v1/keys", headers=fresh))
                async with asyncio.timeout(60):
                    return [answer.status_code for answer in await asyncio.gather(*asked)]
        finally:
            done.set()
            await at_work

    assert asyncio.run(scenario()) == [200, 200, 200, 403]
