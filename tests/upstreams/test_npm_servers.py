"""The reference servers of npm, as they are: scripts/mcp-servers installs them."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from onehop import McpUpstream, Sandbox, SandboxConfig, Tools

pytestmark = pytest.mark.thorough  # test_upstreams.py has a server by the SDK

FOLDER = Path(sys.prefix) / "mcp-servers"


def server(name: str, *arguments: str, **env: str) -> McpUpstream:
    program = FOLDER / "node_modules" / ".bin" / f"mcp-server-{name}"
    return McpUpstream(command=["node", str(program), *arguments], env=env, required=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the servers may see."""
    if not (FOLDER / "installed").exists():
        pytest.skip("the servers are not installed: scripts/mcp-servers")
    return tmp_path_factory.mktemp("root").resolve()


@pytest.fixture(scope="module")
async def sandbox(root: Path) -> AsyncIterator[Sandbox]:
    tools = Tools(
        files=server("filesystem", str(root)),
        memory=server("memory", MEMORY_FILE_PATH=str(root / "memory.jsonl")),
        everything=server("everything"),
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=tools) as opened:
        yield opened


async def test_one_program_works_with_three_servers(sandbox: Sandbox, root: Path) -> None:
    code = """
    const people = [["Ada", 36], ["Alan", 41]];
    await Promise.all(people.map(([name, age]) =>
      tools.files.write_file({path: `${context.root}/${name}.json`, content: `{"age": ${age}}`})));
    const listed = await tools.files.list_directory({path: context.root});
    const names = [...listed.content.matchAll(/(\\w+)\\.json$/gm)].map((found) => found[1]);
    await tools.memory.create_entities({entities: names.map((name) =>
      ({name, entityType: "person", observations: ["has a file"]}))});
    const {entities} = await tools.memory.search_nodes({query: "Ada"});
    const ages = await Promise.all(names.map(async (name) => {
      const file = await tools.files.read_text_file({path: `${context.root}/${name}.json`});
      return JSON.parse(file.content).age;
    }));
    const sum = await tools.everything.get_sum({a: ages[0], b: ages[1]});
    return {names: names.sort(), found: entities.map((each) => each.name), sum};
    """
    result = await sandbox.execute(code, context={"root": str(root)})
    assert result.success, result.error
    assert result.output["names"] == ["Ada", "Alan"]
    assert result.output["found"] == ["Ada"]
    assert "77" in result.output["sum"]
    assert json.loads((root / "Ada.json").read_text()) == {"age": 36}


async def test_a_server_keeps_the_code_in_its_folder(sandbox: Sandbox) -> None:
    code = """
    try { return await tools.files.read_text_file({path: "/etc/passwd"}) }
    catch (error) { return [error.code, error.message] }
    """
    result = await sandbox.execute(code)
    assert result.success, result.error
    assert result.output[0] == "failed"
    assert "outside allowed" in result.output[1]


async def test_data_declared_pictures_and_text_each_come_as_what_they_are(
    sandbox: Sandbox,
) -> None:
    code = """
    const weather = await tools.everything["get-structured-content"]({location: "Chicago"});
    const [picture] = [await tools.everything["get-tiny-image"]()].flat()
      .filter((part) => part.type === "image/png");
    const bytes = await picture.bytes();
    return [typeof weather.temperature, bytes.length === picture.size, [...bytes.slice(1, 4)]];
    """
    result = await sandbox.execute(code)
    assert result.success, result.error
    assert result.output == ["number", True, list(b"PNG")]
    text = sandbox.toolbox.discovery.describe("everything.get-structured-content")
    assert "temperature: number" in text["declarations"]
