import importlib.metadata
import sys

import click
import pytest

from client.cli import plugins
from client.cli.plugins import GROUP, load_plugin, plugin_names
from client.errors import ClientError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution with these entry points and make it importable; returns its folder."""

    def install(entry_points, module=""):
        metadata = tmp_path / "sample-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(entry_points)
        (tmp_path / "sample_commands.py").write_text(module)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return tmp_path

    yield install
    sys.modules.pop("sample_commands", None)


SAMPLE = f"""\
# a comment
[console_scripts]
other = sample:main

[{GROUP}]
sample-serve = sample_commands:serve
 sample-admin=sample_commands:admin
[{GROUP}.more]
hidden = sample:hidden
"""


def test_only_names_of_the_group_are_found(installed):
    assert plugin_names([str(installed(SAMPLE))]) == ["sample-admin", "sample-serve"]


def test_the_same_names_are_found_as_by_the_standard_library(installed):
    installed(SAMPLE)
    assert plugin_names() == sorted(point.name for point in importlib.metadata.entry_points(group=GROUP))


def test_folders_that_are_not_there_and_files_without_entry_points_do_no_harm(tmp_path):
    (tmp_path / "empty-1.dist-info").mkdir()
    (tmp_path / "file-1.dist-info").touch()
    archive = tmp_path / "archive.zip"
    archive.touch()
    assert plugin_names([str(tmp_path / "nothing"), str(archive), str(tmp_path)]) == []


def test_a_command_is_imported_when_it_is_typed(installed):
    installed(SAMPLE, "import click\n@click.command()\ndef serve(): pass\n")
    assert isinstance(load_plugin("sample-serve"), click.Command)


def test_a_dependency_that_is_not_installed_is_said(installed):
    installed(SAMPLE, "import surely_not_installed.at_all\n")
    with pytest.raises(ClientError, match=r'"sample-serve" needs surely_not_installed, .*scelle\[server\]'):
        load_plugin("sample-serve")


def test_a_mistake_of_ours_is_not_taken_for_a_missing_dependency(installed):
    installed(SAMPLE, "import client.surely_not_there\n")
    with pytest.raises(ModuleNotFoundError):
        load_plugin("sample-serve")


def test_names_are_found_without_importing_the_metadata_machinery():
    assert "metadata" not in vars(plugins)
