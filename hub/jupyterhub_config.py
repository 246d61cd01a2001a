"""A JupyterHub with SpeakSep: ``jupyterhub -f hub/jupyterhub_config.py``.

Everything is set in one file, named by ``SPEAKSEP_HUB_CONFIG``, and by variables ``SPEAKSEP_HUB__SECTION__NAME``;
docs/deployment.md lists them. What is set below ``install`` wins over both.
"""

from speaksep_hub import install

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub gives it
install(c)
