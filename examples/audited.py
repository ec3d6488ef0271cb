"""Guarded and remembered: each run is validated, announced and recorded, and then asked about."""

import asyncio
import tempfile

from onehop import Analytics, AuditConfig, open_executor
from onehop.audit import verify

CALLS = {
    "good": {"code": "return context.prices.reduce((sum, price) => sum + price, 0)"},
    "repaired": {"code": "```js\ncontext.prices.map((price) => price * 2)\n```"},
    "forbidden": {"code": "return process.env.HOME"},
    "failing": {"code": "return context.customer.name"},
}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        audit = AuditConfig(store=f"sqlite:///{folder}/onehop.db", journal=f"{folder}/journal")
        async with open_executor(audit=audit) as executor:
            events: list[str] = []
            executor.bus.subscribe(lambda event: events.append(event.event_type))
            for name, call in CALLS.items():
                result = await executor.execute(
                    call["code"], context={"prices": [3, 4]}, agent_id="ada", request_id=name
                )
                print(f"{name} → {result.output if result.success else result.error}")
            await executor.flush()
            print(f"{len(events)} events: {', '.join(sorted(set(events)))}")
            stats = await Analytics(executor.store).get_agent_stats("ada")
            print(f"{stats.successful_executions} of {stats.total_executions} succeeded")
            report = await verify(executor.store)
            print(f"{report.checked} records, {len(report.problems)} problems in the chain")


asyncio.run(main())
