"""Files that a playbook names by URL: fetched once, pinned in slipway.lock, the same ever after."""

import hashlib
import http.server
import threading
from pathlib import Path

from harness import Case, unittest

MANIFEST = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
URL = "https://files.example.org/releases/app.yaml"


class Shelf:
    """An HTTP server with these answers: path -> bytes, a status, or a place to go to. Counts what is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.asked: list[str] = []
        shelf = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.asked.append(self.path)
                answer = shelf.answers.get(self.path, 404)
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if isinstance(answer, bytes):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                elif isinstance(answer, str):
                    self.send_response(302)
                    self.send_header("Location", answer)
                    self.end_headers()
                else:
                    self.send_response(answer)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Downloads(Case):
    def setUp(self) -> None:
        self.shelf = Shelf()
        self.addCleanup(self.shelf.close)

    def declares(self, options: str, **inventory: object):
        site = self.site(f'require "kube/manifest".call "app" {{ {options} }}', each=False)
        return site.inventory(**inventory)

    def mirrored(self, body: object = MANIFEST % b"one"):
        self.shelf.answers["/files.example.org/releases/app.yaml"] = body
        return self.declares(f'url = "{URL}"', downloads={"mirror": self.shelf.url})

    def lock(self, site) -> Path:
        return site.directory / "slipway.lock"

    def test_fetched_once_and_pinned(self):
        site = self.mirrored()
        site.run("validate").expect(0, "1 resource", f"fetching {URL}")
        digest = hashlib.sha256(MANIFEST % b"one").hexdigest()
        self.assertIn(f"  {URL}: {digest}", self.lock(site).read_text())
        site.run("validate").expect(0, "1 resource", without=("fetching",))
        self.assertEqual(len(self.shelf.asked), 1)

    def test_another_file_behind_the_url_is_refused(self):
        site = self.mirrored()
        site.run("validate").expect(0)
        before = self.lock(site).read_text()
        cached = next((site.state / "downloads").iterdir())
        cached.write_bytes(b"damaged")
        site.run("validate").expect(0, "fetching")  # a damaged copy is fetched anew
        cached.unlink()
        self.shelf.answers["/files.example.org/releases/app.yaml"] = MANIFEST % b"two"
        site.run("validate").expect(3, "not what was pinned", "somebody changed the file")
        self.assertEqual(self.lock(site).read_text(), before)
        self.assertFalse(cached.exists())

    def test_a_bundle_needs_no_network(self):
        site = self.declares(f'url = "{URL}"', downloads={"bundle": "files", "mirror": self.shelf.url})
        place = site.directory / "files/files.example.org/releases"
        place.mkdir(parents=True)
        (place / "app.yaml").write_bytes(MANIFEST % b"one")
        site.run("validate").expect(0, "1 resource", without=("fetching",))
        self.assertIn(URL, self.lock(site).read_text())
        (place / "app.yaml").write_bytes(MANIFEST % b"two")
        site.run("validate").expect(3, "is not what was pinned")
        (place / "app.yaml").write_bytes(b"#" * (33 << 20))
        site.run("validate").expect(1, "app.yaml' is larger than", "32 MiB")
        self.assertEqual(self.shelf.asked, [])

    def test_a_hash_that_is_given(self):
        self.shelf.answers["/app.yaml"] = MANIFEST % b"one"
        digest = hashlib.sha256(MANIFEST % b"one").hexdigest()
        url = self.shelf.url + "/app.yaml"
        self.declares(f'url = "{url}"').run("validate").expect(3, "without https nobody knows who answers")
        self.declares(f'url = "{url}", sha256 = "{"0" * 64}"').run("validate").expect(3, f"its SHA-256 is {digest}, wanted 0000")
        self.declares(f'url = "{url}", sha256 = "{digest[:-1]}"').run("validate").expect(1, "64 hexadecimal digits wanted")
        site = self.declares(f'url = "{url}", sha256 = "{digest}"')
        site.run("validate").expect(0, "1 resource")
        self.assertFalse(self.lock(site).exists())
        self.lock(site).write_text(f"downloads:\n  {url}: {'a' * 64}\n")
        site.run("validate").expect(3, "is pinned to another SHA-256")

    def test_answers(self):
        place = "/files.example.org/releases/app.yaml"
        site = self.mirrored([503, 429, MANIFEST % b"one"])
        site.run("validate").expect(0)
        self.assertEqual(len(self.shelf.asked), 3)
        self.mirrored(404).run("validate").expect(1, "the server answered 404")
        self.shelf.answers["/there"] = MANIFEST % b"one"
        self.mirrored(f"{self.shelf.url}/there").run("validate").expect(0)
        self.mirrored(self.shelf.url + place).run("validate").expect(1, "more than 5 redirects")
        self.mirrored("file:///etc/passwd").run("validate").expect(3, "is not followed")
        self.mirrored(b"#" * (33 << 20)).run("validate").expect(1, "32 MiB")
        self.mirrored(b"a: [").run("validate").expect(1, URL)

    def test_a_stranger_fetches_nothing(self):
        site = self.mirrored()
        site.run("plan", "--untrusted").expect(3, "nothing is fetched for a stranger's playbook")
        self.assertEqual(self.shelf.asked, [])

    def test_a_stranger_reads_nothing_through_a_bundle(self):
        site = self.declares(f'url = "{URL}"', downloads={"bundle": "files"})
        outside = site.directory.parent / (site.directory.name + "-outside")
        (outside / "files.example.org/releases").mkdir(parents=True)
        (outside / "files.example.org/releases/app.yaml").write_bytes(MANIFEST % b"private")
        place = site.directory / "files/files.example.org/releases"
        place.mkdir(parents=True)
        (place / "app.yaml").symlink_to(outside / "files.example.org/releases/app.yaml")
        site.run("validate", "--untrusted").expect(3, "of a stranger's bundle leads out of it", without=("private",))
        for bundle in (f"../{outside.name}", str(outside)):
            site.inventory(downloads={"bundle": bundle})
            site.run("validate", "--untrusted").expect(3, "'downloads.bundle' of a stranger's inventory leads out", without=("private",))
        (place / "app.yaml").unlink()
        (place / "app.yaml").write_bytes(MANIFEST % b"one")
        site.inventory(downloads={"bundle": "files"})
        site.run("validate", "--untrusted").expect(0, "1 resource")
        self.assertFalse(self.lock(site).exists())  # nothing is pinned for one

    def test_the_lock_is_checked(self):
        for text, words in (
            ("downloads: [", "slipway.lock"),
            ("other: 1", "slipway.lock:1"),
            (f"downloads:\n  {URL}: abc", "slipway.lock:2"),
            ("x" * (2 << 20), "slipway.lock"),
        ):
            site = self.mirrored()
            self.lock(site).write_text(text)
            site.run("validate").expect(1, words)
            self.assertEqual(self.lock(site).read_text(), text)

    def test_urls(self):
        for url in ("ftp://x/y", "https://x", "https://x/", "https://x/../y", "https://../y", "https://./y", "https://x//y", "https://x/a b", "https://u@x/y", "https://x/" + "y" * 3000):
            self.declares(f'url = "{url}"').run("validate").expect(1, "https://HOST/PATH wanted")

    def test_a_directory(self):
        site = self.declares('source = "objects"')
        place = site.directory / "objects"
        place.mkdir()
        site.run("validate").expect(1, "holds no")
        for name in ("a.yaml", "b.yml", "c.json", ".hidden.yaml", "readme.txt"):
            (place / name).write_bytes(b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}' % name[0].encode())
        site.run("validate").expect(0, "3 resources")
        self.declares('source = "absent"').run("validate").expect(1, "absent")
        self.declares('source = "../x"').run("validate").expect(3, "leads out")


if __name__ == "__main__":
    unittest.main()
