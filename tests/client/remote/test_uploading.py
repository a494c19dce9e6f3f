import pytest
from aiohttp import web

from client.exchange.containers import ContainerFile
from client.remote.problems import StateConflict
from client.remote.service import connect
from client.remote.uploading import upload_bytes, upload_file


async def drain(upload):
    return b"".join([piece async for piece in upload.open()])


async def test_a_file_is_sent_from_the_start_as_often_as_asked(tmp_path, container):
    path = tmp_path / "a.scelle"
    path.write_bytes(container)
    done = []
    with ContainerFile.open(str(path)) as file:
        upload = upload_file(file, done.append)
        assert upload.length == len(container)
        assert await drain(upload) == container
        assert sum(done) == len(container)
        assert await drain(upload) == container
        assert sum(done) == len(container)
    assert max(done) <= 2**20


async def test_bytes_are_sent_as_they_are():
    upload = upload_bytes(b"abc")
    assert (upload.length, await drain(upload)) == (3, b"abc")


async def test_a_deposit_that_broke_is_sent_again_whole(simulator, retries, tmp_path, container):
    async def hang_up(request):
        request.transport.close()
        return web.Response()

    path = tmp_path / "a.scelle"
    path.write_bytes(container)
    simulator.will_answer(hang_up)
    simulator.will_refuse("already_deposited")
    async with connect(simulator.url, token="t", retries=retries) as service:
        with ContainerFile.open(str(path)) as file, pytest.raises(StateConflict) as refused:
            await service.deposit("D-1", upload_file(file))
    assert refused.value.repeated
    assert simulator.bodies == [container, container]
