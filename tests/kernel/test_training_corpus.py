"""Corpora that can be read, and those that cannot."""

import csv
import tarfile

import numpy as np
import pytest
import soundfile

from speaksep_kernel.errors import InputError
from speaksep_kernel.testing import voices
from speaksep_kernel.testing.voices import CLIPS, RATE_HZ
from speaksep_kernel.training.corpus import from_voices, read_corpus, read_shards, read_speaker_folders


@pytest.fixture
def folders(tmp_path):
    """A folder of three speakers' sub-folders: opus, wav and stereo flac at another rate."""
    root = tmp_path / "voices"
    for name in ("allison", "carlo", "june"):
        (root / name).mkdir(parents=True)
    for clip in sorted(CLIPS.glob("allison_*.opus")):
        (root / "allison" / clip.name).write_bytes(clip.read_bytes())
    for number, speech in enumerate(voices()["carlo"]):
        soundfile.write(root / "carlo" / f"{number}.wav", speech, RATE_HZ)
    for number, speech in enumerate(voices()["june"]):
        soundfile.write(root / "june" / f"{number}.flac", np.stack([speech, speech], 1)[::2], RATE_HZ // 2)
    return root


def test_speaker_folders_of_any_format_and_rate(folders):
    corpus = read_speaker_folders(folders)
    assert corpus.speakers == ("allison", "carlo", "june")
    expected_s = sum(len(speech) for speech in voices()["june"]) / RATE_HZ
    assert corpus.length[2] / RATE_HZ == pytest.approx(expected_s, abs=0.01)
    assert np.sqrt(np.mean(corpus.speech(1) ** 2)) == pytest.approx(0.05, rel=0.02)


def test_the_end_of_every_speakers_speech_is_held_out(folders):
    whole = read_speaker_folders(folders)
    train, valid = read_corpus(folders)
    joined = [np.concatenate([train.speech(who), valid.speech(who)]) for who in range(3)]
    assert all(np.array_equal(joined[who], whole.speech(who)) for who in range(3))
    assert valid.hours == pytest.approx(whole.hours / 5, rel=1e-3)


def shards(root, members):
    root.mkdir()
    with tarfile.open(root / "one.tar", "w") as tar:
        for clip in sorted(CLIPS.glob("*.opus")):
            tar.add(clip, clip.name)
    with (root / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shard", "member", "speaker", "split"])
        writer.writerows(["one.tar", name, name.split("_")[0], split] for name, split in members)
    return root


def test_shards_are_read_by_split(tmp_path):
    clips = sorted(path.name for path in CLIPS.glob("*.opus"))
    split = {"allison": "valid", "carlo": "valid"}
    root = shards(tmp_path / "corpus", [(name, split.get(name.split("_")[0], "train")) for name in clips])
    train, valid = read_corpus(root)
    assert train.speakers == ("ivrvoice", "june", "librivox")
    assert valid.speakers == ("allison", "carlo")


def test_a_manifest_that_names_a_missing_member(tmp_path):
    root = shards(tmp_path / "corpus", [("allison_1.opus", "train"), ("nobody_1.opus", "train")])
    with pytest.raises(InputError, match=r"nobody_1\.opus"):
        read_shards(root, "train")


def test_a_shard_that_is_no_archive(tmp_path):
    root = shards(tmp_path / "corpus", [("allison_1.opus", "train")])
    (root / "one.tar").write_bytes(b"not a tar")
    with pytest.raises(InputError, match=r"one\.tar") as caught:
        read_shards(root, "train")
    assert caught.value.reason == "bad-corpus"


def test_a_split_nobody_is_in(tmp_path):
    root = shards(tmp_path / "corpus", [("allison_1.opus", "train")])
    with pytest.raises(InputError, match="0 speaker") as caught:
        read_shards(root, "valid")
    assert caught.value.reason == "too-few-speakers"


def test_a_manifest_without_a_needed_column(tmp_path):
    (tmp_path / "manifest.csv").write_text("shard,member,split\n")
    with pytest.raises(InputError, match="'speaker'"):
        read_shards(tmp_path, "train")


def test_one_speaker_cannot_be_mixed():
    with pytest.raises(InputError, match="1 speaker") as caught:
        from_voices({"carlo": voices()["carlo"]})
    assert caught.value.reason == "too-few-speakers"


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "cannot decode"), (b"RIFF but no more", "cannot decode")], ids=["no-bytes", "broken"]
)
def test_files_that_cannot_be_decoded(folders, content, says):
    (folders / "carlo" / "bad.wav").write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_corpus(folders)
    assert "bad.wav" in caught.value.error


@pytest.mark.parametrize(("samples", "says"), [([], "is empty"), ([0.1, np.nan], "NaN")], ids=["no-samples", "nan"])
def test_files_without_usable_samples(folders, samples, says):
    soundfile.write(folders / "carlo" / "bad.wav", np.array(samples), RATE_HZ, subtype="FLOAT")
    with pytest.raises(InputError, match=says):
        read_corpus(folders)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        read_corpus(tmp_path / "missing")
