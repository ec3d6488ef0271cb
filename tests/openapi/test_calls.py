"""Operations of a real API, called from code: values, failures, redirects, credentials, times."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from onehop import OpenApi, Rule, Sandbox, SandboxConfig, ToolError, Tools
from tests.openapi.running import api_server

SECRETS = {
    "header": "key-in-a-header",
    "query": "key/in the query",
    "cookie": "key-in-a-cookie",
    "bearer": "token-of-a-bearer",
    "basic": "ada:pass-word-of-ada",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with api_server() as url:
        yield url


@pytest.fixture(scope="module")
async def sandbox(address: str) -> AsyncIterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        for name, secret in SECRETS.items():
            patch.setenv(f"TEST_{name.upper()}", secret)
        shop = OpenApi(
            f"{address}/openapi.json",
            private=True,
            required=True,
            auth={name: f"env:TEST_{name.upper()}" for name in SECRETS},
            effects={"post_slow": "write", "form": "destructive"},
        )
        async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(shop=shop)) as opened:
            yield opened


async def run(sandbox: Sandbox, code: str) -> Any:
    result = await sandbox.execute(code)
    assert result.success, result.error
    return result.output


async def caught(sandbox: Sandbox, path: str, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as raised:
        await sandbox.call_tool(path, arguments)
    return raised.value


# --- values ---


async def test_code_calls_an_operation_and_gets_its_body(sandbox: Sandbox) -> None:
    code = "return await tools.shop.get_item({item_id: 'a b ü?', q: 'x&y=z'})"
    assert await run(sandbox, code) == {"id": "a b ü?", "q": "x&y=z"}


async def test_the_status_and_the_headers_stand_beside_the_body_unlisted(sandbox: Sandbox) -> None:
    code = """
    const list = await tools.shop.list();
    const { status, headers } = list.$http;
    return [list, Object.keys(list), status, headers['x-total'], headers['set-cookie'],
      Object.isFrozen(list.$http), Object.isFrozen(headers)];
    """
    expected = [[1, 2], ["0", "1"], 200, "2", None, True, True]
    assert await run(sandbox, code) == expected


async def test_declarations_say_that_an_answer_has_status_and_headers(sandbox: Sandbox) -> None:
    assert "Promise<$Http<" in sandbox.toolbox.discovery.describe("shop.list")["declarations"]


async def test_path_query_and_fields_of_the_body_are_one_object(sandbox: Sandbox) -> None:
    """``name`` is a parameter of the query and a field of the body: the query has it first."""
    code = """
    return await tools.shop.put_item(
      {item_id: 7, name: 'in the query', body_name: 'chair', price: 9.5})
    """
    item = {"name": "chair", "price": 9.5, "note": None}
    assert await run(sandbox, code) == {"id": 7, "query": "in the query", "item": item}


async def test_a_body_that_is_a_list_is_one_argument(sandbox: Sandbox) -> None:
    code = "return await tools.shop.batch({body: [{name: 'a', price: 1}, {name: 'b', price: 2}]})"
    assert await run(sandbox, code) == 2


async def test_an_answer_without_a_body_is_null(sandbox: Sandbox) -> None:
    assert await run(sandbox, "return await tools.shop.delete_item({item_id: 1})") is None


async def test_head_gives_headers(sandbox: Sandbox) -> None:
    assert await run(sandbox, "return (await tools.shop.head()).$http.headers.etag") == '"7"'


async def test_text_is_text(sandbox: Sandbox) -> None:
    assert await run(sandbox, "return await tools.shop.text()") == "grüezi"


async def test_the_bytes_of_a_file_stay_on_the_host_until_they_are_asked_for(
    sandbox: Sandbox,
) -> None:
    code = """
    const picture = await tools.shop.picture();
    return [picture, [...await picture.bytes()], picture.$http.status];
    """
    handle = {"name": "a b.png", "type": "image/png", "size": 4}
    assert await run(sandbox, code) == [handle, [0x89, 0x50, 0x4E, 0x47], 200]


async def test_forms_are_sent(sandbox: Sandbox) -> None:
    code = "return await tools.shop.form({a: 'x & y', b: [1, 2]})"
    assert await run(sandbox, code) == {"a": "x & y", "b": [1, 2]}


async def test_files_are_sent(sandbox: Sandbox) -> None:
    code = """
    const data = new Uint8Array([0, 255, 10, 13]);
    return [
      await tools.shop.upload({photo: {data, name: 'a"b.bin', type: 'image/x-test'}, title: 'T'}),
      await tools.shop.upload({photo: data, title: 'ü'}),
    ];
    """
    named, bare = await run(sandbox, code)
    assert named["bytes"] == bare["bytes"] == [0, 255, 10, 13]
    assert (named["type"], named["title"], bare["title"]) == ("image/x-test", "T", "ü")
    assert (named["name"], bare["name"]) == ("a%22b.bin", "photo")


async def test_no_cookie_of_one_call_comes_with_another(sandbox: Sandbox) -> None:
    code = "await tools.shop.list(); return await tools.shop.cookies()"
    assert await run(sandbox, code) is None


async def test_a_value_that_only_looks_like_an_answer_of_http_stays_what_it_is() -> None:
    def fake() -> dict[str, Any]:
        return {"$http": {"status": 200, "headers": {}}, "$body": {"a": 1}}

    async with Sandbox(SandboxConfig(pool_size=1), tools=[fake]) as sandbox:
        code = "const v = await tools.fake(); return [v, v.$body.$http === undefined]"
        assert await run(sandbox, code) == [fake(), True]
        assert await sandbox.call_tool("fake") == fake()


# --- failures ---


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "failed", False),
        (401, "auth_required", False),
        (403, "failed", False),
        (404, "failed", False),
        (429, "unavailable", True),
        (500, "failed", False),
        (503, "unavailable", True),
    ],
)
async def test_a_status_that_is_a_failure_is_an_error_with_the_apis_words(
    sandbox: Sandbox, status: int, code: str, retryable: bool
) -> None:
    error = await caught(sandbox, "shop.status", status=status)
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert f"it is {status}" in error.message
    assert error.effect == "none"


async def test_a_failed_write_may_have_happened_and_a_refused_one_has_not(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "shop.post_status", status=503)).effect == "unknown"
    refused = await caught(sandbox, "shop.post_status", status=429)
    assert (refused.effect, refused.retryable) == ("none", True)


@pytest.mark.parametrize(("header", "wait"), [("7", 7000.0), ("later", None)])
async def test_when_to_come_again_is_told(sandbox: Sandbox, header: str, wait: Any) -> None:
    assert (await caught(sandbox, "shop.status", status=429, wait=header)).retry_after == wait


async def test_a_date_says_when_to_come_again(sandbox: Sandbox) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    wait = (await caught(sandbox, "shop.status", status=503, wait=date)).retry_after
    assert wait is not None
    assert 50_000 < wait <= 100_000


async def test_a_large_answer_is_not_read_to_its_end(sandbox: Sandbox) -> None:
    """It has none."""
    assert (await caught(sandbox, "shop.large")).code == "too_large"


async def test_many_values_are_refused_before_they_are_built(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "shop.values")).code == "too_large"


async def test_garbage_is_an_invalid_result(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "shop.garbage")).code == "invalid_result"


async def test_an_answer_that_is_nested_too_deep_is_called_that(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "shop.deep")
    assert error.code == "invalid_result"
    assert error.message == "the answer is nested too deep: it may have 200 levels"


async def test_a_compressed_answer_is_refused(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "shop.packed")
    assert error.code == "failed"
    assert "compressed" in error.message


async def test_wrong_arguments_do_not_reach_the_api(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "shop.put_item", item_id="many", body_name="x", price=1)
    assert (error.code, error.field) == ("invalid_arguments", "item_id")


@pytest.mark.parametrize("value", ["..", ".", "", "../status/401", "a/../b", "..\\b"])
async def test_no_argument_leads_to_another_path(sandbox: Sandbox, value: str) -> None:
    error = await caught(sandbox, "shop.get_item", item_id=value)
    assert (error.code, error.field) == ("invalid_arguments", "item_id")


# --- redirects ---


async def test_a_redirect_to_the_same_host_is_followed(sandbox: Sandbox) -> None:
    assert await sandbox.call_tool("shop.redirect", {"to": "/list"}) == [1, 2]


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost/list",
        "http://127.0.0.1:1/list",
        "//169.254.169.254/latest/meta-data",
        "http://user@127.0.0.1.example/",
        "file:///etc/passwd",
        "http://[::1/",
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(sandbox: Sandbox, target: str) -> None:
    error = await caught(sandbox, "shop.redirect", to=target)
    assert (error.code, error.status) == ("failed", 302)
    assert "redirects" in error.message


async def test_redirects_have_an_end(sandbox: Sandbox) -> None:
    assert "without end" in (await caught(sandbox, "shop.loop")).message


async def test_a_write_that_is_redirected_is_not_sent_as_something_else(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "shop.post_redirect", to="/list", status=302)
    assert "POST" in error.message
    assert await sandbox.call_tool("shop.post_redirect", {"to": "/list", "status": 303}) == [1, 2]


# --- credentials ---


@pytest.mark.parametrize("name", list(SECRETS))
async def test_credentials_are_sent_and_never_come_back(sandbox: Sandbox, name: str) -> None:
    code = f"""
    const answer = await tools.shop.guarded_{name}();
    return JSON.stringify([answer, answer.$http]);
    """
    came = await run(sandbox, code)
    assert "***" in came
    for secret in SECRETS.values():
        assert secret not in came
        assert secret.rpartition(":")[2] not in came
    assert "cGFzcy13b3Jk" not in came  # base64 of it


async def test_credentials_are_not_parameters(sandbox: Sandbox) -> None:
    for name in SECRETS:
        assert not sandbox.toolbox.catalogue.bound[f"shop.guarded_{name}"].parameters


async def test_credentials_go_to_no_operation_that_does_not_want_them(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "shop.fail")
    assert error.status == 409
    assert "authorization" not in error.message
    assert "x-key" not in error.message


async def test_without_credentials_the_error_says_what_to_set(address: str) -> None:
    shop = OpenApi(f"{address}/openapi.json", private=True, required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(shop=shop)) as sandbox:
        error = await caught(sandbox, "shop.guarded_bearer")
    assert (error.code, error.status) == ("auth_required", 401)
    assert "set auth for bearer" in error.message


async def test_a_reference_that_leads_nowhere_is_auth_required(address: str) -> None:
    shop = OpenApi(
        f"{address}/openapi.json", private=True, required=True, headers={"x": "env:TEST_NO_SUCH"}
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(shop=shop)) as sandbox:
        error = await caught(sandbox, "shop.list")
    assert error.code == "auth_required"
    assert "TEST_NO_SUCH" in error.message


# --- rules, times ---


async def test_effects_follow_the_methods_unless_they_are_set(sandbox: Sandbox) -> None:
    bound = sandbox.toolbox.catalogue.bound
    effects = {path.removeprefix("shop."): one.effect for path, one in bound.items()}
    assert (effects["list"], effects["put_item"]) == ("read", "write")
    assert (effects["delete_item"], effects["form"]) == ("destructive", "destructive")


async def test_rules_hold_for_operations(sandbox: Sandbox) -> None:
    with pytest.raises(ToolError, match="denies"):
        await sandbox.call_tool("shop.list", rules=[Rule("deny", "shop.*")])


async def test_a_call_has_a_time_and_calls_have_places(address: str) -> None:
    shop = OpenApi(
        f"{address}/openapi.json", private=True, required=True, timeout=2000, concurrency=2
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(shop=shop)) as sandbox:
        error = await caught(sandbox, "shop.post_slow", ms=20_000)
        assert (error.code, error.effect) == ("timeout", "unknown")
        code = "await Promise.all(Array.from({length: 6}, () => tools.shop.slow({ms: 200})))"
        result = await sandbox.execute(code)
    assert result.success, result.error
    assert result.execution_time >= 590
