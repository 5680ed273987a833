# Fieldgate in a container. Build:  docker build -t fieldgate .
#
# Run, with a configuration whose `server.listen` is 0.0.0.0:8080 (which needs an `auth` section, and `server.tls` or a proxy in
# `server.trusted_proxies`, or tokens cross the network in clear text; config/secure.yaml is a sample):
#
#   docker run -d --name fieldgate -p 8080:8080 --device /dev/ttyACM0 \
#       -v "$PWD/etc:/etc/fieldgate:ro" -v fieldgate-state:/var/lib/fieldgate fieldgate
#
# with that configuration at etc/fieldgate.yaml. `docker kill -s HUP fieldgate` reads it again, `docker stop` ends politely.

# The wheel holds no machine code, so it is built on the machine that builds, whatever the machine that runs.
FROM --platform=$BUILDPLATFORM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY gateway ./gateway
COPY device_sims ./device_sims
# The build fetches the dashboard's chart library with npm, which comes from the Python index where the system has none.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .


FROM python:3.12-slim-bookworm

# dialout owns serial ports on Debian and Raspberry Pi OS, with the same number here as there.
RUN groupadd --system --gid 990 fieldgate \
    && useradd --system --uid 990 --gid fieldgate --groups dialout --no-create-home --home-dir /var/lib/fieldgate \
        --shell /usr/sbin/nologin fieldgate \
    && install -d -o fieldgate -g fieldgate -m 0700 /var/lib/fieldgate \
    && install -d /etc/fieldgate

RUN --mount=type=bind,from=build,source=/dist,target=/dist \
    pip install --no-cache-dir --root-user-action=ignore /dist/*.whl

ENV PYTHONUNBUFFERED=1 \
    STATE_DIRECTORY=/var/lib/fieldgate
VOLUME /var/lib/fieldgate
EXPOSE 8080
USER fieldgate

# Asks the port of EXPOSE: a configuration with another one, or with TLS, needs a health check of its own (--health-cmd).
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8080, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]

# Exec form: the gateway is process 1 and gets SIGTERM itself.
ENTRYPOINT ["fieldgate"]
CMD ["run", "/etc/fieldgate/fieldgate.yaml"]
