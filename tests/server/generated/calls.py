"""Makes every call with the client that openapi-python-client made, which is the package ``made``.

    python calls.py URL KEY

It runs where the client's own requirements are; what each call gave is printed, a line each.
"""
# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import threading

from made import AuthenticatedClient
from made.api.agents import (
    add_agent,
    agent_rules,
    change_agent,
    list_agents,
    me,
    revoke_agent,
    rotate_agent,
    set_agent_rules,
)
from made.api.analytics import failures, question, stats, trends
from made.api.approvals import approvals
from made.api.code import execute, validate
from made.api.events import events as feed
from made.api.events import execution_stream
from made.api.health import alive, metrics, ready, status
from made.api.history import artifact, by_code, execution, output
from made.api.history import history as listed
from made.api.sessions import end_session, sessions
from made.api.snippets import remove_snippet, save_snippet, snippet
from made.api.snippets import snippets as saved
from made.api.tools import answer_call, hand_in, tools
from made.models import (
    AddAgentBody,
    AgentLimits,
    ChangeAgentBody,
    ExecuteBody,
    ExecuteBodyContextType0,
    HandedTool,
    HandedTools,
    QuestionQuestion,
    RuleBody,
    RuleBodyAction,
    RulesBody,
    SaveSnippetBody,
    ToolAnswer,
    ValidateBody,
)


def main(url: str, key: str) -> None:
    """Call everything."""
    client = AuthenticatedClient(base_url=url, token=key, timeout=30)

    def call(operation, *path, **more):
        answer = operation.sync_detailed(*path, client=client, **more)
        print(
            operation.__name__.rpartition(".")[2],
            answer.status_code.value,
            type(answer.parsed).__name__,
        )
        return answer.parsed

    call(alive)
    call(ready)
    call(status)
    call(metrics)
    call(me)
    context = ExecuteBodyContextType0.from_dict({"n": 21})
    ran = call(
        execute,
        body=ExecuteBody(
            code="console.log('hi'); return context.n * 2",
            context=context,
            tools=[],
            rules=[RuleBody(action=RuleBodyAction.DENY)],
        ),
    )
    assert ran.output == 42
    assert ran.logs == ["hi"]
    assert not call(execute, body=ExecuteBody(code="throw new Error('no')")).success
    assert call(validate, body=ValidateBody(code="return eval('1')")).issues
    call(listed, limit=5)
    call(execution, ran.request_id)
    assert call(output, ran.request_id).text == "42"
    call(execution_stream, ran.request_id)
    shown = execute.sync(
        client=client,
        body=ExecuteBody(code="show('a,b', {type: 'text/csv'}); let n = 1", session="kept", seed=7),
    )
    assert call(artifact, shown.request_id, shown.artifacts[0].id).payload.read() == b"a,b"
    assert [each.session for each in call(sessions).sessions] == ["kept"]
    assert call(end_session, "kept").ended
    call(by_code, ran.code_hash)
    assert call(stats, "root").total_executions >= 2
    assert call(failures, "root").failures
    call(trends)
    call(tools)
    for asked in QuestionQuestion:
        print(asked.value, end=" ")
        call(question, asked)
    call(approvals)
    call(save_snippet, body=SaveSnippetBody(name="twice", request_id=ran.request_id))
    assert [each.name for each in call(saved).snippets] == ["twice"]
    assert "context.n * 2" in call(snippet, "twice").code
    call(remove_snippet, "twice")
    call(list_agents)
    made = call(add_agent, body=AddAgentBody(agent_id="made-by-a-client"))
    rule = RuleBody(action=RuleBodyAction.DENY, tool="crm.*", when="amount > 5")
    told = call(set_agent_rules, made.agent.agent_id, body=RulesBody(rules=[rule]))
    assert told.rules == call(agent_rules, made.agent.agent_id).rules
    assert [(each.tool, each.when) for each in told.rules] == [(rule.tool, rule.when)]
    limits = ChangeAgentBody(limits=AgentLimits(max_runs=3))
    assert call(change_agent, made.agent.agent_id, body=limits).agent_id == made.agent.agent_id
    assert call(rotate_agent, made.agent.agent_id).key != made.key
    call(revoke_agent, made.agent.agent_id)
    hand(client, call)
    with client.get_httpx_client().stream(**feed._get_kwargs()) as stream:
        print("events", stream.status_code, stream.headers["content-type"].partition(";")[0])


def hand(client, call) -> None:
    """Hand a tool in, and answer its call."""
    body = HandedTools(tools=[HandedTool(name="ask")])
    with client.get_httpx_client().stream(**hand_in._get_kwargs(body=body)) as stream:
        print("hand_in", stream.status_code, stream.headers["content-type"].partition(";")[0])
        sent = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        connection = next(sent)["connectionId"]
        answers = []

        def ask() -> None:
            asking = ExecuteBody(code="return await tools.ask()")
            more = {"client": client, "x_tool_connection": connection}
            answers.append(execute.sync(body=asking, **more))

        asking = threading.Thread(target=ask)
        asking.start()
        call(answer_call, connection, next(sent)["callId"], body=ToolAnswer(value={"lines": 3}))
        asking.join()
        assert answers[0].output == {"lines": 3}, answers


main(*sys.argv[1:])
