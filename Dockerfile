# docker build -t weir . && docker run --rm -p 8080:8080 -v ./weir.yaml:/etc/weir/weir.yaml:ro weir
#
# The first stage builds with the scripts that everyone else uses; the second has the program, the
# libraries that it needs, and nothing to build with.
FROM debian:12 AS build
WORKDIR /weir
COPY scripts/setup scripts/setup
RUN scripts/setup build package && rm -rf /var/lib/apt/lists/*
COPY . .
RUN scripts/build release weir && mkdir /package && WEIR_PACKAGE_DIR=/package scripts/package

FROM debian:12-slim
# The service manager of the package is not wanted here: it stays out with what is only recommended.
RUN --mount=type=bind,from=build,source=/package,target=/package \
    apt-get update -qq \
    && apt-get install --yes --no-install-recommends -qq ca-certificates /package/*.deb \
    && rm -rf /var/lib/apt/lists/*
COPY packaging/container.yaml /etc/weir/weir.yaml
ENV RUNTIME_DIRECTORY=/run/weir
RUN install -d -o weir -g weir /run/weir
USER weir
EXPOSE 8080
# SIGTERM drains: connections end in order, within the drain timeout. `docker stop` waits 10 s unless
# told otherwise (--stop-timeout).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["weir", "status"]
ENTRYPOINT ["weir"]
CMD ["run", "/etc/weir/weir.yaml", "--drain-timeout", "8s"]
