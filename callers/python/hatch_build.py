"""Adds the generated stubs and the license to the package, from the repository or from an unpacked sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface[Any]):
    """Adds the stubs to a build: as gen/ to an sdist, as a part of the package to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add every stub and the license."""
        del version
        sdist = self.target_name == "sdist"
        root = Path(self.root)
        unpacked = (root / "PKG-INFO").is_file()
        stubs = root / "gen" if unpacked else root.parents[1] / "gen" / "python"
        files = [path for path in sorted(stubs.rglob("*")) if path.suffix in {".py", ".pyi"}]
        if not files:
            raise SystemExit("useradmin: gen/python is missing: run callers/python/generate")
        included = build_data["force_include"]
        for path in files:
            included[str(path)] = ("gen/" if sdist else "") + path.relative_to(stubs).as_posix()
        license_file = (root if unpacked else root.parents[1]) / "LICENSE"
        folder = f"{self.metadata.core.name}-{self.metadata.version}.dist-info/licenses/"
        included[str(license_file)] = ("" if sdist else folder) + license_file.name
