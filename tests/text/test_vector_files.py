import gzip
import struct

import numpy as np
import pytest

from sklearn_bilstm.text import load_word_vectors

WORDS = ["the", "größe", "日本", ","]
VECTORS = np.array([[1, -0.5], [0.25, 3e-5], [0, -7], [1e10, 2]], np.float32)
GLOVE = "".join(
    f"{word} {first!r} {second!r}\n"
    for word, (first, second) in zip(WORDS, VECTORS.tolist(), strict=True)
).encode()


def binary(words=WORDS, vectors=VECTORS, header=None, end=b"\n"):
    """Encode in the binary word2vec format, with `end` after each vector."""
    header = header or f"{len(words)} {len(vectors[0])}\n".encode()
    return header + b"".join(
        word.encode() + b" " + struct.pack(f"<{len(vector)}f", *vector) + end
        for word, vector in zip(words, vectors, strict=True)
    )


FORMATS = {
    "glove": GLOVE,
    "word2vec text": b"4 2\n" + GLOVE,
    "fasttext": b"4 2\n" + GLOVE.replace(b"\n", b" \n"),
    "tabs": GLOVE.replace(b" ", b"\t"),
    "windows": b"4 2\r\n" + GLOVE.replace(b"\n", b"\r\n"),
    "no end of line": GLOVE.rstrip(),
    "blank lines": GLOVE.replace(b"\n", b"\n\n") + b"\n",
    "word2vec binary": binary(),
    "gensim binary": binary(end=b""),
}


@pytest.fixture
def load(tmp_path):
    """Write bytes to a file, and load them."""

    def load(content, **options):
        path = tmp_path / "some.vectors"
        path.write_bytes(content)
        return load_word_vectors(path, **options)

    return load


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_exactly(name, compress, load):
    loaded = load(compress(FORMATS[name]))
    assert list(loaded) == WORDS
    assert loaded.vectors.dtype == np.float32
    np.testing.assert_array_equal(loaded.vectors, VECTORS)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_byte_order_mark_is_skipped(name, compress, load):
    content = compress(b"\xef\xbb\xbf" + FORMATS[name])
    for kept in (None, WORDS[:1]):
        loaded = load(content, vocabulary=kept)
        assert list(loaded) == (kept or WORDS)
        np.testing.assert_array_equal(loaded.vectors, VECTORS[: len(loaded)])


@pytest.mark.parametrize("chunk_bytes", [1, 30, 1000])
@pytest.mark.parametrize("name", FORMATS)
def test_chunk_size_does_not_affect_the_result(name, chunk_bytes, load, monkeypatch):
    module = "sklearn_bilstm.text._vector_files"
    monkeypatch.setattr(f"{module}._CHUNK_BYTES", chunk_bytes)
    loaded = load(FORMATS[name])
    assert list(loaded) == WORDS
    np.testing.assert_array_equal(loaded.vectors, VECTORS)


def test_numbers_are_parsed_as_exactly_as_by_float(load):
    values = np.random.RandomState(0).standard_normal((50, 30))
    lines = [
        f"{i}x " + " ".join(map(repr, row.tolist())) for i, row in enumerate(values)
    ]
    loaded = load("\n".join(lines).encode())
    np.testing.assert_array_equal(loaded.vectors, values.astype(np.float32))


def test_a_large_binary_file_is_distinguished_from_text(load):
    vectors = np.random.RandomState(0).standard_normal((20, 50)).astype(np.float32)
    words = [f"w{i}" for i in range(20)]
    np.testing.assert_array_equal(load(binary(words, vectors)).vectors, vectors)


def test_a_word_may_contain_spaces(load):
    loaded = load(b"a 1 2\nat name@domain.com 3 4\n. . . 5 6\n\xc2\xa0 7 8\n")
    assert list(loaded) == ["a", "at name@domain.com", ". . .", "\xa0"]
    assert loaded.vectors.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_a_word_may_be_a_number(load):
    assert list(load(b"7 1 2\n2012 3 4\n")) == ["7", "2012"]


def test_the_first_vector_of_a_duplicated_word_is_kept(load):
    for content in (
        b"3 2\na 1 2\nb 3 4\na 5 6\n",
        binary("aba", [[1, 2], [3, 4], [5, 6]])[:-1],
    ):
        loaded = load(content)
        assert list(loaded) == ["a", "b"]
        assert loaded.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", FORMATS)
def test_vocabulary_selects_words(name, load):
    loaded = load(FORMATS[name], vocabulary=[",", "größe", "absent"])
    assert list(loaded) == ["größe", ","]
    np.testing.assert_array_equal(loaded.vectors, VECTORS[[1, 3]])


