/** The images of nginx; what runs in them is nginx.ts. */
import { alpine, debian } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";

const INDEX = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`;

const CONF = `user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
`;

const DEFAULT_SITE = `server {
    listen       80;
    listen  [::]:80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`;

const ENTRYPOINT =
  "#!/bin/sh\nset -e\necho '/docker-entrypoint.sh: Configuration complete; ready for start up'\nexec \"$@\"\n";

const OFFICIAL_ENTRYPOINT = `#!/bin/sh
set -e
me=/docker-entrypoint.sh
if [ "$1" = "nginx" ]; then
  echo "$me: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"
  echo "$me: Looking for shell scripts in /docker-entrypoint.d/"
  echo "$me: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh"
  echo "10-listen-on-ipv6-by-default.sh: info: IPv6 listen already enabled"
  echo "$me: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh"
  echo "$me: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh"
  echo "$me: Launching /docker-entrypoint.d/30-tune-worker-processes.sh"
  echo "$me: Configuration complete; ready for start up"
fi
exec "$@"
`;

const files = {
  "/usr/sbin/nginx": { program: "nginx" },
  "/etc/nginx/nginx.conf": CONF,
  "/etc/nginx/mime.types": "types {\n    text/html html htm shtml;\n    text/css css;\n}\n",
  "/etc/nginx/conf.d/default.conf": DEFAULT_SITE,
  "/usr/share/nginx/html/index.html": INDEX,
  "/usr/share/nginx/html/50x.html":
    "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<h1>An error occurred.</h1>\n</body>\n</html>\n",
  "/var/log/nginx/access.log": { link: "/dev/stdout" },
  "/var/log/nginx/error.log": { link: "/dev/stderr" },
  "/var/cache/nginx": { dir: 0o755 },
  "/usr/bin/curl": { program: "curl" },
} as const;

const config = (version: string, release: string) => ({
  Env: [PATH_ENV, `NGINX_VERSION=${version}`, `PKG_RELEASE=${release}`],
  Entrypoint: ["/docker-entrypoint.sh"],
  Cmd: ["nginx", "-g", "daemon off;"],
  ExposedPorts: { "80/tcp": {} },
  Labels: { maintainer: "NGINX Docker Maintainers <docker-maint@nginx.com>" },
  StopSignal: "SIGQUIT",
});

/** The stand-in of the recordings: its entrypoint is short and its notices are quiet. */
export const recordedNginx: ImageDefinition = defineImage({
  repository: "nginx",
  tags: ["latest", "1.26"],
  description: "Official build of Nginx.",
  stars: 20_900,
  base: debian,
  created: "2026-02-24T10:34:31.828916076Z",
  layers: [
    { createdBy: "LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>" },
    { createdBy: "ENV NGINX_VERSION=1.26.3" },
    { createdBy: "ENV PKG_RELEASE=1~trixie" },
    { createdBy: "COPY debs /tmp/debs # buildkit", files: { "/tmp/debs": { dir: 0o755 } }, size: 2_958_048 },
    {
      createdBy:
        "RUN /bin/sh -c dpkg -i /tmp/debs/*.deb && rm -rf /tmp/debs && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log && cp /usr/share/nginx/html/index.html /var/www/html/index.html || true # buildkit",
      files,
      removed: ["/tmp/debs"],
      size: 11_710_555,
    },
    {
      createdBy: "COPY docker-entrypoint.sh / # buildkit",
      files: { "/docker-entrypoint.sh": { script: ENTRYPOINT } },
      size: 93,
    },
    { createdBy: 'ENTRYPOINT ["/docker-entrypoint.sh"]' },
    { createdBy: "EXPOSE [80/tcp]" },
    { createdBy: "STOPSIGNAL SIGQUIT" },
    { createdBy: 'CMD ["nginx" "-g" "daemon off;"]' },
  ],
  config: config("1.26.3", "1~trixie"),
});

const official = (
  version: string,
  tags: readonly string[],
  created: string,
  base: ImageDefinition = debian,
): ImageDefinition =>
  defineImage({
    repository: "nginx",
    tags,
    base,
    created,
    layers: [
      { createdBy: "LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>" },
      { createdBy: `ENV NGINX_VERSION=${version}` },
      { createdBy: "ENV PKG_RELEASE=1" },
      {
        createdBy:
          "RUN /bin/sh -c set -x     && groupadd --system --gid 101 nginx     && useradd --system --gid nginx --no-create-home nginx # buildkit",
        files,
        size: base === alpine ? 18_200_000 : 48_300_000,
      },
      {
        createdBy: "COPY docker-entrypoint.sh / # buildkit",
        files: { "/docker-entrypoint.sh": { script: OFFICIAL_ENTRYPOINT } },
        size: 1620,
      },
      { createdBy: 'ENTRYPOINT ["/docker-entrypoint.sh"]' },
      { createdBy: "EXPOSE map[80/tcp:{}]" },
      { createdBy: "STOPSIGNAL SIGQUIT" },
      { createdBy: 'CMD ["nginx" "-g" "daemon off;"]' },
    ],
    config: config(version, "1"),
  });

/** Official-looking images for the course's own worlds. */
export const nginxImages: readonly ImageDefinition[] = [
  official("1.29.3", ["latest", "1.29", "1.29.3", "mainline", "stable"], "2026-01-28T10:34:31.828916076Z"),
  official("1.29.3", ["alpine", "stable-alpine", "1.29-alpine"], "2026-01-28T10:35:12.104553871Z", alpine),
  official("1.28.0", ["1.28", "1.28.0"], "2025-09-24T10:34:31.828916076Z"),
  official("1.28.0", ["1.28-alpine"], "2025-09-24T10:35:12.104553871Z", alpine),
  official("1.27.5", ["1.27", "1.27.5"], "2025-07-16T10:34:31.828916076Z"),
  official("1.27.5", ["1.27-alpine"], "2025-07-16T10:35:12.104553871Z", alpine),
  official("1.26.3", ["1.26", "1.26.3"], "2026-02-05T10:34:31.828916076Z"),
  official("1.25.5", ["1.25", "1.25.5"], "2025-04-16T10:34:31.828916076Z"),
  official("1.25.5", ["1.25-alpine"], "2025-04-16T10:35:12.104553871Z", alpine),
  official("1.24.0", ["1.24", "1.24.0"], "2024-04-11T10:34:31.828916076Z"),
  official("1.21.6", ["1.21", "1.21.6"], "2022-01-25T10:34:31.828916076Z"),
  official("1.19.10", ["1.19", "1.19.10"], "2021-04-13T10:34:31.828916076Z"),
  official("1.16.1", ["1.16", "1.16.1"], "2019-08-13T10:34:31.828916076Z"),
  official("1.14.2", ["1.14", "1.14.2"], "2018-12-04T10:34:31.828916076Z"),
];
