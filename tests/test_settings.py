"""Settings: environment over file over default."""

import pytest

from lookalike.errors import InvalidArgument
from lookalike.settings import Settings


def test_defaults_are_safe(tmp_path):
    settings = Settings.load({"LOOKALIKE_CONFIG": str(tmp_path / "none.toml")})
    assert settings.host == "localhost"
    assert settings.limits.pixels < 100_000_000
    assert settings.workers >= 1


def test_the_environment_wins_over_the_file(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('workspace = "/from/file"\nport = 9000\nmax_pixels = 5', "utf-8")
    settings = Settings.load({"LOOKALIKE_CONFIG": str(config), "LOOKALIKE_PORT": "9001"})
    assert (str(settings.workspace), settings.port, settings.limits.pixels) == ("/from/file", 9001, 5)


@pytest.mark.parametrize(
    ("text", "word"), [("color = 1", "color"), ("port = 'x'", "port"), ("threads = -1", "threads"), ("port =", "TOML")]
)
def test_a_bad_file_is_a_clear_error(tmp_path, text, word):
    config = tmp_path / "config.toml"
    config.write_text(text, "utf-8")
    with pytest.raises(InvalidArgument, match=word):
        Settings.load({"LOOKALIKE_CONFIG": str(config)})
