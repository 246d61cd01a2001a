"""A real S3 server for tests: moto's server mode, in a process of its own, on a port of its own."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import botocore.session

_PROGRAM = """
import sys, time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("{}:{}".format(*server.get_host_and_port()), flush=True)
sys.stdin.read()
"""


class S3Server:
    """An S3 server.

    Attributes
    ----------
    environment
        Where it is and what opens it, for whoever opens a store in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with (folder / "s3.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", _PROGRAM],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        assert address, (folder / "s3.log").read_text()
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(8),
            "AWS_ENDPOINT_URL_S3": f"http://{address}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SPEAKSEP_STORE_CACHE": str(folder / "copies"),
        }

    def bucket(self) -> str:
        """URL of a place in a bucket of its own."""
        name = f"b{secrets.token_hex(6)}"
        client = botocore.session.get_session().create_client(
            "s3", "us-east-1", endpoint_url=self.environment["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        client.create_bucket(Bucket=name)
        client.close()
        return f"s3://{name}/speaksep"

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
