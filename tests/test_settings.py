"""A table of settings as its users meet it: checked, frozen, and with the methods of a model."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from onehop import AuditConfig, ConfigError, SandboxConfig, ValidationConfig


def test_settings_are_equal_by_value_and_survive_copies() -> None:
    made = SandboxConfig(timeout=200, allow_degraded=frozenset({"uid"}))
    copies = copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))
    for each in (*copies, made.model_copy(), made.model_copy(deep=True), made.replace()):
        assert each == made
        assert hash(each) == hash(made)
    assert made != SandboxConfig()
    assert copies[2].model_fields_set == {"timeout", "allow_degraded"}
    assert "timeout=200" in repr(made)


def test_nobody_assigns_to_a_setting() -> None:
    made = SandboxConfig()
    with pytest.raises(AttributeError, match="frozen"):
        made.timeout = 1
    with pytest.raises(AttributeError, match="frozen"):
        del made.timeout
    assert made == SandboxConfig()


def test_a_default_that_can_change_belongs_to_one_instance() -> None:
    ValidationConfig().severity["eval"] = "low"
    assert ValidationConfig().severity == {}


def test_a_copy_with_changes_is_checked_by_replace_only() -> None:
    assert SandboxConfig().model_copy(update={"pool_size": 0}).pool_size == 0
    with pytest.raises(ConfigError, match="pool_size: Input should be greater than or equal to 1"):
        SandboxConfig().replace(pool_size=0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timeout": float("nan")}, "timeout: Input should be a finite number"),
        ({"timeout": "200"}, "timeout: Input should be a valid number"),
        ({"timeout": 500, "timeout_max": 200}, "config: timeout 500 is above timeout_max 200"),
        ({"timeouts": 1}, "timeouts: Extra inputs are not permitted"),
        ({"backend": "else"}, "backend: String should match pattern"),
        ({"deno": 1}, "deno: Input should be a valid string"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        SandboxConfig(**given)
    with pytest.raises(ConfigError, match=told):
        SandboxConfig.model_validate(given)


def test_a_table_is_dumped_and_described_as_a_model() -> None:
    audit = AuditConfig(store="memory:", key="a" * 20, mask=["a"])
    assert audit.model_dump()["mask"] == ("a",)
    assert audit.model_dump(mode="json", exclude_unset=True) == {
        "store": "memory:",
        "key": "**********",
        "mask": ["a"],
    }
    assert '"store":"memory:"' in audit.model_dump_json()
    assert "a" * 20 not in repr(audit)
    described = SandboxConfig.model_json_schema()["properties"]["timeout"]
    assert (described["minimum"], described["env"]) == (100, "CODE_EXEC_TIMEOUT_DEFAULT")
    assert SandboxConfig.model_fields["timeout"].default == 5000


def test_the_usual_settings_and_a_path_need_no_pydantic() -> None:
    code = (
        "import sys; from onehop import SandboxConfig; "
        "assert SandboxConfig().deno == '/a/path' == SandboxConfig(deno='/a/path').deno; "
        "sys.exit('pydantic' in sys.modules)"
    )
    env = {"ONEHOP_DENO": "/a/path"}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0
