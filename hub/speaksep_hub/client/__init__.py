"""The service from Python: upload, diagnose, separate, follow, download. It needs httpx, nothing else of the platform.

Examples
--------
>>> from speaksep_hub.client import Client
>>> with Client("http://127.0.0.1:8000/services/speaksep", token) as speaksep:  # doctest: +SKIP
...     recording = speaksep.recordings.upload("talk.wav")
...     job = speaksep.recordings.separate(recording)
...     for event in speaksep.jobs.events(job):
...         print(event["stage"], event["fraction"])
...     speaksep.results.download(job, "talk-tracks")
"""

from speaksep_hub.client.client import Client
from speaksep_hub.client.errors import ServiceError, UploadInterrupted

__all__ = ["Client", "ServiceError", "UploadInterrupted"]
