"""A Hugging Face Hub on loopback, for huggingface_hub and datasets to talk to unchanged.

It speaks what they ask of the real one: repository information, revisions, tree listings, paths
information, listings of the Parquet copy, and files by HEAD, GET and ranges, with the headers that
pin a file to a commit. Files that the Hub keeps in large-file storage are redirected, as there, to
another address.

    with HubServer() as hub:
        commit = hub.publish("model", "owner/name", directory)
        ...                      # with HF_ENDPOINT=hub.endpoint in the environment
"""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

PARQUET_COPY = "refs/convert/parquet"
LARGE = (".safetensors", ".parquet", ".bin", ".h5")


@dataclass
class Repository:
    """The commits (commit -> path -> bytes) and branches (name -> commit) of one repository."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    token: str | None = None


@dataclass
class Fault:
    """What goes wrong, a number of times, for requests whose path contains `path`."""

    path: str
    times: int
    status: int | None = None
    cut_after: int | None = None


class HubServer:
    """The server; `requests` lists what it was asked: method, path, headers (lower case)."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.silent = threading.Event()  # set: connections are taken, nothing is answered
        self.closing = threading.Event()

    def __enter__(self) -> "HubServer":
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        # By another host name, as the real storage is another host: tokens must not go there.
        self.storage = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def publish(
        self, kind: str, name: str, content: Path | dict[str, bytes], branch: str = "main"
    ) -> str:
        """Add a commit with a directory's files to a "model" or "dataset"; gives its number."""
        if isinstance(content, Path):
            content = {
                path.relative_to(content).as_posix(): path.read_bytes()
                for path in sorted(content.rglob("*"))
                if path.is_file()
            }
        digest = hashlib.sha1(name.encode())
        for path, data in sorted(content.items()):
            digest.update(path.encode() + hashlib.sha256(data).digest())
        repository = self.repositories.setdefault((kind, name), Repository())
        repository.commits[digest.hexdigest()] = dict(content)
        repository.branches[branch] = digest.hexdigest()
        return digest.hexdigest()

    def fail(self, path: str, status: int, times: int = 1) -> None:
        """Answer with a status instead, `times` times, where the path contains `path`."""
        self.faults.append(Fault(path, times, status=status))

    def cut(self, path: str, after: int, times: int = 1) -> None:
        """Drop the connection after so many bytes of a file, `times` times."""
        self.faults.append(Fault(path, times, cut_after=after))

    def clear(self) -> None:
        """Forget all repositories, faults and requests."""
        self.repositories.clear()
        self.faults.clear()
        self.requests.clear()
        self.silent.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.hub.requests.append((self.command, self.path, headers))
        while self.hub.silent.is_set() and not self.hub.closing.wait(0.05):
            pass
        fault = self._fault()
        if fault and fault.status:
            self._send(fault.status, b"out of order")
            return
        cut_after = fault.cut_after if fault else None
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts[0] == "parquet":
            self._parquet_copy(parse_qs(url.query)["dataset"][0])
        elif parts[0] == "cdn":
            self._cdn(parts[1], cut_after)
        elif parts[0] == "api" and parts[1] in ("models", "datasets"):
            self._api(parts[1][:-1], parts[2:], parse_qs(url.query), body)
        elif "resolve" in parts:
            kind, start = ("dataset", 1) if parts[0] == "datasets" else ("model", 0)
            at = parts.index("resolve")
            self._resolve(
                kind, "/".join(parts[start:at]), parts[at + 1], "/".join(parts[at + 2 :]), cut_after
            )
        else:
            self._send(404, b"")

    def _fault(self) -> Fault | None:
        for fault in self.hub.faults:
            applies = fault.path in unquote(self.path) and fault.times > 0
            if applies and (fault.status or self.command == "GET"):
                fault.times -= 1
                return fault
        return None

    def _find(self, kind: str, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit and its files, or None after having answered that there is none."""
        repository = self.hub.repositories.get((kind, name))
        token = repository and repository.token
        if repository is None or (token and self.headers["Authorization"] != f"Bearer {token}"):
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return None
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit, repository.commits[commit]

    def _api(self, kind: str, parts: list[str], query: dict[str, list[str]], body: bytes) -> None:
        # owner/name, then what is asked about it
        name, rest = "/".join(parts[:2]), parts[2:]
        question, revision = (rest[0], rest[1]) if len(rest) > 1 else ("revision", "main")
        found = self._find(kind, name, revision)
        if found is None:
            return
        commit, files = found
        if question == "revision":
            sized = query.get("blobs") == ["true"]
            answer: object = {
                "id": name,
                "sha": commit,
                "private": False,
                "gated": False,
                "disabled": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "siblings": [
                    {"rfilename": path} | ({"size": len(data)} if sized else {})
                    for path, data in sorted(files.items())
                ],
            }
        elif question == "tree":
            answer = self._entries(files, "/".join(rest[2:]), "recursive=true" in self.path.lower())
        else:  # paths-info
            content = self.headers.get("Content-Type", "")
            asked = (json.loads(body) if "json" in content else parse_qs(body.decode()))["paths"]
            everything = {entry["path"]: entry for entry in self._entries(files, "", True)}
            answer = [everything[path] for path in asked if path in everything]
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _parquet_copy(self, name: str) -> None:
        """The files of refs/convert/parquet, as the data set viewer lists them."""
        found = self._find("dataset", name, "main")
        copy = found and self._find("dataset", name, PARQUET_COPY)
        if copy is None:
            return
        listed = []
        for path, data in sorted(copy[1].items()):
            configuration, split, file = path.split("/")
            url = f"{self.hub.endpoint}/datasets/{name}/resolve/{quote(PARQUET_COPY, '')}/{path}"
            listed.append(
                {
                    "dataset": name,
                    "config": configuration,
                    "split": split,
                    "url": url,
                    "filename": file,
                    "size": len(data),
                }
            )
        answer = {"parquet_files": listed, "pending": [], "failed": [], "partial": False}
        self._send(200, json.dumps(answer).encode(), {"X-Revision": found[0]})

    @staticmethod
    def _entries(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict]:
        prefix = f"{folder}/" if folder else ""
        entries = {}
        for path, data in sorted(files.items()):
            if not path.startswith(prefix):
                continue
            parents = path[len(prefix) :].split("/")[:-1]
            for depth in range(len(parents)):
                parent = prefix + "/".join(parents[: depth + 1])
                if recursive or depth == 0:
                    oid = hashlib.sha1(parent.encode()).hexdigest()
                    entries[parent] = {"type": "directory", "oid": oid, "size": 0, "path": parent}
            if recursive or not parents:
                entries[path] = {"type": "file", "size": len(data), "path": path} | _object(
                    path, data
                )
        return list(entries.values())

    def _resolve(
        self, kind: str, name: str, revision: str, path: str, cut_after: int | None
    ) -> None:
        found = self._find(kind, name, revision)
        if found is None:
            return
        commit, files = found
        headers = {"X-Repo-Commit": commit}
        if path not in files:
            self._send(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
            return
        data = files[path]
        large = _object(path, data).get("lfs")
        if large:
            headers |= {
                "X-Linked-ETag": f'"{large["oid"]}"',
                "X-Linked-Size": str(len(data)),
                "Location": f"{self.hub.storage}/cdn/{large['oid']}?name={path}",
            }
            self._send(302, b"", headers)
        else:
            headers["ETag"] = f'"{_object(path, data)["oid"]}"'
            self._send_file(data, headers, cut_after)

    def _cdn(self, oid: str, cut_after: int | None) -> None:
        for repository in self.hub.repositories.values():
            for files in repository.commits.values():
                for data in files.values():
                    if hashlib.sha256(data).hexdigest() == oid:
                        self._send_file(data, {"ETag": f'"{oid}"'}, cut_after)
                        return
        self._send(404, b"")

    def _send_file(self, data: bytes, headers: dict[str, str], cut_after: int | None) -> None:
        status, total = 200, len(data)
        headers = headers | {"Accept-Ranges": "bytes"}
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            first, _, last = asked[len("bytes=") :].partition("-")
            start, end = int(first), min(int(last or total - 1), total - 1)
            status, data = 206, data[start : end + 1]
            headers["Content-Range"] = f"bytes {start}-{end}/{total}"
        self._send(status, data, headers, cut_after)

    def _send(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
        cut_after: int | None = None,
    ) -> None:
        try:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[:cut_after])
            if cut_after is not None:
                self.close_connection = True
        except (BrokenPipeError, ConnectionResetError):  # the other side hung up
            self.close_connection = True


def _object(path: str, data: bytes) -> dict:
    """Git's number of a file, and the large-file storage's where it is kept there."""
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if not path.endswith(LARGE):
        return {"oid": oid}
    large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return {"oid": oid, "lfs": large}
