# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What "ticketfrei version" says: the history of the source is not in here.
#   docker build --build-arg VERSION="$(git describe --tags --always --dirty)" .
ARG VERSION=""
# cgo for SQLite, linked statically and with the time zones built in, so that
# the program needs nothing beside it.
RUN CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo,timetzdata,sqlite_omit_load_extension \
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
EXPOSE 8080 2525
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/ticketfrei", "health"]
ENTRYPOINT ["/ticketfrei"]
