# Two stages: the first builds a virtual environment, the second holds nothing but Python, that environment and a user.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY sources sources
COPY rules rules
COPY alerts alerts
COPY monitor monitor
RUN python -m venv /opt/mentiond \
    && /opt/mentiond/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data mentiond \
    && mkdir /data && chown mentiond /data
COPY --from=build /opt/mentiond /opt/mentiond
USER mentiond
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/mentiond/bin/mentiond"]
# The configuration is mounted at /data/config.yaml; the SQLite store lies beside it.
CMD ["run", "-c", "/data/config.yaml"]
