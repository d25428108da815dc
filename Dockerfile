# syntax=docker/dockerfile:1

# Node's own image, so the packages of developers, among them the Node from npm, stay out of the last stage.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY prisma.config.ts ./
COPY prisma prisma
COPY scripts scripts
RUN node scripts/prepare.mjs

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not `npm ci --omit=dev`: it keeps prisma and typescript, 250 MB, because @prisma/client names them as
# optional peers. The versions are those of package-lock.json all the same.
RUN npm pkg delete devDependencies && npm install --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json package-lock.json LICENSE* ./
COPY scripts scripts
COPY prisma/schema.prisma prisma/schema.prisma
COPY prisma/migrations prisma/migrations
COPY src src
COPY --from=build /app/src/store/generated src/store/generated
# The one folder it writes to: generated secrets, and the embedded PostgreSQL when there is no DATABASE_URL.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "src/main.ts"]
