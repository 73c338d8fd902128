# The service, built from a clone: docker build -t lookalike .
# Runs as an ordinary user, with a read-only root file system if asked; everything that lasts is in /data.

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
# Parquet files need another 170 MB: docker build --build-arg EXTRAS=cluster,postgres,models,parquet .
ARG EXTRAS=cluster,postgres,models
WORKDIR /src
RUN python -m venv --without-pip /opt/lookalike
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# What is installed is the clone itself, which has no version to pin.
# hadolint ignore=DL3013
RUN pip --python /opt/lookalike/bin/python install ".[${EXTRAS}]" \
    && /opt/lookalike/bin/python -m compileall -q /opt/lookalike/lib

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Lookalike" \
      org.opencontainers.image.description="Compare, describe, search and group pictures that look alike" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin lookalike \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/lookalike /opt/lookalike
# Two arenas: what many threads needed at once goes back sooner, half as much stays after a rush.
ENV PATH=/opt/lookalike/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    HOME=/data \
    LOOKALIKE_WORKSPACE=/data/workspace \
    LOOKALIKE_CACHE=/data/cache \
    LOOKALIKE_HOST=0.0.0.0 \
    LOOKALIKE_PORT=8080 \
    LOOKALIKE_LOG_FORMAT=json
USER 10001:10001
VOLUME /data
EXPOSE 8080 9082
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["lookalike"]
CMD ["serve", "--also-port", "9082"]
