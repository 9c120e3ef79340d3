# SPDX-License-Identifier: BSL-1.0
"""The rows of the mutants' tables."""
from dataclasses import dataclass, field


@dataclass
class Family:
    """What its mutants are made of.

    files    headers of the library (below include/kfm_det/), in the order of their includes; each is copied into namespace kfm_det::<id>
    fixture  C++ for one mutant, at global scope, with ID for the mutant's id: a fixture `Fixture_ID` around kfm_det::ID::<Backend>
    check    such as check_store_on_disk; Fixture_ID is its argument
    include  more headers that the fixture needs
    """
    files: list
    fixture: str
    check: str
    include: list = field(default_factory=list)


@dataclass
class Mutant:
    """change: pairs (old, new), each old exactly once in the family's files, or (file, old, new). law: the law or laws by which it may die; None: benign, it must pass."""
    id: str
    name: str
    family: str
    law: object
    change: list
    check: str = ""     # another check than the family's
    fixture: str = ""   # another fixture than the family's
