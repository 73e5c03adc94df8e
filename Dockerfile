# syntax=docker/dockerfile:1
# What the program is built with: the image by its digest, so that a build uses
# what was looked at. To renew it, take the newest patch and the digest that
#   docker buildx imagetools inspect golang:1.26.X-bookworm
# prints first.
ARG GO_IMAGE=golang:1.26.9-bookworm@sha256:d9c68c2c51161e12fd77e4c6320687c9cd86e1af1e3ad6e6cd63ff970641453c
FROM ${GO_IMAGE} AS build
# A newer patch than the image's. Go fetches it and checks it against its checksum database.
# "local" is the image's own.
ARG GO_TOOLCHAIN=go1.26.11
ENV GOTOOLCHAIN=${GO_TOOLCHAIN}
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What "ticketfrei version" says: the history of the source is not in here.
#   docker build --build-arg VERSION="$(git describe --tags --always --dirty)" .
ARG VERSION=""
# cgo for SQLite, linked statically, so that the program needs nothing beside it.
RUN CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo,sqlite_omit_load_extension \
    -ldflags "-s -w -linkmode external -extldflags -static -X ticketfrei/app.release=${VERSION}" -o /ticketfrei .
RUN mkdir -p /root-of-image/data /root-of-image/tmp && chmod 1777 /root-of-image/tmp

FROM scratch
ARG VERSION=""
LABEL org.opencontainers.image.title="Ticketfrei" \
      org.opencontainers.image.licenses="ISC" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# A volume that is new takes its owner from /data.
COPY --from=build --chown=65532:65532 /root-of-image/ /
COPY --from=build /ticketfrei /ticketfrei
USER 65532:65532
ENV TICKETFREI_DATA=/data
VOLUME /data
EXPOSE 8080 8443 2525
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/ticketfrei", "health"]
ENTRYPOINT ["/ticketfrei"]
