import gzip

import pytest

from sklearn_bilstm.datasets import load_conll, load_conllu

CONLL_2003 = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

Peter NNP B-NP B-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
"""

CONLLU = """\
# newdoc id = one
# text = I haven't
1\tI\tI\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\thaven't\t_\t_\t_\t_\t_\t_\t_\t_
2\thave\thave\tAUX\tVBP\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
3.1\tgone\tgo\tVERB\tVBN\t_\t_\t_\t2:x\t_

# newdoc id = two
1\tNew York\tNew York\tPROPN\tNNP\t_\t0\troot\t_\t_
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a text, also compressed, and returns both paths."""

    def write(text, encoding="utf-8"):
        plain, compressed = tmp_path / "plain", tmp_path / "compressed.gz"
        plain.write_bytes(text.encode(encoding))
        compressed.write_bytes(gzip.compress(text.encode(encoding)))
        return plain, compressed

    return write


def test_load_conll_reads_conll_2003(write):
    for path in write(CONLL_2003):
        sentences = load_conll(path)
        assert sentences.data == [["EU", "rejects"], ["Peter"], ["BRUSSELS"]]
        assert sentences.target == [["B-ORG", "O"], ["B-PER"], ["B-LOC"]]
        assert sentences.document.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("load", "mark", "word"),
    [
        (load_conll, "-DOCSTART- O", "a O"),
        (load_conllu, "# newdoc", "1\ta" + 8 * "\t_"),
    ],
)
def test_documents_are_numbered_and_empty_ones_are_skipped(write, load, mark, word):
    for text, expected in [
        ([word, mark, word, "", word, mark, word], [0, 1, 1, 2]),
        ([mark, mark, word, mark, mark, word, mark], [0, 1]),
        ([word, "", word], [0, 0]),
    ]:
        path = write("\n".join(text))[0]
        assert load(path).document.tolist() == expected


def test_label_column_selects_the_labels(write):
    _, tags = load_conll(write(CONLL_2003)[0], label_column=1, return_X_y=True)
    assert tags == [["NNP", "VBZ"], ["NNP"], ["NNP"]]


def test_tabs_separate_columns_if_present(write):
    text = "@user\tO\r\n\t\r\nNew York\tB-location\r\n"
    X, y = load_conll(write(text)[0], return_X_y=True)
    assert X == [["@user"], ["New York"]]
    assert y == [["O"], ["B-location"]]


def test_tokens_may_contain_unicode_whitespace(write):
    text = "10\u00a0000  B-NUM\n\u3000 O\na\u2028b\x85\tO\n"
    X, y = load_conll(write(text)[0], return_X_y=True)
    assert X == [["10\u00a0000", "\u3000", "a\u2028b\x85"]]
    assert y == [["B-NUM", "O", "O"]]


@pytest.mark.parametrize("blank", ["\u00a0", "\u3000"])
def test_a_line_of_unicode_whitespace_raises_as_a_token_without_label(write, blank):
    text = f"Anna B-PER\n{blank}\nBen B-PER\n"
    with pytest.raises(
        ValueError, match="line 2, must have at least two columns: got '.(xa0|u3000)"
    ):
        load_conll(write(text)[0])


@pytest.mark.parametrize("blank", ["", " ", "\t", " \t\t "])
def test_a_line_of_spaces_and_tabs_ends_a_sentence(write, blank):
    text = f"Anna B-PER\n{blank}\nBen B-PER\n"
    assert load_conll(write(text)[0]).data == [["Anna"], ["Ben"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_all_line_endings_are_supported(write, end):
    for path in write(CONLL_2003.replace("\n", end)):
        sentences = load_conll(path)
        assert sentences.data == [["EU", "rejects"], ["Peter"], ["BRUSSELS"]]
        assert sentences.document.tolist() == [0, 0, 1]
    words = load_conllu(write(CONLLU.replace("\n", end))[0])
    assert words.data == [["I", "have", "n't"], ["New York"]]


def test_comment_lines_are_skipped(write):
    text = "# sent_id = 1\nAnna B-PER\n# seen\nleft O\n\n#late O\n"
    X, y = load_conll(write(text)[0], comment="# ", return_X_y=True)
    assert X == [["Anna", "left"], ["#late"]]
    assert y == [["B-PER", "O"], ["O"]]
    assert load_conll(write(text)[0], comment="#").data == [["Anna", "left"]]


@pytest.mark.parametrize(
    "text",
    [
        "# sent_id = 1\n# text = Anna left\nAnna B-PER\n",
        "# sent_id = 1\nAnna B-PER\n",
        "Anna B-PER\n# seen twice\nleft O\n",
        "#\nAnna B-PER\n",
    ],
)
def test_error_suggests_comment_if_a_comment_may_be_the_cause(write, text):
    with pytest.raises(ValueError, match=r'are comments, set comment="#"\.$'):
        load_conll(write(text)[0])
    with pytest.raises(ValueError, match=r"\d\.$"):
        load_conll(write("Anna B-PER\nleft V O\n")[0])


@pytest.mark.parametrize("comment", [None, ""])
def test_all_lines_are_read_without_comment(write, comment):
    tweet = write("# O\n#late O\n")[0]
    assert load_conll(tweet, comment=comment).data == [["#", "#late"]]


def test_load_conllu_reads_words_and_documents(write):
    for path in write(CONLLU):
        sentences = load_conllu(path)
        assert sentences.data == [["I", "have", "n't"], ["New York"]]
        assert sentences.target == [["PRON", "AUX", "PART"], ["PROPN"]]
        assert sentences.document.tolist() == [0, 1]


def test_label_selects_a_field_of_conllu(write):
    _, y = load_conllu(write(CONLLU)[0], label="deprel", return_X_y=True)
    assert y == [["nsubj", "root", "advmod"], ["root"]]


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "utf-16-le"])
def test_a_byte_order_mark_is_skipped(write, encoding):
    path = write("\ufeffEU O\n", encoding)[0]
    assert load_conll(path, encoding=encoding).data == [["EU"]]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_encoding_is_supported(write, encoding):
    for path in write("Logroño B-LOC\nestá O\n", encoding):
        sentences = load_conll(path, encoding=encoding)
        assert sentences.data == [["Logroño", "está"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EU B-ORG\nrejects\n", "plain', line 2, must have at least two columns"),
        (
            "Anna\tB-PER\t\n",
            "line 1, has an empty or missing column label_column=-1 .3 col",
        ),
        ("left\t\n", r"column label_column=-1 .2 columns.: 'left\\t'. Use another"),
        (
            "left O\n\tO",
            "line 2, has an empty or missing column token_column=0 .2 columns",
        ),
        ("left\t \n", "line 1, has an empty or missing column label_column=-1"),
        (
            "EU NNP O\nis O\n",
            "line 2, has 2 columns, but the previous lines of its sentence have 3",
        ),
        (
            "# a b c\nis O\n",
            "line 2, has 2 columns, but the previous lines of its sentence have 4",
        ),
        ("\n\n", "plain' must contain at least one sentence"),
        ("", "plain' must contain at least one sentence"),
    ],
)
def test_invalid_lines_raise_with_their_number(write, text, message):
    with pytest.raises(ValueError, match=message):
        load_conll(write(text)[0])


def test_number_of_columns_may_differ_between_sentences_and_markers(write):
    text = "-DOCSTART- O\na N x O\n# b\nc V y O\n\nd N O\n-DOCSTART-\ne N x y O\n"
    y = load_conll(write(text)[0], comment="# ", return_X_y=True)[1]
    assert y == [["O", "O"], ["O"], ["O"]]


def test_columns_before_a_trailing_tab_are_read(write):
    path = write("Anna\tB-PER\t\nleft\tO\t\n")[0]
    assert load_conll(path, label_column=1).target == [["B-PER", "O"]]


@pytest.mark.parametrize("column", [4, -5])
@pytest.mark.parametrize("name", ["token_column", "label_column"])
def test_a_missing_column_raises(write, name, column):
    message = (
        f"line 3, has an empty or missing column {name}={column} .4 columns.: 'EU NNP"
    )
    with pytest.raises(ValueError, match=message):
        load_conll(write(CONLL_2003)[0], **{name: column})


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"token_column": "word"}, "'token_column' .* 'int'. Got 'word' instead"),
        ({"label_column": "ner"}, "'label_column' .* 'int'. Got 'ner' instead"),
        ({"comment": 3}, "'comment' .* 'str' or None. Got 3 instead"),
        ({"encoding": None}, "'encoding' .* 'str'. Got None instead"),
        ({"encoding": "utf-9"}, "encoding must be the name .* Got 'utf-9' instead"),
        ({"encoding": "hex"}, "encoding must be the name .* Got 'hex' instead"),
    ],
)
def test_invalid_parameters_raise(write, parameter, message):
    with pytest.raises(ValueError, match=message):
        load_conll(write(CONLL_2003)[0], **parameter)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "1 I I PRON",
            "line 1, must have 10 columns separated by tabs: got 1",
        ),
        ("x" + 9 * "\t_", "line 1, must begin with an id such as 7, .* got 'x'"),
    ],
)
def test_an_invalid_conllu_line_raises(write, line, message):
    with pytest.raises(ValueError, match=message):
        load_conllu(write(line)[0])


@pytest.mark.parametrize("column", ["form", "upos"])
@pytest.mark.parametrize("cell", ["", " "])
def test_an_empty_conllu_cell_raises(write, column, cell):
    cells = {"id": "1", "form": "I", "lemma": "I", "upos": "PRON"} | {column: cell}
    line = "\t".join([*cells.values(), *"______"])
    with pytest.raises(ValueError, match=f"line 2, has an empty column '{column}'"):
        load_conllu(write(f"# a comment\n{line}\n")[0])


def test_a_conllu_file_without_words_raises(write):
    with pytest.raises(ValueError, match="plain' must contain at least one sentence"):
        load_conllu(write("# a comment\n")[0])


def test_an_invalid_label_field_raises(write):
    with pytest.raises(ValueError, match="label must be one of .*'upos'.* Got 'pos'"):
        load_conllu(write(CONLLU)[0], label="pos")


@pytest.mark.parametrize("end", ["\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("load", [load_conll, load_conllu])
def test_text_in_another_encoding_raises_with_its_line(tmp_path, load, mark, end):
    latin = tmp_path / "latin"
    latin.write_bytes(mark + f"in O{end}Zürich B-LOC{end}".encode("latin-1"))
    message = r"latin', line 2, must be text in the encoding 'utf-8': found b'\\xfc'"
    with pytest.raises(ValueError, match=message):
        load(latin)


def test_encoding_error_states_the_given_encoding(write):
    path = write("in O\nZürich B-LOC\n")[0]
    with pytest.raises(ValueError, match="line 2, must be text in the .* 'ascii'"):
        load_conll(path, encoding="ascii")


def test_a_damaged_file_raises(write):
    compressed = write(CONLL_2003 * 50)[1]
    compressed.write_bytes(compressed.read_bytes()[:-20])
    with pytest.raises(ValueError, match="compressed.gz' is a damaged gzip file"):
        load_conll(compressed)
