"""How the client behaves when the connection to the server does not."""

from __future__ import annotations

import io
import socket
from pathlib import Path
from typing import Any, List

import pytest
from fake_server import serving

from stepwell import client as client_module
from stepwell import errors
from stepwell.client import Address, Client


def _client(url: str, **options: Any) -> Client:
    return Client(Address(url, "secret", None), **options)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_requests_carry_the_token_and_share_a_connection() -> None:
    with serving(lambda *_: (200, {"ok": True})) as server:
        client = _client(server.url)
        for _ in range(5):
            assert client.get("/runs", limit=3, cursor=None, latest=True) == {"ok": True}
        assert server.connections == 1
        assert server.seen[0][1] == "/api/v1/runs?limit=3&latest=true"
        assert server.headers_seen[0]["authorization"] == "Bearer secret"


def test_a_safe_request_is_repeated_when_the_connection_breaks() -> None:
    answers: List[Any] = [None, None, (200, {"n": 3})]
    with serving(lambda *_: answers.pop(0)) as server:
        assert _client(server.url).get("/runs") == {"n": 3}


def test_a_post_without_a_key_is_sent_once() -> None:
    with serving(lambda *_: None) as server:
        with pytest.raises(errors.ServerUnreachable, match="does not answer"):
            _client(server.url).post("/runs/interactive", {})
        assert len(server.seen) == 1


def test_a_submission_is_repeated_under_one_key() -> None:
    answers: List[Any] = [None, (201, {"id": "r"})]
    with serving(lambda *_: answers.pop(0)) as server:
        assert _client(server.url).submit({"experiment": "e", "steps": []}) == {"id": "r"}
        keys = {headers["idempotency-key"] for headers in server.headers_seen}
        assert len(server.seen) == 2 and len(keys) == 1


def test_an_answer_of_the_server_becomes_the_error_of_its_code() -> None:
    reply = {"error": {"code": "not_found", "message": "no such run", "hint": "look again"}}
    with serving(lambda *_: (404, reply)) as server:
        with pytest.raises(errors.NotFound) as caught:
            _client(server.url).get("/runs/x")
    assert (caught.value.code, caught.value.status) == ("not_found", 404)
    assert str(caught.value) == "no such run\nhint: look again"


def test_a_server_that_is_gone_is_found_again_at_its_new_address() -> None:
    with serving(lambda *_: (200, {"here": True})) as server:
        moved = Address(server.url, "new", None)
        gone = f"http://127.0.0.1:{_free_port()}"
        client = _client(gone, find_again=lambda: moved)
        assert client.post("/runs/interactive", {}) == {"here": True}
        assert client.token == "new"


def test_a_token_that_is_no_longer_right_is_asked_for_again() -> None:
    def answer(*_: Any) -> Any:
        right = server.headers_seen[-1]["authorization"] == "Bearer new"
        return (200, {"here": True}) if right else (401, {})

    with serving(answer) as server:
        client = _client(server.url, find_again=lambda: Address(server.url, "new", None))
        assert client.get("/runs") == {"here": True}


def test_a_server_that_stays_away_is_named_with_what_to_do(monkeypatch: Any) -> None:
    monkeypatch.setattr(client_module, "PATIENCE_S", 0.2)
    url = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(errors.ServerUnreachable) as caught:
        _client(url).get("/runs")
    assert url in str(caught.value) and "STEPWELL_URL" in caught.value.hint


def test_every_code_of_the_server_has_a_class() -> None:
    source = Path(__file__).parents[3] / "crates" / "api" / "src" / "error.rs"
    listed = source.read_text().split("pub const ALL", 1)[1]
    names = [word.strip(" ,") for word in listed.split("Self::")[1:] if word.strip()]
    variants = [name.split(",")[0].split("]")[0].strip() for name in names]
    codes = {"".join("_" + c.lower() if c.isupper() else c for c in v).strip("_") for v in variants}
    assert len(codes) == 13
    assert codes == set(errors.BY_CODE)


def test_a_file_that_breaks_off_is_fetched_again_and_never_left_half(tmp_path: Path) -> None:
    def answer(*_: Any) -> Any:
        return (200, b"x" * 3_000_000) if len(server.seen) > 1 else None

    target = tmp_path / "deep" / "model.bin"
    with serving(answer) as server:
        _client(server.url).save("/runs/r/files/a b.bin", str(target))
        assert server.seen[0][1] == "/api/v1/runs/r/files/a%20b.bin"
    assert target.stat().st_size == 3_000_000
    assert [path.name for path in target.parent.iterdir()] == ["model.bin"]


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(lambda *_: (404, {"error": {"code": "not_found", "message": "no"}})) as server:
        with pytest.raises(errors.NotFound):
            _client(server.url).save("/runs/r/files/x", str(tmp_path / "x"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_sent_again_from_where_it_began() -> None:
    answers: List[Any] = [None, (201, {})]
    source = io.BytesIO(b"head-body")
    source.read(5)
    with serving(lambda *_: answers.pop(0)) as server:
        _client(server.url).send_file("/runs/r/files/x", source)
        assert [body for _, _, body in server.seen] == [b"body", b"body"]


def test_events_go_on_after_a_break() -> None:
    def answer(method: str, path: str, body: Any) -> Any:
        if path == "/api/v1/health":
            return 200, {}
        streams = {
            "/api/v1/runs/r/events?after=0": b'id: 7\ndata: {"status": "Running"}\n\n: quiet\n\n',
            "/api/v1/runs/r/events?after=7": b'id: 9\ndata: {"status": "Completed"}\n\n',
        }
        first = not any("after=0" in seen for _, seen, _ in server.seen[:-1])
        return None if path.endswith("after=0") and first else (200, streams[path])

    with serving(answer) as server:
        client = _client(server.url)
        assert list(client.events("/runs/r/events")) == [(7, {"status": "Running"})]
        assert list(client.events("/runs/r/events", 7)) == [(9, {"status": "Completed"})]
