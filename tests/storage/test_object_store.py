"""The same guarantees hold over S3's protocol, with a real server and a network that loses replies."""

import socket
import threading
from collections.abc import Iterator

import llcray_storage as ls
import pytest
from llcray_storage.store.settings import open_store


class DroppingProxy:
    """A proxy to a port that loses the reply to some PUT requests after the server acted, and refuses others.

    Attributes:
        lose: Parts of the paths whose next PUT loses its reply.
        refuse: Parts of the paths whose next PUT is refused, each with the answer.
        num_lost: Number of replies lost so far.
        hidden_headers: Headers that are not forwarded.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.lose: list[bytes] = []
        self.refuse: list[tuple[bytes, bytes]] = []
        self.num_lost = 0
        self.hidden_headers: tuple[bytes, ...] = (b"connection:",)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Serve one request per connection: read it whole, refuse it or forward it, and return or lose the reply."""
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            head, body = _read_message(client)
            if not head:
                return
            for index, (name, answer) in enumerate(self.refuse):
                if head.startswith(b"PUT") and name in head.split(b"\r\n")[0]:
                    del self.refuse[index]
                    client.sendall(answer)
                    return
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(self.hidden_headers)]
            head = b"\r\n".join(kept)
            server.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) + body)
            reply = b"".join(iter(lambda: server.recv(65536), b""))
            for name in self.lose:
                if head.startswith(b"PUT") and name in head.split(b"\r\n")[0]:
                    self.lose.remove(name)
                    self.num_lost += 1
                    return
            first, separator, rest = reply.partition(b"\r\n\r\n")
            client.sendall(first + b"\r\nConnection: close" + separator + rest)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _read_message(source: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        received = source.recv(65536)
        if not received:
            return b"", b""
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = int(lengths[0]) if lengths else 0
    while len(body) < wanted:
        body += source.recv(65536)
    return head + b"\r\n\r\n", body


def answer(status: str, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.fixture
def proxy(s3_port: int, s3_environment: str, monkeypatch) -> Iterator[DroppingProxy]:
    running = DroppingProxy(s3_port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.port}")
    yield running
    running.close()


@pytest.fixture
def bucket(s3_environment: str) -> str:
    return s3_environment


@pytest.fixture
def s3_dataset(bucket: str, worker) -> ls.Dataset:
    dataset = ls.Dataset.create_or_open(bucket)
    for n in range(3):
        dataset.write_run(worker.row_of(n), worker.chains_of(n))
    return dataset


def seen(root: str) -> list[tuple[str, float]]:
    return ls.scan_runs(root).select("run_id", "llc").collect().sort("run_id").rows()


def test_a_dataset_lives_in_a_bucket(s3_dataset, bucket, worker):
    assert not s3_dataset.write_run(worker.row_of(1), worker.chains_of(1)).created
    before = seen(bucket)
    assert before == [(f"run{n:05d}", float(n)) for n in range(3)]
    assert ls.scan_draws(bucket, run_id="run00001").collect()["centered_loss"][0][0] == 1.0
    ls.compact(bucket)
    ls.vacuum(bucket, grace_seconds=-60.0)
    assert seen(bucket) == before
    assert ls.scan_draws(bucket, run_id="run00001").collect().height == 2
    assert ls.verify(bucket, deep=True).findings == ()


def test_a_target_lives_in_a_bucket(s3_dataset, worker):
    import numpy as np

    s3_dataset.write_target({"target_id": "t1"}, {"w": np.arange(3.0)})
    found = s3_dataset.read_target("t1")
    assert found is not None and found[1]["w"].tolist() == [0.0, 1.0, 2.0]
    assert s3_dataset.read_target("t2") is None


def test_processes_that_write_the_same_runs_to_a_bucket_leave_each_once(bucket, processes, worker):
    ls.Dataset.create_or_open(bucket)
    pids = [processes.start(do="write", root=bucket, count=6, seed=seed) for seed in range(3)]
    assert [processes.wait(pid) for pid in pids] == [0, 0, 0]
    assert seen(bucket) == [(f"run{n:05d}", float(n)) for n in range(6)]
    assert ls.scan_draws(bucket).collect().height == 12


@pytest.mark.parametrize("lost", [b"/draws/", b"/runs/", b"/manifest/", b"llcray.json"])
def test_a_lost_acknowledgement_is_recognised_as_our_own_write(bucket, proxy, worker, lost):
    """The client retries and is told that the object exists, although the client itself wrote it."""
    proxy.lose = [lost]
    dataset = ls.Dataset.create_or_open(bucket)
    assert dataset.write_run(worker.row_of(1), worker.chains_of(1)).created
    ls.compact(bucket)
    assert proxy.num_lost == 1
    assert seen(bucket) == [("run00001", 1.0)]
    assert ls.verify(bucket, deep=True).findings == ()


@pytest.mark.parametrize(
    ("status", "code"),
    [("503 Slow Down", "SlowDown"), ("409 Conflict", "ConditionalRequestConflict"), ("500 Error", "InternalError")],
)
def test_a_server_that_is_busy_is_asked_again(bucket, proxy, worker, status, code):
    dataset = ls.Dataset.create_or_open(bucket)
    proxy.refuse = [(b"/runs/", answer(status, code)), (b"/draws/", answer(status, code))]
    assert dataset.write_run(worker.row_of(1), worker.chains_of(1)).created
    assert proxy.refuse == []
    assert seen(bucket) == [("run00001", 1.0)]


def test_a_store_that_overwrites_is_refused_before_compute(bucket, proxy):
    """Stores without conditional PUT ignore the header `If-None-Match`."""
    proxy.hidden_headers = (b"connection:", b"if-none-match:")
    with pytest.raises(ls.StorageError, match=r"does not refuse a second write .* conditional PUT"):
        ls.Dataset.create_or_open(bucket)


def test_permission_lost_mid_write_is_one_line_and_a_rerun_completes(bucket, proxy, worker):
    dataset = ls.Dataset.create_or_open(bucket)
    proxy.refuse = [(b"/runs/", answer("403 Forbidden", "AccessDenied"))]
    with pytest.raises(ls.StorageError, match=r"(?s)^storage 's3://[^\n]*was not written[^\n]*credentials[^\n]*$"):
        dataset.write_run(worker.row_of(1), worker.chains_of(1))
    assert seen(bucket) == []
    assert dataset.write_run(worker.row_of(1), worker.chains_of(1)).created
    assert seen(bucket) == [("run00001", 1.0)]


def test_a_bucket_that_does_not_exist_is_found_before_compute(s3_environment):
    with pytest.raises(ls.StorageError, match=r"(?s)^storage 's3://no-such-bucket/x' cannot be written[^\n]*$"):
        ls.Dataset.create_or_open("s3://no-such-bucket/x")


def test_a_profile_carries_the_options_of_the_store(s3_environment, s3_port, tmp_path, monkeypatch, worker):
    for name in ("AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION"):
        monkeypatch.delenv(name)
    profile = tmp_path / "lab.yaml"
    profile.write_text(
        f"uri: {s3_environment}\n"
        f"options: {{aws_endpoint_url: 'http://127.0.0.1:{s3_port}', aws_allow_http: true, aws_region: us-east-1}}\n"
    )
    ls.Dataset.create_or_open(profile).write_run(worker.row_of(1), worker.chains_of(1))
    assert ls.finished(profile, "storm") == {"run00001": "done"}
    assert ls.scan_draws(profile).collect().height == 2


def test_a_dataset_in_memory_serves_one_process(worker):
    root = "memory://test_object_store"
    dataset = ls.Dataset.create_or_open(root)
    dataset.write_run(worker.row_of(1), worker.chains_of(1))
    ls.compact(root)
    ls.vacuum(root, grace_seconds=-60.0)
    assert seen(root) == [("run00001", 1.0)]
    assert ls.scan_draws(root).collect().height == 2
    assert ls.verify(root, deep=True).findings == ()


@pytest.mark.parametrize("place", ["local", "s3"])
def test_names_that_begin_with_a_text_are_found_among_any_others(place, tmp_path, request):
    """A prefix of S3 ends at a slash for this client, so names are listed from a place on."""
    uri = str(tmp_path) if place == "local" else request.getfixturevalue("s3_environment")
    store = open_store(uri)
    for name in ("t-a1.g1", "t-a1.g2", "t-a10.g1", "t-a.g1", "t-b.g1", "aa/t-a1.g9", "u/t-a1.g1"):
        store.put_if_absent(f"targets/{name}", name.encode())
    assert sorted(store.names_with_prefix("targets", "t-a1.g")) == ["t-a1.g1", "t-a1.g2"]
    assert store.names_with_prefix("targets", "t-c.g") == store.names_with_prefix("nowhere", "t-") == []
    assert store.exists("targets/t-b.g1") and not store.exists("targets/t-c.g1")
