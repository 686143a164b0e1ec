# Two stages: the first builds a virtual environment, the second holds nothing but Python, that environment and a user.
# `.ci/image` runs these steps without an engine: keep to COPY and RUN.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY sources sources
COPY rules rules
COPY alerts alerts
COPY monitor monitor
RUN python -m venv /opt/mentiond \
    && /opt/mentiond/bin/pip install --no-cache-dir -c constraints.txt . \
    && /opt/mentiond/bin/pip uninstall --yes pip \
    && /opt/mentiond/bin/python -m compileall -q /opt/mentiond/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data mentiond \
    && mkdir /data && chown mentiond /data \
    && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip
COPY --from=build /opt/mentiond /opt/mentiond
USER mentiond
WORKDIR /data
# The only place that is written to: the configuration is mounted at /data/config.yaml, the SQLite store lies beside it.
VOLUME /data
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/opt/mentiond/bin/python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["/opt/mentiond/bin/mentiond"]
CMD ["run", "-c", "/data/config.yaml"]
