/** The images of databases; what runs in them is databases.ts. */
import { debian } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";

const ENTRYPOINT = (server: string): string =>
  `#!/bin/sh\nif [ "\${1#-}" != "$1" ]; then\n  set -- ${server} "$@"\nfi\nexec "$@"\n`;

export const databaseImages: readonly ImageDefinition[] = [
  defineImage({
    repository: "postgres",
    tags: ["latest", "17", "17.6", "16", "15", "14", "17-alpine", "16-alpine", "alpine"],
    description: "The PostgreSQL object-relational database system provides reliability and data integrity.",
    stars: 14_500,
    base: debian,
    created: "2026-01-21T09:00:00Z",
    layers: [
      { createdBy: "ENV PG_MAJOR=17" },
      { createdBy: "ENV PG_VERSION=17.6-1.pgdg13+1" },
      {
        createdBy: "RUN /bin/sh -c set -ex; apt-get install -y postgresql-17 # buildkit",
        files: {
          "/usr/lib/postgresql/17/bin/postgres": { program: "postgres" },
          "/usr/bin/pg_isready": { program: "pg_isready" },
          "/usr/bin/psql": { program: "psql" },
          "/var/lib/postgresql/data": { dir: 0o1777, uid: 999, gid: 999 },
        },
        size: 289_000_000,
      },
      { createdBy: "ENV PGDATA=/var/lib/postgresql/data" },
      { createdBy: "VOLUME [/var/lib/postgresql/data]" },
      {
        createdBy: "COPY docker-entrypoint.sh docker-ensure-initdb.sh /usr/local/bin/ # buildkit",
        files: { "/usr/local/bin/docker-entrypoint.sh": { script: ENTRYPOINT("postgres") } },
        size: 14_700,
      },
      { createdBy: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
      { createdBy: "STOPSIGNAL SIGINT" },
      { createdBy: "EXPOSE map[5432/tcp:{}]" },
      { createdBy: 'CMD ["postgres"]' },
    ],
    config: {
      Env: [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/17/bin",
        "PG_MAJOR=17",
        "PG_VERSION=17.6-1.pgdg13+1",
        "PGDATA=/var/lib/postgresql/data",
      ],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["postgres"],
      ExposedPorts: { "5432/tcp": {} },
      Volumes: { "/var/lib/postgresql/data": {} },
      StopSignal: "SIGINT",
    },
  }),
  defineMysql(
    "mysql",
    ["latest", "8.4", "8.0", "8", "9", "5.7"],
    "MYSQL_VERSION=8.4.6-1.el9",
    "MySQL is a widely used, open-source relational database management system (RDBMS).",
    15_800,
  ),
  defineMysql(
    "mariadb",
    ["latest", "11", "11.8", "10"],
    "MARIADB_VERSION=1:11.8.3+maria~ubu2404",
    "MariaDB Server is a high performing open source relational database, forked from MySQL.",
    6000,
  ),
  defineImage({
    repository: "mongo",
    tags: ["latest", "8", "8.0", "7", "6"],
    description: "MongoDB document databases provide high availability and easy scalability.",
    stars: 10_500,
    base: debian,
    created: "2026-01-21T09:00:00Z",
    layers: [
      {
        createdBy: "RUN /bin/sh -c set -x && apt-get install -y mongodb-org # buildkit",
        files: {
          "/usr/bin/mongod": { program: "mongod" },
          "/usr/bin/mongosh": { program: "mongosh" },
          "/data/db": { dir: 0o755 },
          "/data/configdb": { dir: 0o755 },
        },
        size: 690_000_000,
      },
      { createdBy: "VOLUME [/data/db /data/configdb]" },
      {
        createdBy: "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
        files: { "/usr/local/bin/docker-entrypoint.sh": { script: ENTRYPOINT("mongod") } },
        size: 14_100,
      },
      { createdBy: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
      { createdBy: "EXPOSE map[27017/tcp:{}]" },
      { createdBy: 'CMD ["mongod"]' },
    ],
    config: {
      Env: [PATH_ENV, "MONGO_VERSION=8.0.13"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["mongod"],
      ExposedPorts: { "27017/tcp": {} },
      Volumes: { "/data/configdb": {}, "/data/db": {} },
    },
  }),
];

function defineMysql(
  repository: string,
  tags: readonly string[],
  version: string,
  description: string,
  stars: number,
): ImageDefinition {
  const server = repository === "mysql" ? "mysqld" : "mariadbd";
  return defineImage({
    repository,
    tags,
    description,
    stars,
    base: debian,
    created: "2026-01-21T09:00:00Z",
    layers: [
      { createdBy: `ENV ${version}` },
      {
        createdBy: `RUN /bin/sh -c set -eux; install ${repository}-server # buildkit`,
        files: {
          [`/usr/sbin/${server}`]: { program: "mysqld" },
          "/usr/bin/mysqladmin": { program: "mysqladmin" },
          "/usr/bin/mysql": { program: "mysql" },
          "/var/lib/mysql": { dir: 0o1777, uid: 999, gid: 999 },
        },
        size: 620_000_000,
      },
      { createdBy: "VOLUME [/var/lib/mysql]" },
      {
        createdBy: "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
        files: { "/usr/local/bin/docker-entrypoint.sh": { script: ENTRYPOINT(server) } },
        size: 14_200,
      },
      { createdBy: 'ENTRYPOINT ["docker-entrypoint.sh"]' },
      { createdBy: "EXPOSE map[3306/tcp:{} 33060/tcp:{}]" },
      { createdBy: `CMD ["${server}"]` },
    ],
    config: {
      Env: [PATH_ENV, version],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: [server],
      ExposedPorts: { "3306/tcp": {}, "33060/tcp": {} },
      Volumes: { "/var/lib/mysql": {} },
    },
  });
}
