"""Renders GET /docs in Chromium, with the script from npm in place of the CDN: it must have the hash that the page names,
and the page must list the operations. Writes docs/api.png."""

import base64
import hashlib
import http.server
import re
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).parent.parent
HANDLER = ROOT / "shared/api/src/handlers/docs"
DOCUMENT = ROOT / "shared/api/src/openapi/openapi.json"
PICTURE = ROOT / "docs/api.png"


def run(*command: str, folder: Path = ROOT) -> str:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        sys.exit(f"docs-page: {command[0]} is not installed (needed: npm, openssl, chromium)")
    except subprocess.CalledProcessError as error:
        sys.exit(f"docs-page: {command[0]} failed: {error.stderr.strip().splitlines()[-1:]}")


def server(files: dict[str, tuple[str, bytes]], headers: dict[str, str], certificate: Path | None = None) -> int:
    """Serves files on a free port of the loopback address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = files.get(urlparse(self.path).path, ("text/plain", b""))
            self.send_response(200 if content else 404)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return listening.server_port


def main() -> None:
    page = (HANDLER / "page.html").read_text()
    policy = re.search(r'POLICY: &str = "(.*?)";', (HANDLER / "get_docs.rs").read_text(), re.S)[1]
    policy = re.sub(r"\\\n\s*", "", policy)
    url, package, file = re.search(r'src="(https://[^/]+/npm/([^/]+)/([^"]+))"', page).groups()
    integrity = re.search(r'integrity="sha384-([^"]+)"', page)[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = run("npm", "pack", "--silent", package, folder=folder).strip()
        run("tar", "xzf", archive, folder=folder)
        script = (folder / "package" / file).read_bytes()
        found = base64.b64encode(hashlib.sha384(script).digest()).decode()
        if found != integrity:
            sys.exit(f"docs-page: {package}/{file} has the hash sha384-{found}, the page names sha384-{integrity}")
        certificate = folder / "certificate.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=cdn", "-keyout", str(certificate), "-out", str(folder / "public.pem"))
        certificate.write_bytes(certificate.read_bytes() + (folder / "public.pem").read_bytes())
        scripts = {urlparse(url).path: ("text/javascript", script)}
        cdn = server(scripts, {"Access-Control-Allow-Origin": "*"}, certificate)
        pages = {"/docs": ("text/html; charset=utf-8", page.encode()), "/v1/openapi.json": ("application/json", DOCUMENT.read_bytes())}
        api = server(pages, {"Content-Security-Policy": policy})
        chromium = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", f"--user-data-dir={folder / 'profile'}",
                    f"--host-resolver-rules=MAP {urlparse(url).netloc}:443 127.0.0.1:{cdn}", "--window-size=1400,900", "--virtual-time-budget=20000"]
        shown = run(*chromium, "--dump-dom", f"http://127.0.0.1:{api}/docs")
        missing = [words for words in ("Create a task", "Complete a task", "Send a message to a user") if words not in shown]
        if missing:
            sys.exit(f"docs-page: the page does not show {', '.join(missing)}")
        run(*chromium, f"--screenshot={PICTURE}", f"http://127.0.0.1:{api}/docs")
    print(f"docs-page: {package} has the hash that the page names, and the page lists the operations: {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