def test_a_disjoint_vocabulary_gives_no_vectors(load):
    assert load(GLOVE, vocabulary=["absent"]).vectors.shape == (0, 2)


def test_encoding_and_errors_apply_to_words(load):
    content = b"1 2\n" + "größe 1 2\n".encode("latin-1")
    with pytest.raises(ValueError, match=r"line 2 must be encoded in utf-8.*Set the"):
        load(content)
    assert "größe" in load(content, encoding="latin-1")
    assert "gr\ufffd\ufffde" in load(content, errors="replace")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1 2\nb 3\n", "line 2 must contain a word and 2 .*found 1 fields"),
        (b"a 1 2\n\nb\n", "line 3 .*found 0 fields"),
        (b"a 1 2\nb 3 4 5\n", "line 2 .*found more numbers"),
        (b"a 1 2\nb 3  \n", "line 2 .*found 1 fields"),
        (b"2 2\na 1 2\nb 3 x4\n", "line 3 .*found 'x4' instead of a number"),
        (b"a 1 2\nb 3,5 4\n", "line 2 .*found '3,5' instead of a number"),
        (b"a 1 2\nb 3 \xff\n", r"line 2 .*found '\\\\xff' instead of a number"),
        (b"a 1 2 3\nb 3  4\n", "line 2 .*found '' instead of a number"),
        (b"a nan 2\n", "line 1 .*finite.*found 'nan'"),
        (b"a 1 2\nb 1 -inf\n", "line 2 .*found '-inf'"),
        (b"a 1e39 2\n", "line 1 .*found '1e39'"),
        (
            b"3 2\na 1 2\nb 3 4\n",
            "header declares 3 words with 2 numbers, but the file contains 2",
        ),
        (
            b"1 2\na 1 2\nb 3 4\n",
            "header declares 1 words with 2 numbers, but the file contains 2",
        ),
        (b"3 2\n", "declares 3 words with 2 numbers, but the file contains 0"),
        (b"0 2\n", "line 1 must declare at least one word"),
        (b"2 999999999\na 1 2\n", "line 2 .*999999999 finite .*found 2 fields"),
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (b"a\n", "line 1 must contain a word and its numbers.*begins with b'a"),
        (b"PK\x03\x04 x", "a zip archive, unpack it"),
    ],
)
def test_a_malformed_text_file_raises_with_file_and_line(content, message, load):
    with pytest.raises(ValueError, match=rf"some\.vectors'.*{message}"):
        load(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (binary()[:-5], "ends within word 4 of 4"),
        (binary()[:20], "ends within word 2"),
        (
            binary(header=b"5 2\n"),
            "declares 5 words with 2 numbers, but the file contains 4",
        ),
        (
            binary(header=b"3 2\n"),
            "declares 3 words with 2 numbers, but the file contains 4",
        ),
        (binary("ab", [[1, 2], [np.inf, 3]]), "numbers of word 2 must be finite"),
        (binary("ab", [[1, np.nan], [2, 3]]), "numbers of word 1 must be finite"),
        (binary().replace(b"\xc3", b"\xff"), "word 2 must be encoded in utf-8"),
    ],
)
def test_a_malformed_binary_file_raises_with_the_word(content, message, load):
    with pytest.raises(ValueError, match=rf"some\.vectors'.*{message}"):
        load(content)


def test_a_truncated_gzip_file_raises(load):
    with pytest.raises(ValueError, match=r"some\.vectors' is a damaged gzip file"):
        load(gzip.compress(GLOVE)[:-12])


def test_an_invalid_line_of_an_unselected_word_is_ignored(load):
    assert list(load(b"a 1 2\nb 1 x\n", vocabulary=["a"])) == ["a"]


def test_a_missing_file_raises_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        load_word_vectors(tmp_path / "absent.txt")


@pytest.mark.parametrize("encoding", ["nope", "hex"])
def test_an_unknown_encoding_is_an_error_that_names_it(load, encoding):
    with pytest.raises(ValueError, match=f"^encoding must be.*Got '{encoding}'"):
        load(b"good 1 2\n", encoding=encoding)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("vocabulary", [None, {f"word{i}" for i in range(300_000)}])
def test_memory_is_bounded_by_the_size_of_the_file(load, vocabulary, compress):
    n_dims = 1_000_000  # 300,000 vectors of this size take a terabyte
    content = b"300000 %d\nword0%s\n" % (n_dims, b" 1" * n_dims) + b"\n" * 300_000
    with pytest.raises(ValueError, match="declares 300000 words.*contains 1"):
        load(compress(content), vocabulary=vocabulary)
