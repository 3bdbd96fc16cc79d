"""One full text turn, from the signed webhook to the TwiML, beside stock Rasa in the same run.

    uv run python benchmarks/turn.py [--turns N] [--skip-stock]

Ours: `spillway serve` in a process of its own, on SQLite; every message is claimed, triaged, answered by Rasa and stored before the
reply. Stock: Rasa 3.6.21 with DIET, the REST channel and its own SQL tracker store, on the same topics, in an environment with
Python 3.10 that the benchmark makes in `benchmarks/.stock` (skipped with a word when there is no Python 3.10). Its training takes
many minutes, so that its model and the time it took are kept there and used again while the topics are the same. Both get the same
questions, those of `tests/data/topics`, no text twice, over loopback from one client, one at a time, in conversations of six turns.
A table goes to standard output."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import yaml
from rich.console import Console
from rich.table import Table
from twilio.request_validator import RequestValidator

ROOT = Path(__file__).resolve().parent.parent
STOCK = ROOT / "benchmarks" / ".stock"
TURNS_A_CONVERSATION = 6
TOKEN = "0123456789abcdef0123456789abcdef"
QUESTIONS = ROOT / "tests" / "data" / "topics" / "questions.tsv"
WARM_UP = 20


@dataclass(frozen=True)
class Measured:
    """What one side took."""

    name: str
    start_s: float
    train_s: float | None
    median_ms: float
    p95_ms: float
    a_second: float
    memory_mb: float


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], limit: float) -> float:
    """Seconds until the server answers."""
    started = time.monotonic()
    while time.monotonic() - started < limit:
        if process.poll() is not None:
            sys.exit(f"The server at {url} ended with {process.returncode}.")
        try:
            if httpx.get(url, timeout=1).status_code < 500:
                return time.monotonic() - started
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    sys.exit(f"The server at {url} did not answer in {limit:.0f} s.")


def memory(process: subprocess.Popen[bytes]) -> float:
    """Resident megabytes of a process and its children."""
    parent = psutil.Process(process.pid)
    return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True))) / 1e6


def questions() -> list[str]:
    """What residents ask, in English and Spanish, in an order that has nothing to do with the topics. Not who asks for a person:
    after that the assistant is silent, and its turns cost less."""
    header, *rows = (line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines())
    text, expected = header.index("text"), header.index("expected")
    texts = list(dict.fromkeys(row[text] for row in rows if row[expected] != "talk_to_agent"))
    random.Random(7).shuffle(texts)
    return texts


def timings(send: Callable[[str, str, int], None], turns: int) -> tuple[float, float, float]:
    """Median, 95th percentile and turns a second of `turns` calls, after a warm-up. Each text is sent once."""
    texts = questions()
    if turns + WARM_UP > len(texts):
        sys.exit(f"There are {len(texts)} questions; measure at most {len(texts) - WARM_UP} turns.")
    for number in range(WARM_UP):
        send(f"w{number // TURNS_A_CONVERSATION}", texts.pop(), number)
    times = []
    started = time.perf_counter()
    for number in range(turns):
        before = time.perf_counter()
        send(f"c{number // TURNS_A_CONVERSATION}", texts.pop(), 100 + number)
        times.append((time.perf_counter() - before) * 1000)
    total = time.perf_counter() - started
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)], turns / total


def one_core(command: list[str]) -> list[str]:
    """The command held to one core where the system allows it, so that both sides have the same."""
    return ["taskset", "-c", "0", *command] if shutil.which("taskset") else command


def ours(turns: int, models: Path | None) -> Measured:
    """Spillway as it is served; with `models` given it does not train again."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        env = {**os.environ, "SPILLWAY_DATA_DIR": folder, "SPILLWAY_TWILIO_AUTH_TOKEN": TOKEN, "SPILLWAY_PUBLIC_URL": base}
        trained = None
        if models is None:
            train = time.monotonic()
            subprocess.run([sys.executable, "-m", "server.cli", "train"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
            trained = time.monotonic() - train
        else:
            shutil.copytree(models, Path(folder) / "models")
        # The first start also makes the database; the second is what an operator waits for.
        for attempt in (1, 2):
            command = one_core([sys.executable, "-m", "server.cli", "serve", "--port", str(port)])
            server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            start = wait_for(f"{base}/readyz", server, 120)
            if attempt == 1:
                server.terminate()
                server.wait(30)
        silent = 0
        sign = RequestValidator(TOKEN).compute_signature
        with httpx.Client(base_url=base) as client:

            def send(conversation: str, text: str, number: int) -> None:
                form = {
                    "MessageSid": f"SM{number:032d}",
                    "From": f"+1555{abs(hash(conversation)) % 10**7:07d}",
                    "To": "+15555550100",
                    "Body": text,
                    "NumMedia": "0",
                }
                headers = {"X-Twilio-Signature": sign(f"{base}/twilio/sms", form)}
                answer = client.post("/twilio/sms", data=form, headers=headers)
                if answer.status_code != 200:
                    sys.exit(f"Spillway answered {answer.status_code}: {answer.text[:200]}")
                nonlocal silent
                silent += "<Message" not in answer.text

            median, p95, rate = timings(send, turns)
        if silent > turns / 20:
            sys.exit(f"{silent} of {turns} turns were not answered by the assistant: they went to a person.")
        used = memory(server)
        server.terminate()
        server.wait(30)
        return Measured("Spillway", start, trained, median, p95, rate, used)


def stock_python() -> Path | None:
    """The Python of the stock environment, made on first use; nothing when there is no Python 3.10."""
    python = STOCK / "env" / "bin" / "python"
    if python.exists():
        return python
    base = shutil.which("python3.10")
    uv = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    if base is None or subprocess.run([base, "--version"], check=False, capture_output=True).returncode != 0:
        return None
    made = subprocess.run([uv, "venv", "--quiet", "--python", base, str(STOCK / "env")], check=False)
    installed = made.returncode == 0 and subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-config", "--python", str(python), "rasa==3.6.21"],
        cwd=STOCK,
        check=False,
    )
    return python if installed and installed.returncode == 0 else None


def write_stock_project(folder: Path) -> None:
    """The same topics as a stock Rasa project: examples, a rule and a canned answer each."""
    nlu, rules, responses = [], [], {}
    for path in sorted((ROOT / "knowledge" / "packs" / "core" / "topics").glob("*.yml")):
        topic = yaml.safe_load(path.read_text("utf-8"))
        intent = topic["intent"]
        examples = [*topic["examples"]["en"][:20], *topic["examples"]["es"][:12]]
        nlu.append({"intent": intent, "examples": "".join(f"- {text}\n" for text in examples)})
        rules.append({"rule": intent, "steps": [{"intent": intent}, {"action": f"utter_{intent}"}]})
        responses[f"utter_{intent}"] = [{"text": topic["messages"][-1]["en"]["sms"].replace("{", "").replace("}", "")}]
    files = {
        "data/nlu.yml": {"version": "3.1", "nlu": nlu},
        "data/rules.yml": {"version": "3.1", "rules": rules},
        "domain.yml": {"version": "3.1", "intents": [entry["intent"] for entry in nlu], "responses": responses},
        "credentials.yml": {"rest": None},
        "endpoints.yml": {"tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "tracker.db"}},
        "config.yml": {
            "recipe": "default.v1",
            "language": "en",
            "assistant_id": "stock",
            "pipeline": [
                {"name": "WhitespaceTokenizer"},
                {"name": "RegexFeaturizer"},
                {"name": "LexicalSyntacticFeaturizer"},
                {"name": "CountVectorsFeaturizer"},
                {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
                {"name": "DIETClassifier", "epochs": 30, "constrain_similarities": True},
                {"name": "FallbackClassifier", "threshold": 0.3},
            ],
            "policies": [{"name": "RulePolicy"}],
        },
    }
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


def trained_stock(python: Path) -> tuple[Path, float]:
    """The folder of the trained stock project, and the seconds that its training took."""
    folder = STOCK / "project"
    with tempfile.TemporaryDirectory() as name:
        write_stock_project(Path(name))
        learned = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(name).rglob("*.yml")))).hexdigest()
    note = folder / "trained.json"
    if note.exists() and (known := json.loads(note.read_text("utf-8")))["learned"] == learned:
        return folder, float(known["seconds"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_stock_project(folder)
    started = time.monotonic()
    done = subprocess.run(
        [str(python), "-m", "rasa", "train", "--quiet"], cwd=folder, env=stock_environment(), check=False, capture_output=True
    )
    if done.returncode:
        sys.exit(f"Stock Rasa could not train: {done.stderr.decode(errors='replace')[-600:]}")
    seconds = time.monotonic() - started
    note.write_text(json.dumps({"learned": learned, "seconds": seconds}), "utf-8")
    return folder, seconds


def stock_environment() -> dict[str, str]:
    """The environment of stock Rasa: one worker, quiet, nothing reported."""
    return {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "SANIC_WORKERS": "1"}


def stock(turns: int) -> Measured | None:
    """Rasa 3.6.21 as its makers ship it."""
    python = stock_python()
    if python is None:
        return None
    folder, trained = trained_stock(python)
    (folder / "tracker.db").unlink(missing_ok=True)
    port = free_port()
    command = one_core([str(python), "-m", "rasa", "run", "--port", str(port)])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=folder, env=stock_environment(), **quiet)
    base = f"http://127.0.0.1:{port}"
    start = wait_for(base, server, 300)
    with httpx.Client(base_url=base, timeout=30) as client:

        def send(conversation: str, text: str, _number: int) -> None:
            answer = client.post("/webhooks/rest/webhook", json={"sender": conversation, "message": text})
            if answer.status_code != 200:
                sys.exit(f"Stock Rasa answered {answer.status_code}: {answer.text[:200]}")

        median, p95, rate = timings(send, turns)
    used = memory(server)
    server.terminate()
    server.wait(30)
    return Measured("stock Rasa 3.6.21", start, trained, median, p95, rate, used)


def main() -> None:
    """Measures both and prints the table."""
    parser = argparse.ArgumentParser(description="One full text turn, beside stock Rasa.")
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--skip-stock", action="store_true")
    parser.add_argument("--models", type=Path, help="trained models to use instead of training")
    options = parser.parse_args()
    found = [ours(options.turns, options.models)]
    other = None if options.skip_stock else stock(options.turns)
    if other is not None:
        found.append(other)
    table = Table("one core, one client", *(each.name for each in found))
    for label, value in (
        ("turn, median", lambda m: f"{m.median_ms:.1f} ms"),
        ("turn, 95th percentile", lambda m: f"{m.p95_ms:.1f} ms"),
        ("turns a second", lambda m: f"{m.a_second:.0f}"),
        ("start to ready", lambda m: f"{m.start_s:.1f} s"),
        ("training", lambda m: "-" if m.train_s is None else f"{m.train_s:.0f} s"),
        ("memory", lambda m: f"{m.memory_mb:.0f} MB"),
    ):
        table.add_row(label, *(value(each) for each in found))
    console = Console()
    console.print(table)
    if other is None:
        console.print("Stock Rasa was not measured: it needs Python 3.10, which is not here, or it was skipped.")


if __name__ == "__main__":
    main()
