# Two images of the project, both for a user without rights (1000 is `node` in the base image):
#   proxy  bin/ and dist/ with the packages that the proxy needs: what `nodeproxy` is
#   lab    the sources of services, client and report, with the packages of the benchmarks; Node strips the types as it reads them
# Node 26 is in the base image, so the packages that bring it along elsewhere (optionalDependencies) are left out of both.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build

FROM node:26-slim AS proxy-packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26-slim AS lab-packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=optional --ignore-scripts

FROM node:26-slim AS proxy
ENV NODE_ENV=production
WORKDIR /app
COPY --from=proxy-packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
COPY compose/ready.ts ./compose/
# A volume that is mounted here for the first time takes over the owner.
RUN mkdir -p /var/log/nodeproxy && chown node:node /var/log/nodeproxy
USER 1000:1000
ENTRYPOINT ["node", "bin/nodeproxy.js"]
CMD ["run"]

FROM node:26-slim AS lab
WORKDIR /app
COPY --from=lab-packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY bench/harness ./bench/harness
COPY bench/report ./bench/report
COPY compose/*.ts ./compose/
COPY compose/client ./compose/client
USER 1000:1000
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning"]
CMD ["compose/service.ts"]
