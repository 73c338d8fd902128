"""`lookalike dedup review --open`: the pages of one plan, for whoever has the link, once."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest

from lookalike.cleaning.plan import make_plan
from lookalike.cleaning.planfile import write_plan
from lookalike.cli.reviewing import has_display


@pytest.fixture
def served(tmp_path):
    """The link that the command prints; it is stopped as by Ctrl-C at the end, and ends well."""
    plan = tmp_path / "elsewhere.json"
    write_plan(make_plan([], roots=[str(tmp_path)]), plan)
    own = {
        "LOOKALIKE_PLANS": str(tmp_path / "plans"),
        "LOOKALIKE_WORKSPACE": str(tmp_path / "space"),
        "BROWSER": "true",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "lookalike", "dedup", "review", str(plan), "--open"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, **own}, cwd=tmp_path,
    )  # fmt: skip
    try:
        yield link_of(process)
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert not (tmp_path / "space").exists(), "the workspace is left to a service"
    finally:
        process.kill()
        process.stdout.close()


def link_of(process):
    for line in process.stdout:
        if found := re.search(r"http\S+", line):
            return found[0]
    raise AssertionError("no link was printed")


def test_the_link_lets_one_browser_in(served):
    target, _, _ = served.partition("?")
    with httpx.Client(headers={"Accept": "text/html"}, timeout=60) as browser:
        for _ in range(100):
            try:
                page = browser.get(served, follow_redirects=True)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        assert page.status_code == 200
        assert str(page.url) == target
        assert "No duplicates were found" in page.text
        assert ">Collections<" not in page.text
        assert browser.get(target.partition("/review")[0] + "/").headers["location"] == "/review"
    other = httpx.get(served, headers={"Accept": "text/html"}, timeout=60)
    assert other.status_code == 401
    assert httpx.get(target, headers={"Accept": "text/html"}, timeout=60).headers["location"].startswith("/signin")


def test_without_a_terminal_there_is_no_display():
    assert not has_display({})
    assert not has_display({"DISPLAY": ":0"}), "tests have no terminal"
