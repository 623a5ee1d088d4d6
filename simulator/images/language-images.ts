/** The images of programming languages; what runs in them is languages.ts. */
import { debian } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";

export const PYTHON = "3.13.7";
export const NODE = "22.20.0";

export const languageImages: readonly ImageDefinition[] = [
  defineImage({
    repository: "node",
    tags: [
      "latest",
      "22",
      "22-alpine",
      "22-slim",
      "20",
      "20-alpine",
      "20-slim",
      "18",
      "18-alpine",
      "lts",
      "lts-alpine",
      "alpine",
      "slim",
      "24",
      "24-alpine",
    ],
    description: "Node.js is a JavaScript-based platform for server-side and networking applications.",
    stars: 13_900,
    base: debian,
    created: "2026-01-09T09:00:00Z",
    layers: [
      { createdBy: `ENV NODE_VERSION=${NODE}` },
      {
        createdBy: "RUN /bin/sh -c set -ex && install node # buildkit",
        files: {
          "/usr/local/bin/node": { program: "node" },
          "/usr/local/bin/npm": { program: "npm" },
          "/usr/local/bin/npx": { program: "npm" },
          "/home/node": { dir: 0o755, uid: 1000, gid: 1000 },
        },
        size: 190_000_000,
      },
      {
        createdBy: "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
        files: {
          "/usr/local/bin/docker-entrypoint.sh": {
            script:
              '#!/bin/sh\nset -e\nif [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then\n  set -- node "$@"\nfi\nexec "$@"\n',
          },
        },
        size: 388,
      },
      { createdBy: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
      { createdBy: 'CMD ["node"]' },
    ],
    config: {
      Env: [PATH_ENV, `NODE_VERSION=${NODE}`, "YARN_VERSION=1.22.22"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["node"],
    },
  }),
  defineImage({
    repository: "python",
    tags: [
      "latest",
      "3",
      "3.13",
      "3.13-slim",
      "3.13-alpine",
      "3.12",
      "3.12-slim",
      "3.12-alpine",
      "3.11",
      "3.11-slim",
      "3.10-slim",
      "3.9-slim",
      "slim",
      "alpine",
      "3-slim",
      "3-alpine",
    ],
    description: "Python is an interpreted, interactive, object-oriented, open-source programming language.",
    stars: 10_200,
    base: debian,
    created: "2025-12-30T09:00:00Z",
    layers: [
      { createdBy: `ENV PYTHON_VERSION=${PYTHON}` },
      {
        createdBy: "RUN /bin/sh -c set -eux; install python # buildkit",
        files: {
          "/usr/local/bin/python3": { program: "python3" },
          "/usr/local/bin/python": { link: "python3" },
          "/usr/local/bin/pip": { program: "pip" },
          "/usr/local/bin/pip3": { link: "pip" },
          "/usr/local/lib/python3.13/site-packages": { dir: 0o755 },
        },
        size: 44_000_000,
      },
      { createdBy: 'CMD ["python3"]' },
    ],
    config: {
      Env: [
        "PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        `PYTHON_VERSION=${PYTHON}`,
      ],
      Cmd: ["python3"],
    },
  }),
];
