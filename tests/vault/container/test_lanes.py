"""Work beside the main thread: in order, bounded, failing once and for all."""

import gc
import threading
import weakref

import pytest

from vault.container.lanes import DEPTH, InlineLane, Ring, ThreadLane, open_lane
from vault.container.outcomes import MisuseError


class Watched:
    """Something that a job holds; bytes cannot be watched themselves."""


@pytest.fixture(params=[InlineLane, ThreadLane])
def lane(request):
    lane = request.param()
    yield lane
    lane.close()


def test_work_is_done_in_order(lane):
    done = []
    results = [lane.submit(lambda number=number: done.append(number) or number) for number in range(50)]
    assert [result.result() for result in results] == list(range(50))
    assert done == list(range(50))


def test_a_result_can_be_asked_for_twice(lane):
    result = lane.submit(lambda: 7)
    assert result.result() == result.result() == 7


def test_close_finishes_what_waits(lane):
    done = []
    for number in range(DEPTH):
        lane.submit(lambda number=number: done.append(number))
    lane.close()
    assert done == list(range(DEPTH))
    lane.close()


def test_a_closed_lane_takes_no_work(lane):
    lane.close()
    with pytest.raises(MisuseError):
        lane.submit(lambda: None)


def test_a_small_length_is_worth_no_thread():
    before = threading.active_count()
    for length in (0, 1, 2**22 - 1):
        assert isinstance(open_lane(length), InlineLane)
    assert threading.active_count() == before
    lane = open_lane(2**22)
    assert isinstance(lane, ThreadLane)
    lane.close()
    assert threading.active_count() == before


def test_work_runs_beside_the_caller():
    lane = ThreadLane()
    assert lane.submit(threading.current_thread).result() is not threading.current_thread()
    lane.close()


def test_after_a_failure_nothing_more_is_done():
    lane = ThreadLane()
    done = []
    first = lane.submit(lambda: done.append(1))
    failed = lane.submit(lambda: 1 // 0)
    later = lane.submit(lambda: done.append(2))
    first.result()
    for result in (failed, later):
        with pytest.raises(ZeroDivisionError):
            result.result()
    assert done == [1]
    lane.close()


def test_only_so_many_jobs_wait():
    """The job after `DEPTH` waiting ones is taken only when one of them is done."""
    lane = ThreadLane()
    gate, submitted, all_submitted = threading.Event(), [], threading.Event()

    def submit():
        for number in range(DEPTH + 1):
            lane.submit(gate.wait)
            submitted.append(number)
        all_submitted.set()

    feeder = threading.Thread(target=submit)
    feeder.start()
    # It cannot come through before the gate opens; so waiting a moment proves nothing wrong, only misses.
    assert not all_submitted.wait(0.1)
    assert len(submitted) <= DEPTH
    gate.set()
    assert all_submitted.wait(30)
    feeder.join()
    lane.close()


def test_done_work_lets_go_of_its_data(lane):
    data = Watched()
    watch = weakref.ref(data)
    assert lane.submit(lambda data=data: id(data)).result() == id(data)
    # The next job's end proves that the worker has let go of the one before.
    lane.submit(lambda: None).result()
    del data
    gc.collect()
    assert watch() is None


def test_a_ring_gives_each_piece_in_turn():
    ring, lane = Ring(100), InlineLane()
    pieces = []
    for _ in range(2 * (DEPTH + 2)):
        view = ring.take()
        assert len(view) == 100
        pieces.append(view.obj)
        ring.lend(lane.submit(lambda: None))
    assert len({id(piece) for piece in pieces}) == DEPTH + 2
    assert [id(piece) for piece in pieces[: DEPTH + 2]] == [id(piece) for piece in pieces[DEPTH + 2 :]]


def test_a_piece_stays_the_same_until_it_is_lent():
    ring = Ring(10)
    assert not ring.holds(b"anything")
    view = ring.take()
    assert ring.take().obj is view.obj
    assert ring.holds(view)
    assert ring.holds(view[2:5])
    assert not ring.holds(bytes(view))
    assert not ring.holds(memoryview(bytearray(10)))
    ring.lend(InlineLane().submit(lambda: None))
    # Lent: it is not the one whose turn it is any more.
    assert not ring.holds(view)


def test_memory_is_not_given_again_while_it_is_read():
    """The first piece comes round again only after its job; what the job saw is what was put in."""
    ring, lane = Ring(8), ThreadLane()
    gate, seen = threading.Event(), []

    def job(view):
        gate.wait(30)
        seen.append(bytes(view))

    def feed():
        for number in range(3 * (DEPTH + 2)):
            view = ring.take()
            view[:] = number.to_bytes(8, "big")
            ring.lend(lane.submit(lambda view=view: job(view)))
        finished.set()

    finished = threading.Event()
    feeder = threading.Thread(target=feed)
    feeder.start()
    assert not finished.wait(0.1)
    gate.set()
    feeder.join(30)
    lane.close()
    assert seen == [number.to_bytes(8, "big") for number in range(3 * (DEPTH + 2))]


def test_a_failed_job_is_told_when_its_memory_comes_round():
    ring, lane = Ring(8), ThreadLane()
    for number in range(DEPTH + 2):
        ring.take()
        ring.lend(lane.submit(lambda number=number: 1 // number))
    with pytest.raises(ZeroDivisionError):
        ring.take()
    lane.close()


def test_a_busy_lane_lets_the_caller_do_what_it_is_offered():
    lane, gate, threads = ThreadLane(), threading.Event(), []
    lane.submit(lambda: gate.wait(30))
    offered = [lane.offer(lambda: threads.append(threading.current_thread())) for _ in range(6)]
    caller = threading.current_thread()
    # The thread is held up, some jobs wait for it, and the caller has done the rest already.
    assert threads
    assert set(threads) == {caller}
    gate.set()
    for job in offered:
        job.result()
    lane.close()
    assert len(threads) == 6
    assert threads[-1] is not caller


def test_an_offer_that_fails_says_so_to_whoever_asks():
    lane = ThreadLane()
    with pytest.raises(ZeroDivisionError):
        lane.offer(lambda: 1 // 0).result()
    lane.close()


@pytest.mark.parametrize("make_lane", [ThreadLane, InlineLane])
def test_nothing_is_offered_to_a_closed_lane(make_lane):
    lane = make_lane()
    lane.close()
    with pytest.raises(MisuseError):
        lane.offer(lambda: None)
