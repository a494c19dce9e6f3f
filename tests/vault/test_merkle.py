import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.merkle import (
    EMPTY_ROOT,
    ProofError,
    TreeHasher,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of the certificate-transparency code base (cpp/merkletree tests): 8 leaves, 8 roots,
# and its published audit and consistency proofs.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
LEAVES = [leaf_hash(data) for data in INPUTS]
# (index, size): proof
INCLUSIONS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
# (old size, new size): proof
CONSISTENCIES = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


# The definitions of RFC 9162, section 2.1, word for word: slow, recursive, written apart from the module.
def naive_root(data: list[bytes]) -> bytes:
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = naive_split(len(data))
    return hashlib.sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def naive_path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = naive_split(len(data))
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_proof(m: int, data: list[bytes], *, whole: bool = True) -> list[bytes]:
    n = len(data)
    if m == n:
        return [] if whole else [naive_root(data)]
    k = naive_split(n)
    if m <= k:
        return [*naive_proof(m, data[:k], whole=whole), naive_root(data[k:])]
    return [*naive_proof(m - k, data[k:], whole=False), naive_root(data[:k])]


datas = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


def test_the_empty_tree_has_the_digest_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT
    assert TreeHasher().root() == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_reference_tree(size) -> None:
    assert root_of(LEAVES[:size]) == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_inclusion_proofs_of_the_reference_tree(index, size) -> None:
    expected = tuple(bytes.fromhex(step) for step in INCLUSIONS[index, size])
    assert inclusion_proof(LEAVES[:size], index) == expected
    verify_inclusion(leaf=LEAVES[index], index=index, size=size, root=ROOTS[size - 1], proof=expected)


@pytest.mark.parametrize(("old", "new"), CONSISTENCIES)
def test_consistency_proofs_of_the_reference_tree(old, new) -> None:
    expected = tuple(bytes.fromhex(step) for step in CONSISTENCIES[old, new])
    assert consistency_proof(LEAVES[:new], old) == expected
    verify_consistency(
        old_size=old, old_root=ROOTS[old - 1], new_size=new, new_root=ROOTS[new - 1], proof=expected
    )


@given(datas)
def test_root_equals_the_recursive_definition(data) -> None:
    assert root_of(leaf_hash(item) for item in data) == naive_root(data)


@given(datas, st.data())
def test_proofs_equal_the_recursive_definition_and_verify(data, draw) -> None:
    leaves = [leaf_hash(item) for item in data]
    index = draw.draw(st.integers(0, len(data) - 1))
    proof = inclusion_proof(leaves, index)
    assert list(proof) == naive_path(index, data)
    verify_inclusion(leaf=leaves[index], index=index, size=len(data), root=naive_root(data), proof=proof)
    old = draw.draw(st.integers(1, len(data)))
    proof = consistency_proof(leaves, old)
    assert list(proof) == naive_proof(old, data)
    verify_consistency(
        old_size=old,
        old_root=naive_root(data[:old]),
        new_size=len(data),
        new_root=naive_root(data),
        proof=proof,
    )


def test_every_index_and_every_pair_of_sizes_up_to_33() -> None:
    data = [bytes([number]) for number in range(33)]
    leaves = [leaf_hash(item) for item in data]
    roots = [naive_root(data[:size]) for size in range(34)]
    for size in range(1, 34):
        for index in range(size):
            verify_inclusion(
                leaf=leaves[index],
                index=index,
                size=size,
                root=roots[size],
                proof=inclusion_proof(leaves[:size], index),
            )
        for old in range(size + 1):
            verify_consistency(
                old_size=old,
                old_root=roots[old],
                new_size=size,
                new_root=roots[size],
                proof=consistency_proof(leaves[:size], old),
            )


@given(datas, st.data())
def test_a_changed_inclusion_proof_is_refused(data, draw) -> None:
    leaves = [leaf_hash(item) for item in data]
    index = draw.draw(st.integers(0, len(data) - 1))
    good = {
        "leaf": leaves[index],
        "index": index,
        "size": len(data),
        "root": root_of(leaves),
        "proof": inclusion_proof(leaves, index),
    }
    flip = draw.draw(st.integers(0, 255))
    forged = [
        good | {"leaf": flipped(good["leaf"], flip)},
        good | {"root": flipped(good["root"], flip)},
        good | {"index": -1},
        good | {"index": len(data)},
        good | {"proof": (*good["proof"], leaves[0])},
        good | {"leaf": good["leaf"][:-1]},
        *(
            good | {"proof": (*good["proof"][:at], flipped(step, flip), *good["proof"][at + 1 :])}
            for at, step in enumerate(good["proof"])
        ),
    ]
    if good["proof"]:
        forged.append(good | {"proof": good["proof"][:-1]})
    for case in forged:
        with pytest.raises(ProofError):
            verify_inclusion(**case)


@given(datas, st.data())
def test_a_changed_consistency_proof_is_refused(data, draw) -> None:
    leaves = [leaf_hash(item) for item in data]
    old = draw.draw(st.integers(0, len(data)))
    good = {
        "old_size": old,
        "old_root": root_of(leaves[:old]),
        "new_size": len(data),
        "new_root": root_of(leaves),
        "proof": consistency_proof(leaves, old),
    }
    flip = draw.draw(st.integers(0, 255))
    forged = [
        good | {"old_root": flipped(good["old_root"], flip)},
        good | {"old_size": len(data) + 1},
        good | {"old_size": -1},
        good | {"proof": (*good["proof"], leaves[0])},
        good | {"new_root": good["new_root"][:-1]},
        *(
            good | {"proof": (*good["proof"][:at], flipped(step, flip), *good["proof"][at + 1 :])}
            for at, step in enumerate(good["proof"])
        ),
    ]
    if old:
        # Every tree extends the empty one, so a new root can be wrong only beside an old one.
        forged.append(good | {"new_root": flipped(good["new_root"], flip)})
    if good["proof"]:
        forged.append(good | {"proof": good["proof"][:-1]})
    for case in forged:
        with pytest.raises(ProofError):
            verify_consistency(**case)


def test_a_rewritten_history_has_no_consistency_proof() -> None:
    before = [leaf_hash(bytes([number])) for number in range(5)]
    after = [*before[:2], leaf_hash(b"rewritten"), *before[3:], leaf_hash(b"more")]
    with pytest.raises(ProofError, match="not consistent"):
        verify_consistency(
            old_size=5,
            old_root=root_of(before),
            new_size=6,
            new_root=root_of(after),
            proof=consistency_proof(after, 5),
        )


@given(datas, st.data())
def test_a_hasher_goes_on_from_its_frontier(data, draw) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    first = TreeHasher()
    for item in data[:cut]:
        first.append(leaf_hash(item))
    assert len(first.frontier) == cut.bit_count()
    second = TreeHasher.resume(first.size, first.frontier)
    for item in data[cut:]:
        second.append(leaf_hash(item))
    assert second.size == len(data)
    assert second.root() == naive_root(data)
    assert first.root() == naive_root(data[:cut])


@pytest.mark.parametrize(
    ("size", "frontier"), [(-1, ()), (0, (EMPTY_ROOT,)), (3, (EMPTY_ROOT,)), (1, (b"short",))]
)
def test_a_frontier_of_another_size_is_refused(size, frontier) -> None:
    with pytest.raises(ValueError, match="not the frontier"):
        TreeHasher.resume(size, frontier)


def test_misuse_is_told_from_bad_proofs() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TreeHasher().append(b"data instead of a digest")
    for index in (-1, 8):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(LEAVES, index)
    for old in (-1, 9):
        with pytest.raises(ValueError, match="not smaller"):
            consistency_proof(LEAVES, old)


def flipped(value: bytes, bit: int) -> bytes:
    number = int.from_bytes(value, "big") ^ (1 << bit)
    return number.to_bytes(len(value), "big")
