"""Frames reach the worker however the bytes are cut."""

from __future__ import annotations

import json
import time

import pytest

from onehop.workers.protocol import Result, Warm, encode_context, encode_job, encode_warm
from tests.guest.worker import LIMITS, TOKEN, Worker


def job(context: object = None, context_json: bytes = b"") -> bytes:
    return encode_job(
        token=TOKEN,
        code="return context.text?.length ?? 'none'",
        context_json=context_json or json.dumps(context or {}).encode(),
        capture=True,
        limits_json=json.dumps(LIMITS),
    )


def output(worker: Worker) -> object:
    end = worker.read()
    assert isinstance(end, Result)
    return end.output


@pytest.mark.sample(2)
@pytest.mark.parametrize("at", [1, 3, 4, 5, 40])
def test_a_frame_in_two_parts_is_one_frame(at: int, worker: Worker) -> None:
    data = job()
    worker.send(data[:at])
    time.sleep(0.05)
    worker.send(data[at:])
    assert output(worker) == "none"


def test_frames_that_arrive_together_are_taken_one_by_one(worker: Worker) -> None:
    worker.send(encode_warm() + encode_warm() + job())
    assert isinstance(worker.read(""), Warm)
    assert isinstance(worker.read(""), Warm)
    assert output(worker) == "none"


@pytest.mark.sample(2)
@pytest.mark.parametrize("length", [10, 8_192, 65_536, 300_000])
def test_a_frame_behind_another_is_whole(length: int, worker: Worker) -> None:
    worker.send(encode_warm() + job({"text": "x" * length}))
    assert isinstance(worker.read(""), Warm)
    assert output(worker) == length


def test_a_context_may_come_ahead_of_its_job(worker: Worker) -> None:
    worker.send(encode_warm() + encode_context(b'{"text":"ahead"}') + job(None, b"null"))
    assert isinstance(worker.read(""), Warm)
    assert output(worker) == len("ahead")


def test_a_context_of_the_job_itself_is_the_one_that_counts(worker: Worker) -> None:
    worker.send(encode_context(b'{"text":"ahead"}') + job({"text": "x"}))
    assert output(worker) == 1
