# The local stack in a container, for those who want no Rust: `docker compose up` (compose.yaml). What runs on AWS is not
# made of this; `sam build` makes that.
ARG RUST=rust:1.95-slim-bookworm
ARG DEBIAN=debian:bookworm-slim

FROM ${RUST} AS build
# aws-lc and SQLite are C.
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /broadsheet
COPY . .
RUN cargo build --locked --package local && cp target/debug/broadsheet /usr/local/bin/broadsheet

FROM ${DEBIAN}
# The AWS SDK does not start without root certificates, although nothing leaves the container.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/broadsheet /usr/local/bin/broadsheet
# Nobody in particular, who can write nothing but the data.
RUN mkdir /data && chown 65534:65534 /data
USER 65534:65534
VOLUME /data
EXPOSE 3000 9000
ENTRYPOINT ["broadsheet", "--host", "0.0.0.0", "--open-mailbox", "--files-port", "9000", "--data", "/data"]
