"""What each page needs beside its own words: what it takes for granted, and what its placeholders stand for."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.shell import Scene

PICK = 'pick() { python -c "import json, sys; print(json.load(sys.stdin)$1)"; }\n'
"""Takes something out of what was printed as JSON."""
SHARE = '$(speaksep share list --json | pick \'["shares"][0]["id"]\')'

ALONE: Mapping[str, Scene] = {
    "cleaning": Scene(
        before="rm -r tracks",
        fills={
            "talk.wav -o tracks --clean  ": "talk.wav -o tracks1 --clean  ",
            "talk.wav -o tracks --clean hum": "talk.wav -o tracks2 --clean hum",
            "talk.wav -o tracks --clean denoise": "talk.wav -o tracks3 --clean denoise",
            '"tracks", clean=True': '"tracks4", clean=True',
            '"tracks", clean=("denoise",)': '"tracks5", clean=("denoise",)',
        },
        after="test $(ls tracks?/speaker_1.flac | wc -l) = 5",
    ),
    "dashboards": Scene(before="cp -r tracks quick; cp -r tracks best"),
    "edits": Scene(
        before="cp -r tracks again-from; speaksep export tracks --to textgrid -o labels\n"
        "speaksep edit again-from rename 1 Anna; cp again-from/edits.json .; cp -r tracks again\n"
        "speaksep edit tracks merge 1 2",
        fills={
            "--at 300": "--at 2",
            "merge 2 3 ": "merge 4 3 ",
            "reassign 12.5 14 --from 1 --to 2": "reassign 1 2 --from 1 --to 4",
            "noise 10 12": "noise 2 3",
            "12.5, 20, speakers=3": "3, 8, speakers=2",
            "boundary 1 end 12.5 12.9": "boundary 1 end $(awk '/speaker_1/ {print $4 + $5, $4 + $5 + 0.2; exit}' "
            "tracks/turns.rttm)",
            "12.5 20 --speakers 3": "3 8 --speakers 2",
            "fixed.TextGrid": "labels/*.TextGrid",
            "apply edits.json -o again": "apply edits.json -o anew",
            'edit("tracks"': 'edit("again"',
        },
        after="test -f anew/manifest.json",
    ),
    "exchange": Scene(
        fills={'"rocrate"], "for-anna"': '"rocrate"], "for-them"'},
        after="ls for-anna/meeting.TextGrid for-anna/meeting.eaf listen",
    ),
    "identification": Scene(
        before="rm -r tracks",
        fills={
            "/srv/team/voices.json": "team.json",
            'speaksep voices forget "Ada L."': 'speaksep voices forget "Ada L." | tee receipt',
            "RECEIPT": "$(grep -oE '[0-9a-f]{16,}' receipt | head -1)",
        },
    ),
    "jobs": Scene(
        before="printf 'source\\nrecordings/monday.wav\\n' > table.csv\n"
        "queued() { python -c 'from speaksep_kernel.jobs.queue import JobTable\n"
        "from speaksep_kernel.jobs.job import JobRequest\n"
        'print(JobTable.open().submit(JobRequest(notebook="separate", parameters={"source": "talk.wav"})).id)\'; }\n'
        "JOB=$(queued)",
        fills={
            "separate --table table.csv -o out": "separate --table table.csv -o other --no-summary",
            "51c4f1": "$JOB",
        },
        after="test -f out/report.html",
    ),
    "metrics": Scene(before="TOKEN=abc", after="test ${#SPEAKSEP_METRICS_KEY} = 64"),
    "plugins": Scene(
        fills={"check my-net": "check speaksep", "--separator my-net": "--separator speaksep", "talk.flac": "talk.wav"}
    ),
    "reports": Scene(
        before="for name in out out1 out2 out3 quick best; do cp -r tracks $name; done\n"
        "speaksep diagnose talk.wav --json > talk.json; mv batch results",
        after="ls meeting.html meeting.pdf talk.html results.html all.html two.html",
    ),
    "store": Scene(before="mkdir -p FOLDER/store; cp ~/.local/share/speaksep/jobs.sqlite3 FOLDER/"),
    "widgets": Scene(fills={"'tracks', plan=plan": "'tracks-of-plan', plan=plan"}),
}
"""Pages that need no platform and more than is on the desk, by name."""

PLATFORM: Mapping[str, Scene] = {
    "README": Scene(
        fills={
            "merge 1 3": "merge 1 2",
            "JOB --user": "$JOB --user",
            "recordings -o out  ": "recordings -o out --no-summary  ",
            '"tracks", speakers=3': '"three", speakers=3',
        }
    ),
    "backup": Scene(
        before="python -c 'import secrets; print(secrets.token_hex(32))' > backup.key; chmod 600 backup.key",
        fills={
            "backup restore --at": "backup restore --folder $PWD/restored --at",
            "/var/backups/speaksep": "$PWD/backups",
            "/etc/speaksep/backup.key": "$PWD/backup.key",
        },
        after="test -f restored/jobs.sqlite3",
    ),
    "deployment": Scene(
        before="printf '[hub]\\nurl = \"http://127.0.0.1:8000\"\\n' > hub.toml",
        fills={
            "/etc/speaksep/hub.toml": "$PWD/hub.toml",
            "OLD/bin/": "",
            "NEW/bin/": "",
            "from speaksep_hub import": "from traitlets.config import Config\nc = Config()\nfrom speaksep_hub import",
            "jupyterhub -f hub/": ": jupyterhub -f hub/",
        },
    ),
    "notices": Scene(
        before="echo ann@example.org > FILE",
        # What is still being sent when all of it is removed is not sent any more.
        fills={"speaksep notices show": "until speaksep notices show | grep sent; do sleep 0.2; done"},
    ),
    "protection": Scene(
        before=PICK,
        fills={
            "4711:9f86d081…": "$(speaksep audit verify --json | pick '[\"head\"]')",
            "body, _": "import hashlib, os\nline = open(os.environ['TRAIL']).readlines()[0]\nbody, _",
            "'\"}')": "'\"}') or 1 / 0",
        },
    ),
    "sharing": Scene(
        before=PICK,
        fills={
            "JOB JOB JOB": "$JOB $OTHER",
            "JOB JOB": "$JOB $OTHER",
            "recording JOB": "recording $JOB",
            "RECORDING": "$RECORDING",
            "BATCH": "$BATCH",
            "unlink SHARE LINK": f'unlink {SHARE} $(speaksep share show {SHARE} --json | pick \'["links"][0]["id"]\')',
            " SHARE": f" {SHARE}",
            "recording(job,": "recording(__import__('os').environ['JOB'],",
        },
    ),
    "tokens": Scene(
        before=f"{PICK}TOKEN=$SPEAKSEP_TOKEN; printf %s $TOKEN > ~/.speaksep-token; unset SPEAKSEP_TOKEN",
        fills={
            "https://hub.example.org/services/speaksep": "$SPEAKSEP_URL",
            "a17": '$(speaksep token list --token-in ~/.speaksep-token --json | pick \'["tokens"][-1]["id"]\')',
            "3f0c": '$(speaksep token list --file tokens.toml --json | pick \'["tokens"][-1]["id"]\')',
        },
    ),
}
"""Pages that speak of a platform, by name."""
