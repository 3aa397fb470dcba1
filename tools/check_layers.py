"""Check that varstore's layers import downwards only.

    python tools/check_layers.py [PACKAGE_FOLDER]

cli -> repository -> questions -> checking, changes | export, genome -> relatedness | stats -> ingest | query (siblings)
-> storage -> codec -> kernels: changes stand on ingest, exports, statistics and relatedness on query, personal genomes
on all of these, pictures (``plots``) on numbers alone. ``people`` is
what is said of people, ``model`` values without files; they and ``errors`` may be imported by all above them but
kernels, which import nothing of ours; ``__version__`` may be taken from the root. Imports inside functions count too,
those under ``if TYPE_CHECKING`` do not.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "varstore"
EVERYWHERE = {"errors", "model", "people"}
_BELOW_GENOME = {"relatedness", "stats", "query", "ingest", "storage", "codec", "kernels"} | EVERYWHERE
_ASKING = {"export", "genome"} | _BELOW_GENOME
BELOW = {
    "cli": {"repository", "questions", "checking", "changes", "plots"} | _ASKING,
    "repository": {"questions", "checking", "changes"} | _ASKING,
    "questions": _ASKING,
    "checking": {"relatedness", "query", "ingest", "storage", "codec", "kernels"} | EVERYWHERE,
    "changes": {"relatedness", "query", "ingest", "storage", "codec", "kernels"} | EVERYWHERE,
    "export": {"query", "storage", "codec", "kernels"} | EVERYWHERE,
    "genome": _BELOW_GENOME | {"export", "plots"},
    "relatedness": {"plots", "query", "storage", "codec", "kernels"} | EVERYWHERE,
    "stats": {"query", "storage", "codec", "kernels"} | EVERYWHERE,
    "query": {"storage", "codec", "kernels"} | EVERYWHERE,
    "ingest": {"storage", "codec", "kernels"} | EVERYWHERE,
    "storage": {"codec", "kernels"} | EVERYWHERE,
    "codec": {"kernels"} | EVERYWHERE,
    "plots": {"errors"},
    "people": {"model", "errors"},
    "model": {"plots", "errors"},
    "errors": set(),
    "kernels": set(),
}
# The root names the layers to load them late; __main__ starts the command line.
TOP = {"__init__", "__main__"}


def layer_of(parts: tuple[str, ...]) -> str:
    """The layer of a module: its first name below the package."""
    return parts[1] if len(parts) > 1 else "__init__"


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import statement, but for those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imports(ast.Module([other], []))
        else:
            yield from imports(node)


def targets(node: ast.Import | ast.ImportFrom, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a statement in a module of ``package`` imports, as absolute names."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
        return
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = tuple(node.module.split(".")) if node.module else ()
    for alias in node.names:
        yield (*base, *module, alias.name)


def problems(folder: Path) -> list[str]:
    """Every import that goes up or sideways, as ``file:line: sentence``."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(folder).with_suffix("").parts)
        layer = layer_of(parts)
        if layer in TOP:
            continue
        if layer not in BELOW:
            found.append(f"{path}:1: {layer} is no layer; tools/check_layers.py lists them")
            continue
        for node in imports(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, parts[:-1]):
                if target[0] != PACKAGE or target == (PACKAGE, "__version__"):
                    continue
                other = layer_of(target)
                if other not in BELOW[layer] | {layer}:
                    found.append(f"{path}:{node.lineno}: {layer} imports {'.'.join(target)}: {other} is not below it")
    return found


def main() -> None:
    """Print what is wrong; exit 1 if anything is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "src" / PACKAGE
    found = problems(folder)
    for problem in found:
        print(problem)
    if found:
        sys.exit(1)
    print("layers: imports point downwards only")


if __name__ == "__main__":
    main()
