"""The OpenAPI document, held against the service: no answer that it does not name, and none that is a 500."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.errors import LookalikeError
from lookalike.settings import Settings

KEY = "la_test_key"
HEADERS = {"Authorization": f"Bearer {KEY}", "Host": "localhost"}
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
VERBS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    os.environ.setdefault("LOOKALIKE_CACHE", str(folder / "cache"))
    with lookalike.open(folder / "space", settings=Settings(fetch_seconds=0, max_pixels=10**6)) as space:
        yield space


@pytest.fixture(scope="module")
def api(space):
    app = create_app(space, Access(KEY))
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS)


@pytest.fixture
def document(app):
    return app.openapi()


def filled(space):
    """Make what the routes speak of, where a request took it away."""
    if "c" not in [info.name for info in space.list()]:
        space.create("c", kind="custom", entities={"shape": 3})
    space.get("c").add({"_id": str(i), "_vector": [1, i, 2], "even": i % 2 == 0} for i in range(5))


def trouble_with(operation, space, examples):
    """Send requests that the document allows, and some that it does not; return what is wrong with an answer, or ""."""
    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies), there=st.integers(0, 3))
    def ask(case, there):
        known = {"name": "c", "id": "1"}
        if there and case.path_parameters:  # mostly about something that is there
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        answer = case.call(headers=HEADERS)
        assert answer.status_code != 500, f"{case.as_curl_command()}: {answer.text}"
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], answer.headers

    filled(space)
    try:
        ask()
    except (AssertionError, schemathesis.errors.SchemathesisError, BaseExceptionGroup, LookalikeError) as error:
        return f"{operation.label}: {error!r} {getattr(error, 'exceptions', '')}"
    return ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("examples", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_every_answer_is_one_that_the_document_names(api, space, examples):
    operations = [found.ok() for found in api.get_all_operations()]
    own = [one for one in operations if one.path.startswith("/v1/") or one.path in ("/healthz", "/readyz", "/metrics")]
    assert len(own) > 50
    assert [trouble for one in own if (trouble := trouble_with(one, space, examples))] == []


def test_every_route_has_words_problems_and_a_key(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not path.startswith("/v1/"):
                continue
            where = f"{method} {path}"
            assert method in VERBS, where
            assert operation["summary"], where
            assert operation["description"], where
            assert operation["security"], where
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), where
            assert "404" in operation["responses"] or "{" not in path, where
            for status, answer in operation["responses"].items():
                problems = answer.get("content", {}).get("application/problem+json")
                assert (problems is not None) == (int(status) >= 400), f"{where} {status}"


def test_every_body_has_an_example(document):
    schemas = document["components"]["schemas"]

    def shown(schema):
        schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if "example" in schema or "examples" in schema:
            return True
        return any("example" in part or "examples" in part for part in schema.get("properties", {}).values())

    lacking = [
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/") and method in VERBS
        for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and "/import" not in path and not shown(body["schema"]) and "example" not in body
    ]
    assert lacking == []
    assert document["openapi"].startswith("3.1")
