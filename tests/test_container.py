"""Dockerfile and docker-compose.yml agree with each other and with the settings, and what they open is safe."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from lookalike.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {f"LOOKALIKE_{known.name.upper()}" for known in fields(Settings)}
ELSEWHERE = {"LOOKALIKE_CACHE"}  # read where it is used: it is no setting of one workspace


@pytest.fixture(scope="module")
def steps():
    """The Dockerfile's instructions, as (name, rest), continued lines joined."""
    text = re.sub(r"^\\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def environment(steps):
    """What the image sets, in its last stage."""
    last = max(at for at, (name, _) in enumerate(steps) if name == "FROM")
    return dict(pair.split("=", 1) for name, rest in steps[last:] if name == "ENV" for pair in rest.split())


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["lookalike"]


def usual(value):
    """What a value of the compose file is where the user sets nothing."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value))


def test_what_is_copied_is_there_and_not_left_out(steps):
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {one for name, rest in steps if name == "COPY" and "--from" not in rest for one in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / one).exists() for one in copied)


def test_the_extras_that_are_installed_are_extras(steps):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [given] = [rest.split("=")[1] for name, rest in steps if name == "ARG"]
    assert set(given.split(",")) <= set(extras)


def test_every_setting_is_one(environment, service):
    given = {*environment, *service["environment"]}
    assert {name for name in given if name.startswith("LOOKALIKE_")} <= SETTINGS | ELSEWHERE
    set_ = {name: value for name, value in environment.items() if name not in ELSEWHERE}
    set_ |= {name: usual(value) for name, value in service["environment"].items()}
    read = Settings.load(set_)
    assert (read.host, read.port, read.key, read.signup) == ("0.0.0.0", 8080, "", False)


def test_it_runs_as_nobody_in_particular_and_may_write_nowhere_else(steps, service):
    assert [rest for name, rest in steps if name == "USER"] == ["10001:10001"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_ports_agree(steps, environment, service):
    [exposed] = [rest.split() for name, rest in steps if name == "EXPOSE"]
    [command] = [json.loads(rest) for name, rest in steps if name == "CMD"]
    assert exposed == [environment["LOOKALIKE_PORT"], command[command.index("--also-port") + 1]]
    assert [port.split(":")[-1] for port in service["ports"]] == exposed == ["8080", "9082"]
    [check] = [rest for name, rest in steps if name == "HEALTHCHECK"]
    assert f":{environment['LOOKALIKE_PORT']}/healthz" in check


def test_whoever_needs_no_key_is_on_this_machine(service):
    """Callers of the replaced systems' ports know no key, and from inside the container nobody looks near."""
    assert usual(service["environment"]["LOOKALIKE_KEYLESS"]) == "true"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
