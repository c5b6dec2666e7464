"""Fixtures of all end-to-end tests. WEIR_BIN names the program (build/release/weir)."""

import shutil
from pathlib import Path

import pytest

from program import Program
from weir_process import scratch_dir


@pytest.fixture
def folder():
    """A directory with a short path: that of a Unix socket has 107 bytes at most."""
    path = Path(scratch_dir())
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def launch(folder):
    """launch("run", "weir.yaml") starts a command in a folder of its own; it ends with the test."""
    running = []

    def begin(*arguments, config=None, **options):
        place = folder / str(len(running))
        place.mkdir()
        if config is not None:
            (place / "weir.yaml").write_text(config)
        running.append(Program(place, *arguments, **options))
        return running[-1]

    yield begin
    for program in running:
        program.close()


@pytest.fixture
def start(launch):
    """start(text) runs a configuration and waits until it is ready; options follow the file."""

    def begin(text, *options):
        return launch("run", "weir.yaml", *options, config=text).wait_ready()

    return begin
