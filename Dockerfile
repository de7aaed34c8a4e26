# search-serve in a container; docs/deployment.md says how to run it. Tested without an engine by .ci/container-steps.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
# The address of PyTorch's CPU packages keeps gigabytes of GPU libraries out.
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /app/source
COPY . .
RUN python -m venv /app/venv \
 && /app/venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir /app/wheels .
RUN /app/venv/bin/python -m pip install --quiet --no-cache-dir --constraint constraints.txt /app/wheels/*.whl \
 && mkdir -p /app/data

FROM python:${PYTHON}-slim
ENV PATH=/app/venv/bin:$PATH \
    HOME=/app/data \
    SEARCH_COLLECTION=/app/data/collection \
    SEARCH_CACHE=/app/data/cache \
    SEARCH_KEYS=/app/data/keys.json \
    SEARCH_PORT=8000
COPY --from=build /app/venv /app/venv
COPY --from=build --chown=10001:10001 /app/data /app/data
WORKDIR /app/data
USER 10001:10001
VOLUME ["/app/data"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['SEARCH_PORT'] + '/health', timeout=4)"]
CMD ["search-serve", "--host", "0.0.0.0"]
