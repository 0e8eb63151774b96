"""Local checkpoints and tables, and what is refused about them (whatever their source)."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from common.errors import UserError
from finetuning import sources
from finetuning.sources import texts as texts_module
from tests.tiny import VOCABULARY, study_config, write_tiny_distilbert, write_tiny_sentences


@pytest.fixture
def checkpoint(tmp_path):
    return write_tiny_distilbert(tmp_path / "checkpoint")


@pytest.fixture
def table(tmp_path):
    return write_tiny_sentences(tmp_path / "sentences.csv")


@pytest.fixture
def config(checkpoint, table):
    return study_config(str(checkpoint), str(table), group_column="film")


def refusal(config):
    with pytest.raises(UserError) as caught:
        sources.resolve(config)
    message = str(caught.value)
    assert "\n" not in message
    return message


def rewrite(path, change):
    rows = pd.read_csv(path, keep_default_na=False)
    change(rows).to_csv(path, index=False)


def edit_json(path, **changes):
    content = json.loads(path.read_text())
    content.update(changes)
    path.write_text(json.dumps(content))


def test_local_files_resolve_to_a_pinned_source(config, checkpoint, table, tmp_path):
    source = sources.resolve(config)
    assert source["kind"] == "hub"
    assert source["checkpoint_revision"] is source["dataset_revision"] is None
    assert source["labels"] == ["NEGATIVE", "POSITIVE"]
    assert source["texts"] == {"study": 96}
    assert source["left_out"] == {"without_tokens": 0, "contradictory": 0}
    assert source["drawn_from"] == {key: {"0": 48, "1": 48} for key in ("training", "evaluation")}
    assert source["sentence"].endswith("sentences.csv from local files.")
    assert set(source["sha256"]) >= {"checkpoint/model.safetensors", "dataset/sentences.csv"}
    assert json.loads(json.dumps(source)) == source

    sources.write_checkpoint(source, tmp_path / "written")
    for file in checkpoint.iterdir():
        assert (tmp_path / "written" / file.name).read_bytes() == file.read_bytes()
    assert not list((tmp_path / "written").glob(".*"))

    texts = sources.read_texts(source, config)
    expected = pd.read_csv(table)
    assert texts["text"].tolist() == expected["text"].tolist()
    assert texts["label"].tolist() == (expected["label"] == "positive").astype(int).tolist()
    assert texts["group"].tolist() == expected["film"].tolist()
    assert set(texts["part"]) == {"study"}


def test_a_path_may_begin_with_the_users_home(config, checkpoint, table, monkeypatch, tmp_path):
    expected = sources.read_texts(sources.resolve(config), config)
    monkeypatch.setenv("HOME", str(tmp_path))
    config["hub"] |= {"checkpoint": "~/checkpoint", "dataset": "~/sentences.csv"}
    source = sources.resolve(config)
    assert source["checkpoint"] == "~/checkpoint"
    pd.testing.assert_frame_equal(sources.read_texts(source, config), expected)
    sources.write_checkpoint(source, tmp_path / "written")
    config["hub"]["dataset"] = "~no-such-user/sentences.csv"
    assert "~no-such-user/sentences.csv: there is no such user's home" in refusal(config)


@pytest.mark.parametrize("rows", [slice(0, None), slice(3, 4)], ids=["every row", "one row"])
def test_a_field_too_many_is_refused_by_its_line(config, table, rows):
    header, *lines = table.read_text().splitlines()
    lines[rows] = [f"{line},more" for line in lines[rows]]
    table.write_text("\n".join([header, *lines]))
    assert f"Expected 3 fields in line {rows.start + 2}, saw 4" in refusal(config)


def test_two_columns_of_one_name_are_refused(config, table):
    table.write_text(table.read_text().replace("film\n", "text\n", 1))
    assert refusal(config).endswith(
        "sentences.csv has two columns 'text'. Give each a name of its own."
    )


def test_a_table_may_begin_with_a_byte_order_mark_and_hold_lines_and_long_texts(config, table):
    expected = sources.read_texts(sources.resolve(config), config)
    content = table.read_text().replace("of this film", '""of"" this film', 1)
    header, first, rest = content.split("\n", 2)
    first = f'"{first.split(",")[0]}\n{"dull " * 40_000}",{first.split(",", 1)[1]}'
    table.write_text("\ufeff" + "\n".join([header, first, rest]))
    texts = sources.read_texts(sources.resolve(config), config)
    pd.testing.assert_frame_equal(texts[1:], expected[1:])
    assert '"of" this' in texts["text"][0] and len(texts["text"][0]) > 200_000


def test_an_older_checkpoint_with_vocab_txt_alone_is_taken(config, checkpoint):
    # distilbert-base-uncased-finetuned-sst-2-english itself has no tokenizer.json.
    (checkpoint / "tokenizer.json").unlink()
    sources.resolve(config)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_tables_give_the_same_texts(config, table, suffix):
    expected = sources.read_texts(sources.resolve(config), config)
    rows = pd.read_csv(table).assign(label=lambda rows: (rows["label"] == "positive").astype(int))
    other = table.with_suffix(f".{suffix}")
    if suffix == "jsonl":
        rows.to_json(other, orient="records", lines=True)
    else:
        rows.to_parquet(other)
    config["hub"]["dataset"] = str(other)
    pd.testing.assert_frame_equal(sources.read_texts(sources.resolve(config), config), expected)


def test_three_classes(config, tmp_path):
    names = ("bad", "good", "neither")
    config["hub"]["checkpoint"] = str(write_tiny_distilbert(tmp_path / "three", labels=names))
    write_tiny_sentences(tmp_path / "sentences.csv", labels=names, sentences_per_film=9)
    source = sources.resolve(config)
    texts = sources.read_texts(source, config)
    assert source["labels"] == list(names)
    assert texts["label"].value_counts().to_dict() == {0: 36, 1: 36, 2: 36}


def test_a_group_is_one_however_its_name_is_typed(config, table):
    films = ["Am\u00e9lie", " Am\u00e9lie", "Ame\u0301lie\u00a0"]
    rewrite(table, lambda rows: rows.assign(film=[*films, *rows["film"][3:]]))
    texts = sources.read_texts(sources.resolve(config), config)
    assert texts["group"].nunique() == 13
    assert set(texts["group"][:3]) == {"Am\u00e9lie"}
    rewrite(table, lambda rows: rows.assign(film=["\u00a0", *rows["film"][1:]]))
    assert "row 1 has no group" in refusal(config)


def test_repeated_texts_are_there_once(config, table):
    rewrite(table, lambda rows: pd.concat([rows, rows.head(7)]))
    assert sources.resolve(config)["texts"] == {"study": 96}


def test_contradictions_and_texts_without_tokens_are_counted_or_refused(config, table):
    def spoil(rows):
        first = rows["text"][0]
        other = "positive" if rows["label"][0] == "negative" else "negative"
        added = pd.DataFrame(
            {
                "text": ["\u200b\u200d", first, f" {first.upper()} ", rows["text"][1].upper()],
                "label": ["negative", other, rows["label"][0], rows["label"][1]],
                "film": "film 0",
            }
        )
        return pd.concat([rows, added])

    rewrite(table, spoil)
    source = sources.resolve(config)
    assert source["left_out"] == {"without_tokens": 1, "contradictory": 3}
    assert source["sentence"].endswith(
        "Texts left out: 1 in which the model sees nothing, 3 that are the same to the model but "
        "have different labels."
    )
    config["data"]["contradictions"] = "refuse"
    assert "data.contradictions: 3 texts are the same as another" in refusal(config)


def test_texts_that_look_like_numbers_or_missing_values_stay_texts(config, table):
    rewrite(table, lambda rows: rows.assign(text=["NA", "null", "12", *rows["text"][3:]]))
    texts = sources.read_texts(sources.resolve(config), config)
    assert texts["text"][:3].tolist() == ["NA", "null", "12"]


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (["neg", "pos"], ["NEGATIVE", "POSITIVE"], [0, 1]),
        (["pos", "neg"], ["NEGATIVE", "POSITIVE"], [1, 0]),
        (["Positive", "negative "], ["NEGATIVE", "POSITIVE"], [1, 0]),
        (["positive"], ["NEGATIVE", "POSITIVE"], [1]),
        (["ham", "spam"], ["NEGATIVE", "POSITIVE"], None),
        (["p", "pos"], ["NEGATIVE", "POSITIVE"], None),
        (["pos"], ["POSITIVE_1", "POSITIVE_2"], None),
        (["", "x"], ["NEGATIVE", "POSITIVE"], None),
    ],
)
def test_matching_label_names(names, labels, expected):
    assert texts_module.match_labels(names, labels) == expected


def test_class_labels_match_by_name_even_in_another_order():
    label = pd.Series([0, 1, 1])
    found = texts_module._numbers(label, ["pos", "neg"], ["NEGATIVE", "POSITIVE"], "here")
    assert found.tolist() == [1, 0, 0]


def test_class_labels_without_telling_names_match_by_number():
    label = pd.Series([0, 1, 1])
    for names, ours in (
        (["1", "2"], ["NEGATIVE", "POSITIVE"]),
        (["ham", "spam"], ["LABEL_0", "LABEL_1"]),
    ):
        assert texts_module._numbers(label, names, ours, "here").tolist() == [0, 1, 1]
    with pytest.raises(UserError, match="labels must be the checkpoint's"):
        texts_module._numbers(label, ["ham", "spam"], ["NEGATIVE", "POSITIVE"], "here")


def test_a_changed_file_is_noticed(config, checkpoint, table, tmp_path):
    source = sources.resolve(config)
    rewrite(table, lambda rows: rows.iloc[::-1])
    with pytest.raises(UserError, match=r"dataset/sentences\.csv changed"):
        sources.read_texts(source, config)
    write_tiny_distilbert(checkpoint, seed=5)
    with pytest.raises(UserError, match=r"checkpoint/model\.safetensors changed"):
        sources.write_checkpoint(source, tmp_path / "written")
    assert not (tmp_path / "written").exists()


def test_another_architecture_is_refused(config, checkpoint):
    edit_json(checkpoint / "config.json", model_type="bert")
    assert "type 'bert'; only DistilBERT" in refusal(config)


def test_pickled_weights_are_refused(config, checkpoint):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    assert "only pickled weights (pytorch_model.bin)" in refusal(config)


def test_a_missing_head_is_refused(config, checkpoint):
    tensors = load_file(checkpoint / "model.safetensors")
    save_file(
        {name: tensor for name, tensor in tensors.items() if "classifier" not in name},
        checkpoint / "model.safetensors",
    )
    assert "no classification head" in refusal(config)


@pytest.mark.parametrize("layers", ["two", None])
def test_a_config_without_sizes_is_refused(config, checkpoint, layers):
    edit_json(checkpoint / "config.json", n_layers=layers)
    assert "config.json does not give DistilBERT's sizes" in refusal(config)


@pytest.mark.parametrize("names", [["a", "b"], {"1": "a", "2": "b"}, {"0": "a"}, "ab"])
def test_labels_that_are_not_numbered_from_zero_are_refused(config, checkpoint, names):
    edit_json(checkpoint / "config.json", id2label=names)
    assert "id2label in config.json must" in refusal(config)


def test_a_checkpoint_without_label_names_matches_by_number(config, checkpoint, table):
    edit_json(checkpoint / "config.json", id2label=None)
    rewrite(table, lambda rows: rows.assign(label=(rows["label"] == "positive").astype(int)))
    assert sources.resolve(config)["labels"] == ["LABEL_0", "LABEL_1"]


def test_an_incomplete_encoder_is_refused(config, checkpoint):
    edit_json(checkpoint / "config.json", n_layers=3)
    assert "lacks 16 tensors that config.json promises" in refusal(config)


def test_a_vocabulary_that_is_not_the_embeddings_is_refused(config, checkpoint):
    tensors = load_file(checkpoint / "model.safetensors")
    name = "distilbert.embeddings.word_embeddings.weight"
    tensors[name] = np.vstack([tensors[name], tensors[name][:1]])
    save_file(tensors, checkpoint / "model.safetensors")
    assert "the vocabulary does not match" in refusal(config)


def test_a_tokenizer_of_another_model_is_refused(config, checkpoint, tmp_path):
    words = (*VOCABULARY, "word")
    other = write_tiny_distilbert(tmp_path / "other", vocabulary=words)
    (checkpoint / "tokenizer.json").write_bytes((other / "tokenizer.json").read_bytes())
    message = refusal(config)
    assert f"the tokenizer has {len(words)} words, the embedding {len(VOCABULARY)}" in message


def test_damaged_weights_are_refused(config, checkpoint):
    content = (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "model.safetensors").write_bytes(content[:-100])
    assert "model.safetensors is damaged" in refusal(config)


def test_a_directory_without_checkpoint_is_refused(config, tmp_path):
    config["hub"]["checkpoint"] = str(tmp_path / "nothing")
    assert "has no config.json" in refusal(config)


def test_an_unknown_column_is_named_with_the_nearest(config):
    config["hub"]["text_column"] = "txt"
    message = refusal(config)
    assert "hub.text_column" in message
    assert "has no column 'txt'; did you mean 'text'?" in message


def test_a_split_that_a_file_does_not_have_is_refused(config):
    config["hub"]["evaluation_split"] = "test"
    assert "no split 'test'; it has train" in refusal(config)


def test_foreign_labels_are_refused(config, table):
    rewrite(table, lambda rows: rows.replace({"label": {"positive": "spam"}}))
    message = refusal(config)
    assert "hub.label_column" in message
    assert "negative, spam" in message
    assert "0 NEGATIVE, 1 POSITIVE" in message


def test_a_label_column_of_texts_makes_no_endless_message(config, table):
    rewrite(table, lambda rows: rows.assign(label=[f"{'word ' * 99}\n{n}" for n in range(96)]))
    assert len(refusal(config)) < 900


@pytest.mark.parametrize("number", [2, -1])
def test_a_label_number_out_of_range_is_refused(config, table, number):
    rewrite(table, lambda rows: rows.assign(label=[*np.arange(95) % 2, number]))
    message = refusal(config)
    assert f"(row 96: {number})" in message
    assert ("choose another split" in message) == (number == -1)


@pytest.mark.parametrize(
    ("column", "words"), [("text", "an empty text"), ("label", "no label"), ("film", "no group")]
)
def test_empty_cells_are_refused_by_row(config, table, column, words):
    def empty(rows):
        rows.loc[[4, 9], column] = "  " if column != "film" else ""
        return rows

    rewrite(table, empty)
    message = refusal(config)
    assert f"row 5 has {words}" in message
    assert "2 of 96 rows" in message


def test_an_unreadable_table_is_refused(config, table):
    table.write_bytes(b"text,label,film\n\xff\xfe,positive,a\n")
    assert "cannot be read as csv" in refusal(config)
    config["hub"]["dataset"] = str(table.parent / "nothing.csv")
    assert "there is no file" in refusal(config)
    config["hub"]["dataset"] = str(table.parent)
    assert "must then be a file ending in .csv, .jsonl, .parquet" in refusal(config)


def test_more_tokens_than_positions_are_refused(config):
    config["hub"]["padded_lengths"] = [65]
    assert "padded_lengths: 65" in refusal(config)


def test_more_examples_than_texts_are_refused(config):
    config["data"]["training_examples"] = 81
    message = refusal(config)
    assert "data.training_examples + data.evaluation_examples: 97" in message
    assert "there are 96 texts" in message


def test_one_class_is_refused(config, table):
    rewrite(table, lambda rows: rows[rows["label"] == "positive"])
    config["data"] |= {"training_examples": 16, "evaluation_examples": 8}
    assert "holds one class only" in refusal(config)
