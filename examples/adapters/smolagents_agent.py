"""smolagents: an agent that computes with code_execute. A fake model stands in: no key is needed.

scripts/adapters installs what this needs.
"""

from typing import Any

from anyio.from_thread import start_blocking_portal
from smolagents import ChatMessage, LogLevel, MessageRole, Model, ToolCallingAgent

from onehop import Sandbox
from onehop.adapters.smolagents import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."


class FakeModel(Model):
    """Says what the test wants it to say."""

    turns = iter([("code_execute", CALL), ("final_answer", {"answer": ANSWER})])

    def generate(self, *_messages: Any, **_options: Any) -> ChatMessage:
        name, arguments = next(self.turns)
        function = {"name": name, "arguments": arguments}
        call = {"id": name, "type": "function", "function": function}
        return ChatMessage(MessageRole.ASSISTANT, tool_calls=[call])


MODEL = FakeModel()

with start_blocking_portal() as portal, portal.wrap_async_context_manager(Sandbox()) as sandbox:
    tool = code_execute_tool(sandbox, portal, agent_id="ada")
    agent = ToolCallingAgent(tools=[tool], model=MODEL, verbosity_level=LogLevel.OFF)
    answer = agent.run("How much is paid?")
    print("the tool said:", agent.memory.steps[1].observations)
    print(answer)
