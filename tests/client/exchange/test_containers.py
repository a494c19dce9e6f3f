import io
import os
import sys
import threading

import pytest

from client.errors import ClientError
from client.exchange.containers import ContainerFile
from client.refusals import RefusedContainer
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome


def test_a_file_is_examined_and_verified(sealed, person):
    done = []
    with ContainerFile.open(str(sealed)) as file:
        examined = file.examine()
        file.verify(examined, done.append)
    assert examined.seal.seal.signer_key_id == person.signing.key_id
    assert sum(done) == examined.preamble.payload_length


def test_expectations_are_passed_on(sealed):
    with ContainerFile.open(str(sealed)) as file, pytest.raises(RefusedContainer) as caught:
        file.examine(Expectations(dossier="D-2"))
    assert caught.value.outcome is Outcome.WRONG_DOSSIER


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\x89SCL\r\n\x1a\n"])
def test_what_is_no_container_is_malformed(tmp_path, content):
    (tmp_path / "x.scelle").write_bytes(content)
    with ContainerFile.open(str(tmp_path / "x.scelle")) as file, pytest.raises(RefusedContainer) as caught:
        file.examine()
    assert caught.value.outcome is Outcome.MALFORMED


def test_a_changed_block_is_noticed(sealed):
    data = bytearray(sealed.read_bytes())
    with ContainerFile.open(str(sealed)) as file:
        data[file.examine().preamble.payload_offset + 100] ^= 1
    sealed.write_bytes(data)
    with ContainerFile.open(str(sealed)) as file:
        examined = file.examine()
        with pytest.raises(RefusedContainer) as caught:
            file.verify(examined, lambda _count: None)
    assert caught.value.outcome is Outcome.PAYLOAD_DAMAGED


def test_a_file_that_is_cut_while_it_is_read_is_malformed_not_a_crash(sealed):
    with ContainerFile.open(str(sealed)) as file:
        os.truncate(sealed, 100)
        with pytest.raises(RefusedContainer) as caught:
            file.examine()
    assert caught.value.outcome is Outcome.MALFORMED


def test_a_named_pipe_is_spooled(sealed, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(sealed.read_bytes(),))
    writer.start()
    with ContainerFile.open(str(pipe)) as file:
        writer.join()
        assert file.size == sealed.stat().st_size
        file.examine()


def test_stdin_is_spooled(sealed, monkeypatch):
    with sealed.open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        with ContainerFile.open("-") as file:
            file.examine()
            with pytest.raises(ClientError, match="only a file can be changed"):
                file.require_replaceable()


def test_a_folder_is_no_container(tmp_path):
    with pytest.raises(ClientError, match="this is not a file"):
        ContainerFile.open(str(tmp_path))


def test_a_link_may_be_read_but_not_changed_in_place(sealed, tmp_path):
    link = tmp_path / "link.scelle"
    link.symlink_to(sealed)
    with ContainerFile.open(str(link)) as file:
        file.examine()
        with pytest.raises(ClientError, match="symbolic link"):
            file.require_replaceable()


def test_a_container_that_was_replaced_meanwhile_is_noticed(sealed, tmp_path):
    with ContainerFile.open(str(sealed)) as file:
        file.require_unchanged()
        other = tmp_path / "other"
        other.write_bytes(sealed.read_bytes())
        other.replace(sealed)
        with pytest.raises(ClientError, match="changed by somebody else"):
            file.require_unchanged()
