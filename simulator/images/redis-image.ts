/** The image of redis; what runs in it is redis.ts. */
import { debian } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";

const ENTRYPOINT = '#!/bin/sh\nset -e\nif [ "${1#-}" != "$1" ]; then\n  set -- redis-server "$@"\nfi\nexec "$@"\n';

export const redis: ImageDefinition = defineImage({
  repository: "redis",
  tags: ["latest", "8.0", "8", "8.0.2", "7", "7.4", "7.2", "alpine", "7-alpine", "8-alpine", "6.2", "6"],
  description: "Redis is the world’s fastest data platform for caching, vector search, and NoSQL databases.",
  stars: 13_000,
  base: debian,
  created: "2026-02-24T10:34:32.993218635Z",
  layers: [
    { createdBy: "ENV REDIS_VERSION=8.0.2" },
    { createdBy: "COPY debs /tmp/debs # buildkit", files: { "/tmp/debs": { dir: 0o755 } }, size: 1_795_720 },
    {
      createdBy: "RUN /bin/sh -c dpkg -i /tmp/debs/*.deb && rm -rf /tmp/debs # buildkit",
      files: {
        "/usr/local/bin/redis-server": { program: "redis-server" },
        "/usr/local/bin/redis-cli": { program: "redis-cli" },
      },
      removed: ["/tmp/debs"],
      size: 8_969_527,
    },
    { createdBy: "VOLUME [/data]" },
    { createdBy: "WORKDIR /data", files: { "/data": { dir: 0o755 } }, size: 0 },
    {
      createdBy: "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
      files: { "/usr/local/bin/docker-entrypoint.sh": { script: ENTRYPOINT } },
      size: 203,
    },
    { createdBy: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
    { createdBy: "EXPOSE [6379/tcp]" },
    { createdBy: 'CMD ["redis-server"]' },
  ],
  config: {
    Env: [PATH_ENV, "REDIS_VERSION=8.0.2"],
    Entrypoint: ["docker-entrypoint.sh"],
    Cmd: ["redis-server"],
    ExposedPorts: { "6379/tcp": {} },
    Volumes: { "/data": {} },
    WorkingDir: "/data",
  },
});
