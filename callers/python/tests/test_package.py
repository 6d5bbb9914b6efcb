"""What is installed: the version, the type marker, stubs with types, and a doc comment on every public name."""

import ast
import importlib.metadata
import importlib.resources
import inspect
import re
from pathlib import Path

import pytest

import useradmin


def test_version() -> None:
    assert importlib.metadata.version("useradmin") == "0.1.0"


def test_the_package_is_installed_and_typed() -> None:
    package = importlib.resources.files(useradmin)
    assert not Path(str(package)).is_relative_to(Path(__file__).parents[1])
    names = ["user_admin_pb2", "user_admin_pb2_grpc", "errors_pb2"]
    assert package.joinpath("py.typed").is_file()
    assert all(package.joinpath(f"v1/{name}{kind}").is_file() for name in names for kind in (".py", ".pyi"))


def test_dependencies() -> None:
    needed = importlib.metadata.requires("useradmin") or []
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in needed}
    assert names == {"grpcio", "protobuf", "googleapis-common-protos"}


def undocumented(body: list[ast.stmt], prefix: str = "") -> list[str]:
    """Return public functions and classes without a docstring, and public assignments without one below them."""
    missing = []
    for statement, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            name, documented = statement.name, bool(ast.get_docstring(statement))
        elif isinstance(statement, ast.AnnAssign | ast.Assign):
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            name = ast.unparse(target)
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        else:
            continue
        if not name.startswith("_"):
            missing += [] if documented else [prefix + name]
            missing += undocumented(statement.body, f"{name}.") if isinstance(statement, ast.ClassDef) else []
    return missing


@pytest.mark.parametrize("module", ["failure", "result"])
def test_public_names_are_documented(module: str) -> None:
    tree = ast.parse(inspect.getsource(importlib.import_module(f"useradmin.{module}")))
    assert ast.get_docstring(tree)
    assert undocumented(tree.body) == []
