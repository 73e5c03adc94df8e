# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=""
# cgo for SQLite, linked statically so that the program needs nothing else.
RUN CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo,sqlite_omit_load_extension \
    -ldflags "-s -w -linkmode external -extldflags -static -X main.release=${VERSION}" -o /ticketfrei .
RUN mkdir /empty

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /ticketfrei /ticketfrei
# A volume that is new takes its owner from here.
COPY --from=build --chown=65532:65532 /empty /data
ENV TICKETFREI_DATA=/data
VOLUME /data
EXPOSE 8080 2525
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/ticketfrei", "health"]
ENTRYPOINT ["/ticketfrei"]
