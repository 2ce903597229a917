# One image for every program: `docker run flashcast PROGRAM ...`. Builds with BuildKit and with the classic builder.

FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
ARG REVISION=
RUN node tools/build.mjs

FROM node:24-trixie-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

# The distribution that the node image is made of, with node alone: no npm, no headers.
FROM debian:trixie-slim
RUN apt-get -qq update \
 && apt-get -qq -y --no-install-recommends install libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/* \
 && groupadd --gid 10001 flashcast \
 && useradd --uid 10001 --gid flashcast --no-create-home --home-dir /app --shell /usr/sbin/nologin flashcast \
 && mkdir /app && ln -s /app/dist/bin/flashcast.js /usr/local/bin/flashcast
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY deploy/docker/healthcheck /usr/local/bin/healthcheck
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY package.json LICENSE ./
COPY --from=build /app/dist dist
ENV NODE_ENV=production
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8545 9000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["healthcheck"]
# tini hands signals on and reaps what a program leaves behind.
ENTRYPOINT ["tini", "--", "flashcast"]
CMD ["proxy"]
ARG REVISION=
LABEL org.opencontainers.image.title="flashcast" \
      org.opencontainers.image.description="Fan-out for flashblock streams" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="$REVISION"
