# The server's image: what is locked in uv.lock, under a numeric user, with nothing to write but /data and /tmp.
#
# The base is pinned by its version; put the digest that your registry shows behind it (FROM python:…@sha256:…)
# where builds have to be the same to the bit. docs/operations.md says how it is run.
ARG PYTHON=3.11.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/scelle \
    UV_PYTHON_DOWNLOADS=never
RUN ["python", "-m", "pip", "install", "uv==0.13.9", "hatchling==1.27.0"]
WORKDIR /src
# First what changes rarely: everything that the server needs, at the versions and hashes of the lock file.
COPY pyproject.toml uv.lock ./
RUN ["uv", "sync", "--frozen", "--no-dev", "--no-install-project", "--extra", "server"]
# Then Scellé itself, as the wheel that people install.
COPY README.md LICENSE ./
COPY keys keys
COPY vault vault
COPY client client
RUN ["uv", "build", "--wheel", "--no-build-isolation", "--python", "/usr/local/bin/python", "--out-dir", "/dist"]
RUN ["uv", "pip", "install", "--python", "/opt/scelle/bin/python", "--no-deps", "--no-index", "--find-links", "/dist", "scelle"]
RUN ["install", "-d", "-m", "0700", "-o", "10001", "-g", "10001", "/empty"]

FROM python:${PYTHON} AS runtime
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Scellé" \
      org.opencontainers.image.description="A vault of sealed evidence that it cannot read" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/scelle /opt/scelle
# A volume that is mounted here for the first time takes over the owner.
COPY --from=build --chown=10001:10001 /empty /data
ENV PATH=/opt/scelle/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    SCELLE_DATA=/data \
    SCELLE_HOST=0.0.0.0 \
    SCELLE_PORT=8440
VOLUME ["/data"]
WORKDIR /data
EXPOSE 8440
STOPSIGNAL SIGTERM
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/opt/scelle/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8440/livez', timeout=5)"]
ENTRYPOINT ["/opt/scelle/bin/scelle"]
CMD ["serve"]
