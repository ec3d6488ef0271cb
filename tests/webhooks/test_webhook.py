"""The webhook: what it sends can be verified, is sent again, and holds nobody up."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onehop import Approve, ConfigError
from onehop.config import AuditConfig, ToolsConfig, WebhookConfig
from onehop.events import ApprovalDecided, ApprovalRequested, Event
from onehop.execution.compose import open_executor
from onehop.execution.webhooks import Webhook, open_webhook
from onehop.execution.webhooks._sending import Receiver
from onehop.execution.webhooks._signing import signed
from tests.waiting import soon
from tests.webhooks.receiver import Inbox

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "webhooks"))
from webhook_receiver import verified

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ONE: dict[str, Any] = {"agent_id": "ada", "channel_id": "", "request_id": "r", "code_hash": "h"}
SHOP = """
from onehop import tool

@tool
def pay(to: str, password: str) -> str:
    return "paid"
"""


def asked(call: str = "call_1", seconds: float = 60, tool: str = "crm.pay") -> ApprovalRequested:
    return ApprovalRequested(
        **ONE,
        run_id="run",
        call_id=call,
        tool=tool,
        effect="write",
        arguments_hash="",
        rule="ask *",
        expires_at=int((time.time() + seconds) * 1000),
    )


def decided() -> Event:
    return ApprovalDecided(
        **ONE, run_id="run", call_id="call_1", tool="crm.pay", decision="denied", by="ann"
    )


@asynccontextmanager
async def opened(
    url: str, pauses: Sequence[float] = (0.01, 0.01), private: bool = True, most: int = 1000
) -> AsyncIterator[Webhook]:
    receiver = Receiver(url, private=private)
    try:
        async with Webhook(receiver, KEY, pauses=pauses, most=most) as webhook:
            yield webhook
    finally:
        await receiver.aclose()


async def given_up(webhook: Webhook) -> None:
    await soon(lambda: webhook.dropped)


async def test_the_signature_is_that_of_the_specification() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_person_is_told_and_the_message_can_be_verified(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    tools = ToolsConfig(files=(str(tmp_path / "shop.py"),), ask=("pay",), approvals=True)
    audit = AuditConfig(store="memory:", journal=str(tmp_path / "journal"))
    code = "return await tools.pay({ to: 'ada', password: 'hunter22' })"
    with Inbox() as inbox:
        given: dict[str, Any] = {"url": inbox.url, "secret": SECRET}
        webhook = WebhookConfig(**given, private=True, arguments=True)
        async with open_executor(audit=audit, tools=tools, webhook=webhook) as executor:
            running = asyncio.create_task(executor.execute(code, agent_id="ada"))
            await soon(lambda: len(inbox.got) == 1)
            message = verified(SECRET, *inbox.got[0])
            data = message["data"]
            assert message["type"] == "code:approval:requested"
            until = datetime.fromtimestamp(data["expiresAt"] / 1000, UTC)
            assert message["text"].startswith(
                f"pay (write) waits for a person until {until:%Y-%m-%d %H:%M:%S} UTC: agent ada"
            )
            assert data["arguments"] == {"to": "ada", "password": "[masked]"}
            await executor.sandbox.decide(data["runId"], {data["callId"]: Approve()}, by="ann")
            assert (await running).output == "paid"
            await soon(lambda: len(inbox.got) == 2)
            assert verified(SECRET, *inbox.got[1])["text"].startswith("pay was approved by ann")


async def test_a_forged_or_old_message_is_not_verified() -> None:
    with Inbox() as inbox:
        async with opened(inbox.url) as webhook:
            webhook.hear(decided())
            await soon(lambda: inbox.got)
    headers, body = inbox.got[0]
    for other in (body.replace(b"denied", b"approved"), b"{}"):
        with pytest.raises(PermissionError, match="signature"):
            verified(SECRET, headers, other)
    with pytest.raises(PermissionError, match="old"):
        verified(SECRET, {**headers, "webhook-timestamp": "1614265330"}, body)


async def test_what_was_not_taken_is_sent_again_under_the_same_id() -> None:
    with Inbox(500, 429, 204) as inbox:
        async with opened(inbox.url) as webhook:
            webhook.hear(decided())
            await soon(lambda: len(inbox.got) == 3)
            assert webhook.dropped == 0
    assert len({headers["webhook-id"] for headers, _ in inbox.got}) == 1
    for headers, body in inbox.got:
        verified(SECRET, headers, body)


async def test_it_gives_up_after_the_last_attempt_and_at_once_where_nobody_wants_it() -> None:
    with Inbox(500) as away, Inbox(410) as gone, Inbox(302, headers={"location": "/x"}) as moved:
        for inbox, attempts in ((away, 3), (gone, 1), (moved, 3)):
            async with opened(inbox.url) as webhook:
                webhook.hear(decided())
                await given_up(webhook)
            assert len(inbox.got) == attempts


async def test_a_request_is_not_sent_again_once_nobody_can_decide() -> None:
    with Inbox(500) as inbox:
        async with opened(inbox.url, pauses=(5.0,)) as webhook:
            webhook.hear(asked(seconds=0.5))
            await soon(lambda: webhook.dropped)
    assert len(inbox.got) == 1


async def test_a_receiver_that_is_away_costs_bounded_memory_and_stops_nothing() -> None:
    with Inbox(500) as inbox:
        async with opened(inbox.url, pauses=(600.0,), most=10) as webhook:
            for number in range(100):
                webhook.hear(asked(f"call_{number}", seconds=3600))
            assert webhook.dropped == 100 - 32 - 10
        assert webhook.dropped == 100


async def test_a_private_address_is_refused_unless_it_is_allowed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Inbox() as inbox:
        async with opened(inbox.url, pauses=(), private=False) as webhook:
            webhook.hear(decided())
            await soon(lambda: webhook.dropped)
    assert not inbox.got
    assert "is a private address; private = true allows it" in caplog.text


async def test_what_a_tool_is_called_is_no_markup_in_a_chat() -> None:
    with Inbox() as inbox:
        async with opened(inbox.url) as webhook:
            webhook.hear(asked(tool="a.<!channel> @all [x](http://y)"))
            await soon(lambda: inbox.got)
    text: str = json.loads(inbox.got[0][1])["text"]
    assert not set("<>@[]/!") & set(text)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "https://chat.example/hook"}, "webhook.secret"),
        ({"url": "https://chat.example/hook", "secret": "whsec_c2hvcnQ="}, "webhook.secret"),
        ({"url": "https://chat.example/hook", "secret": "hunter2"}, "webhook.secret"),
        ({"url": "ftp://chat.example", "secret": SECRET}, "webhook.url"),
        ({"url": "https://me:secret@chat.example", "secret": SECRET}, "webhook.url"),
    ],
)
async def test_settings_that_cannot_work_are_refused(given: dict[str, Any], field: str) -> None:
    from onehop.stores.memory import MemoryStore

    with pytest.raises(ConfigError) as error:
        async with open_webhook(WebhookConfig(**given), MemoryStore()):
            pass
    assert error.value.field == field
